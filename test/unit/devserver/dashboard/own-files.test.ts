import { describe, expect, it } from "vitest";
import { ownFilePath } from "../../../../src/devserver/dashboard/data/own-files.js";

const HOST = "http://127.0.0.1:8081";
const path = (uri: string) => ownFilePath(uri, HOST);

describe("addresses of this server's own files", () => {
  it("are asked for behind the page's own origin", () => {
    expect(path(`${HOST}/Project/Job%201.abc/metrics/a.png`)).toBe("/files/Project/Job%201.abc/metrics/a.png");
    expect(path(`${HOST}/a.png?download=1`)).toBe("/files/a.png?download=1");
    expect(ownFilePath("http://host/store/a.png", "http://host/store")).toBe("/files/a.png");
  });

  it.each([
    `${HOST}/../api/v2.34/tasks.delete?task=x`,
    `${HOST}/a/../../api/v2.34/tasks.delete?task=x`,
    `${HOST}/%2e%2e/api/v2.34/tasks.delete?task=x`,
    `${HOST}/.%2E/.%2e/api/v2.34/tasks.delete?task=x`,
    String.raw`${HOST}\..\api\v2.34\tasks.delete?task=x`,
    `${HOST}/a/..%09/../api/v2.34/tasks.delete?task=x`,
  ])("never lead out of the files: %s", (uri) => {
    const resolved = new URL(path(uri) ?? "/files/", "http://127.0.0.1:8080");
    expect(resolved.pathname).toMatch(/^\/files\//);
  });

  it.each([
    "http://127.0.0.1:8081.evil.example/a.png",
    "http://127.0.0.1:80811/a.png",
    "s3://bucket/a.png",
    "javascript:alert(1)",
    "/a.png",
    "",
  ])("are no others: %s", (uri) => {
    expect(path(uri)).toBeUndefined();
  });

  it("are unknown until the server has said where its files are", () => {
    expect(ownFilePath(`${HOST}/a.png`, undefined)).toBeUndefined();
  });
});
