/** Other places than a bucket's prefix: folders, http addresses, and the one file that a checkpoint is. */
import { chmod, cp, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { ConnectionError, ValidationError } from "../../../../src/base/errors.js";
import { downloadCheckpoint, downloadDataset } from "../../../../src/trainer/downloads.js";
import { aDownloadBench, failureOf } from "../../../support/download-bench.js";
import { bytes, digestOf } from "../../../support/download-world.js";
import { serveWire } from "../../../support/wire-server.js";

const bench = aDownloadBench();

describe("other places", () => {
  it("are folders of this machine, from which links are left out", async () => {
    const folder = path.join(bench.world.folder, "there");
    await mkdir(path.join(folder, "deep"), { recursive: true });
    await writeFile(path.join(folder, "deep", "a.txt"), "a");
    await writeFile(path.join(folder, "b.txt"), "b");
    const { symlink } = await import("node:fs/promises");
    await symlink("/etc/hostname", path.join(folder, "link"));
    const set = await downloadDataset(pathToFileURL(folder).href, { env: bench.world.env });
    expect(set.files.map(({ name }) => name)).toEqual(["b.txt", "deep/a.txt"]);
    expect(await readFile(path.join(set.path, "deep", "a.txt"), "utf8")).toBe("a");
    await cp(path.join(folder, "b.txt"), path.join(folder, "b2.txt"));
    await chmod(path.join(folder, "b2.txt"), 0o600);
    expect((await downloadDataset(pathToFileURL(folder).href, { env: bench.world.env })).fetchedBytes).toBe(1);
  });

  it("are http addresses: conditions, ranges and redirects, with the signature in nothing that is kept or said", async () => {
    const content = bytes(10_000);
    let [etag, requests] = ['"v1"', 0];
    await using server = await serveWire((request) => {
      requests++;
      if (request.url.pathname === "/moved") return Promise.resolve({ status: 302, headers: { location: "/file.bin?signature=secret" } });
      if (request.url.searchParams.get("signature") !== "secret") return Promise.resolve({ status: 403, body: "no" });
      const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers["range"] ?? "");
      if (!range) return Promise.resolve({ status: 200, headers: { etag, "content-length": "10000" }, body: content });
      const [start, end] = [Number(range[1]), range[2] === "" ? 9999 : Number(range[2])];
      const headers = { etag, "content-range": `bytes ${String(start)}-${String(end)}/10000`, "content-length": String(end - start + 1) };
      return Promise.resolve({ status: 206, headers, body: content.subarray(start, end + 1) });
    });
    const list = [{ uri: `${server.url}/file.bin?signature=secret`, path: "in/one.bin" }, `${server.url}/moved`];
    const set = await downloadDataset(list, { env: bench.world.env });
    expect(set.files.map(({ name, uri }) => [name, uri])).toEqual([
      ["in/one.bin", `${server.url}/file.bin`],
      ["moved", `${server.url}/moved`],
    ]);
    for (const file of set.files) expect(await readFile(file.path)).toEqual(content);
    const kept = await readFile(path.join(path.dirname(set.path), "manifest.json"), "utf8");
    expect(kept).not.toContain("secret");
    // Signed anew it is the same file.
    requests = 0;
    expect((await downloadDataset(list, { env: bench.world.env })).fetchedBytes).toBe(0);
    expect(requests).toBe(3);
    etag = '"v2"';
    expect((await downloadDataset(list, { env: bench.world.env })).fetchedBytes).toBe(20_000);
    const expired = await failureOf(downloadDataset([`${server.url}/file.bin?signature=old-secret`], { env: bench.world.env }));
    expect(expired).toMatchObject({ code: "DOWNLOAD_FAILED", message: expect.stringContaining("expired") as string });
    expect(String(expired)).not.toContain("old-secret");
  });

  it("are refused when their address makes no sense", async () => {
    for (const uri of ["", "relative/path", "ftp://host/a", "s3://localhost/a", "clearml", "s3://bucket/../a", "http://"])
      expect(await failureOf(downloadDataset(uri, { env: {} }))).toBeInstanceOf(ValidationError);
    expect(await failureOf(downloadDataset([], { env: {} }))).toBeInstanceOf(ValidationError);
    expect(await failureOf(downloadDataset("s3://bucket/a", { env: {}, parallel: 0 }))).toBeInstanceOf(ValidationError);
  });

  it("that nobody answers for are given up after the time that was said", async () => {
    const closed = await serveWire(() => Promise.resolve({ status: 200 }));
    await closed.close();
    expect(await failureOf(downloadDataset([`${closed.url}/a`], { env: bench.world.env, retryBudgetMs: 0 }))).toBeInstanceOf(
      ConnectionError,
    );
  });
});

describe("a checkpoint", () => {
  it("comes to the path that was asked for, with a digest that was known beforehand", async () => {
    const content = await bench.world.put("runs/best.pt", bytes(5000));
    const to = path.join(bench.world.folder, "weights", "best.pt");
    await mkdir(path.dirname(to));
    const sha256 = digestOf(content);
    expect(await downloadCheckpoint(bench.world.uriOf("runs/best.pt"), { env: bench.world.env, to, sha256 })).toMatchObject({
      path: to,
      fetchedBytes: 5000,
    });
    expect(await readFile(to)).toEqual(content);
    const cached = await downloadCheckpoint(bench.world.uriOf("runs/best.pt"), { env: bench.world.env });
    expect(await readFile(cached.path)).toEqual(content);
    const wrong = await failureOf(downloadCheckpoint(bench.world.uriOf("runs/best.pt"), { env: bench.world.env, sha256: "0".repeat(64) }));
    expect(wrong).toMatchObject({ code: "DOWNLOAD_FAILED", message: expect.stringContaining("SHA-256") as string });
  });

  it("needs no right to list", async () => {
    await bench.world.put("runs/best.pt", "weights");
    bench.world.s3.intercept((pass, request) =>
      request.url.searchParams.has("list-type") ? Promise.resolve({ status: 403 }) : pass(request),
    );
    const found = await downloadCheckpoint(bench.world.uriOf("runs/best.pt"), { env: bench.world.env });
    expect(await readFile(found.path, "utf8")).toBe("weights");
  });
});
