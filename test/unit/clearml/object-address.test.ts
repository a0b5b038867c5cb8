import { describe, expect, it } from "vitest";
import { objectAddress } from "../../../src/clearml/object-address.js";

describe("the address of a stored file", () => {
  it.each([
    ["https://files/a%253Ab", { kind: "http", url: "https://files/a%253Ab" }],
    ["s3://bucket/a/b.pt", { kind: "s3", bucket: "bucket", key: "a/b.pt" }],
    ["s3://minio:9000/bucket/a b/c%3Ad//e", { kind: "s3", host: "minio:9000", bucket: "bucket", key: "a b/c%3Ad//e" }],
    ["s3://bucket.with.dots/key?x#y", { kind: "s3", bucket: "bucket.with.dots", key: "key?x#y" }],
    ["file:///data/a%20b", { kind: "file", url: "file:///data/a%20b", path: "/data/a%20b" }],
    ["s3://bucket", { kind: "other", scheme: "s3" }],
    ["gs://bucket/key", { kind: "other", scheme: "gs" }],
    ["/home/weights.pt", { kind: "other", scheme: "" }],
  ])("%s is read as it stands", (uri, address) => {
    expect(objectAddress(uri)).toEqual(address);
  });
});
