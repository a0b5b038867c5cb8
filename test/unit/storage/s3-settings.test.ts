import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/base/errors.js";
import { parseCheckpointUri, type S3Spec } from "../../../src/storage/checkpoint-uri.js";
import { resolveS3Settings } from "../../../src/storage/s3-settings.js";

const internal = {
  INTERNAL_STORAGE_ENDPOINT: "http://minio:9002",
  INTERNAL_STORAGE_ACCESS_KEY: "in-key",
  INTERNAL_STORAGE_SECRET_KEY: "in-secret",
};
const aws = { AWS_ACCESS_KEY_ID: "aws-key", AWS_SECRET_ACCESS_KEY: "aws-secret" };

function settings(uri: string, env: Record<string, string> = {}, given = {}) {
  const parsed = parseCheckpointUri(uri);
  if (parsed.status === "invalid") throw new Error(parsed.issues[0]?.message);
  return resolveS3Settings(parsed.spec as S3Spec, given, env);
}

describe("the endpoint", () => {
  it.each([
    ["s3://bucket/p", {}, { endpoint: undefined, isAws: true, region: undefined, uriBase: "s3://bucket" }],
    ["s3://bucket", { AWS_REGION: "eu-west-1" }, { region: "eu-west-1" }],
    ["s3://bucket?region=us-west-2", { AWS_REGION: "eu-west-1" }, { region: "us-west-2" }],
    ["s3://minio:9000/bucket", {}, { endpoint: "http://minio:9000", isAws: false, region: "us-east-1", uriBase: "s3://minio:9000/bucket" }],
    ["s3://minio:9000/bucket?secure=true", {}, { endpoint: "https://minio:9000" }],
    ["s3://r2.example.com:443/bucket", {}, { endpoint: "https://r2.example.com:443" }],
    ["s3://minio:9002/bucket", { INTERNAL_STORAGE_ENDPOINT: "https://minio:9002" }, { endpoint: "https://minio:9002" }],
    // Another host's endpoint says nothing about this one.
    ["s3://minio:9000/bucket", { INTERNAL_STORAGE_ENDPOINT: "https://minio:9002" }, { endpoint: "http://minio:9000" }],
    [
      "s3://bucket",
      { AWS_ENDPOINT_URL: "http://minio:9000" },
      { endpoint: "http://minio:9000", isAws: false, uriBase: "s3://minio:9000/bucket" },
    ],
    [
      "s3://bucket",
      { AWS_ENDPOINT_URL: "http://other:1", AWS_ENDPOINT_URL_S3: "https://ceph.example.com" },
      { endpoint: "https://ceph.example.com", uriBase: "s3://ceph.example.com:443/bucket" },
    ],
    [
      "s3://bucket",
      { AWS_ENDPOINT_URL: "http://minio:9000", AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true" },
      { endpoint: undefined, isAws: true },
    ],
    ["s3://bucket", { AWS_ENDPOINT_URL: "https://s3.eu-west-1.amazonaws.com" }, { isAws: true, uriBase: "s3://bucket" }],
    // INTERNAL_STORAGE_ENDPOINT alone never turns s3://bucket away from AWS.
    ["s3://bucket", internal, { endpoint: undefined, isAws: true }],
  ])("of %s with %j is %j", (uri, env, expected) => {
    expect(settings(uri, env as Record<string, string>)).toMatchObject(expected);
  });

  it("that is no URL is a ConfigError naming its variable", () => {
    expect(() => settings("s3://bucket", { AWS_ENDPOINT_URL: "minio" })).toThrow(ConfigError);
    expect(() => settings("s3://bucket", { AWS_ENDPOINT_URL: "minio" })).toThrow(/AWS_ENDPOINT_URL must be/);
  });
});

describe("the credentials", () => {
  it.each([
    ["s3://minio:9002/bucket", internal, "in-key"],
    ["s3://minio:9002/bucket", { ...internal, INTERNAL_STORAGE_ENDPOINT: "minio:9002" }, "in-key"],
    ["s3://minio:9002/bucket", { ...internal, ...aws }, "in-key"],
    ["s3://bucket", { ...internal, AWS_ENDPOINT_URL_S3: "http://minio:9002" }, "in-key"],
    ["s3://minio:9000/bucket", { ...internal, ...aws }, "aws-key"],
    ["s3://bucket", { ...internal, ...aws }, "aws-key"],
    ["s3://minio:9000/bucket", internal, undefined],
    ["s3://bucket", {}, undefined],
  ])("for %s with %j are %s", (uri, env, accessKeyId) => {
    expect(settings(uri, env as Record<string, string>).credentials?.accessKeyId).toBe(accessKeyId);
  });

  it("that were given win", () => {
    const credentials = { accessKeyId: "given", secretAccessKey: "s" };
    expect(settings("s3://minio:9002/bucket", { ...internal, ...aws }, { credentials }).credentials).toBe(credentials);
  });

  it("carry a session token", () => {
    expect(settings("s3://bucket", { ...aws, AWS_SESSION_TOKEN: "t" }).credentials).toMatchObject({ sessionToken: "t" });
  });
});
