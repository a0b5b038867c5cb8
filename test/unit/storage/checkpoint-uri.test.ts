import { describe, expect, it } from "vitest";
import { parseCheckpointUri } from "../../../src/storage/checkpoint-uri.js";

describe("parseCheckpointUri", () => {
  it.each([
    ["clearml", { kind: "fileserver" }],
    ["s3://bucket", { kind: "s3", bucket: "bucket", prefix: "" }],
    [" s3://bucket/a/b/ ", { kind: "s3", bucket: "bucket", prefix: "a/b" }],
    ["s3://bucket/p?region=eu-west-1", { kind: "s3", bucket: "bucket", prefix: "p", region: "eu-west-1" }],
    ["s3://minio:9000/bucket/p", { kind: "s3", bucket: "bucket", prefix: "p", host: "minio:9000" }],
    ["s3://10.0.0.7:9000/Bucket_1", { kind: "s3", bucket: "Bucket_1", prefix: "", host: "10.0.0.7:9000" }],
    ["s3://[::1]:9000/bucket", { kind: "s3", bucket: "bucket", prefix: "", host: "[::1]:9000" }],
    ["s3://s3.example.com:443/bucket?secure=true", { kind: "s3", bucket: "bucket", prefix: "", host: "s3.example.com:443", secure: true }],
    ["file:///mnt/share/run%201", { kind: "folder", directory: "/mnt/share/run 1" }],
  ])("reads %s", (uri, spec) => {
    expect(parseCheckpointUri(uri)).toEqual({ status: "parsed", spec, warnings: [] });
  });

  it("warns of a bucket that looks like a host without its port, for those uploads would go to Amazon", () => {
    expect(parseCheckpointUri("s3://minio.example.com/bucket")).toEqual({
      status: "parsed",
      spec: { kind: "s3", bucket: "minio.example.com", prefix: "bucket" },
      warnings: [{ path: "CHECKPOINT_URI", message: expect.stringContaining("s3://minio.example.com:9000/bucket/prefix") }],
    });
  });

  it.each([
    ["", /no store is named/],
    ["/mnt/share", /no store is named/],
    ["http://minio:9000/bucket", /an http address is no store; use s3:/],
    ["gs://bucket", /gs:\/\/ is not supported/],
    ["s3://", /no bucket is named/],
    ["s3://localhost/bucket", /localhost is a host and no bucket.*s3:\/\/localhost:9000/],
    ["s3://127.0.0.1/bucket", /is a host and no bucket/],
    ["s3://minio:9000", /no bucket follows minio:9000/],
    ["s3://My_Bucket/a", /cannot be an AWS bucket's name/],
    ["s3://key:secret@minio:9000/bucket", /credentials do not belong in the URI/],
    ["s3://bucket/a/%2e%2e/b", /climbs/],
    ["s3://bucket?secure=false", /belongs to s3:\/\/host:port/],
    ["s3://minio:9000/bucket?tls=1", /\?tls=1 is not understood/],
    ["file://host/share", /write file:\/\/\//],
    ["file:relative", /three slashes/],
  ])("refuses %j and says what to write", (uri, message) => {
    expect(parseCheckpointUri(uri, "storage")).toEqual({
      status: "invalid",
      issues: [{ path: "storage", message: expect.stringMatching(message) }],
    });
  });

  it("never repeats a password", () => {
    expect(JSON.stringify(parseCheckpointUri("s3://key:hunter2@minio:9000/bucket"))).not.toContain("hunter2");
  });
});
