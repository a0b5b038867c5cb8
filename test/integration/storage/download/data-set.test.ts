/** A data set from a bucket: whole, in one step, under names that stay in its folder, fetched once. */
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { DownloadError } from "../../../../src/base/errors.js";
import type { DownloadProgress } from "../../../../src/storage/download/fetch-set.js";
import { downloadDataset } from "../../../../src/trainer/downloads.js";
import { aDownloadBench, failureOf } from "../../../support/download-bench.js";
import { bytes, startDownloadWorld } from "../../../support/download-world.js";

const bench = aDownloadBench();

describe("a data set from a bucket", () => {
  it("comes whole, with its folders, and the second time nothing of it goes over the network", async () => {
    const files = { "set/a.bin": bytes(300_000), "set/images/1.png": bytes(10), "set/images/2 b.png": bytes(0) };
    for (const [key, content] of Object.entries(files)) await bench.world.put(key, content);
    await bench.world.put("set/", "");
    await bench.world.put("set-of-another/c.bin", bytes(5));
    const told: DownloadProgress[] = [];
    const set = await downloadDataset(bench.world.uriOf("set"), { env: bench.world.env, onProgress: (progress) => told.push(progress) });
    expect(set.files.map(({ name }) => name)).toEqual(["a.bin", "images/1.png", "images/2 b.png"]);
    for (const file of set.files) expect(await readFile(file.path)).toEqual(files[`set/${file.name}` as keyof typeof files]);
    expect(set).toMatchObject({ sizeBytes: 300_010, fetchedBytes: 300_010 });
    expect(told.at(-1)).toMatchObject({ files: 3, finishedFiles: 3, receivedBytes: 300_010, totalBytes: 300_010 });
    const before = bench.gets();
    const again = await downloadDataset(bench.world.uriOf("set/"), { env: bench.world.env });
    expect(again).toMatchObject({ path: set.path, fetchedBytes: 0 });
    expect(bench.gets()).toBe(before);
  });

  it("that has changed is another folder, of which only what is new is fetched", async () => {
    await bench.world.put("set/kept.bin", bytes(1000));
    await bench.world.put("set/changed.bin", "before");
    const first = await downloadDataset(bench.world.uriOf("set"), { env: bench.world.env });
    await bench.world.put("set/changed.bin", "after!");
    const second = await downloadDataset(bench.world.uriOf("set"), { env: bench.world.env });
    expect(second.path).not.toBe(first.path);
    expect(second.fetchedBytes).toBe(6);
    expect(await readFile(path.join(first.path, "changed.bin"), "utf8")).toBe("before");
    expect(await readFile(path.join(second.path, "changed.bin"), "utf8")).toBe("after!");
  });

  it("goes to a folder of the caller's own in one step, and is not fetched again while it is the same", async () => {
    await bench.world.put("set/a.bin", "aaaa");
    await bench.world.put("set/b.bin", "bbbb");
    const to = path.join(bench.world.folder, "mine");
    const gate = Promise.withResolvers<undefined>();
    const reached = Promise.withResolvers<undefined>();
    bench.world.s3.intercept(async (pass, request) => {
      if (request.url.pathname.endsWith("/b.bin")) {
        reached.resolve(undefined);
        await gate.promise;
      }
      return pass(request);
    });
    const fetching = downloadDataset(bench.world.uriOf("set"), { env: bench.world.env, to });
    await reached.promise;
    expect(await failureOf(stat(to))).toMatchObject({ code: "ENOENT" });
    gate.resolve(undefined);
    const set = await fetching;
    expect(await readdir(to)).toEqual(["a.bin", "b.bin"]);
    await writeFile(path.join(to, "a.bin"), "mine");
    const before = bench.gets();
    expect(await downloadDataset(bench.world.uriOf("set"), { env: bench.world.env, to })).toMatchObject({
      path: set.path,
      fetchedBytes: 0,
    });
    expect(bench.gets()).toBe(before);
    await bench.world.put("set/a.bin", "cccc");
    expect(await failureOf(downloadDataset(bench.world.uriOf("set"), { env: bench.world.env, to }))).toMatchObject({
      code: "DOWNLOAD_FAILED",
      message: expect.stringContaining("replace: true") as string,
    });
    expect(await readFile(path.join(to, "a.bin"), "utf8")).toBe("mine");
    await downloadDataset(bench.world.uriOf("set"), { env: bench.world.env, to, replace: true });
    expect(await readFile(path.join(to, "a.bin"), "utf8")).toBe("cccc");
  });

  it.each(["set/../up.bin", "set/a/../../up.bin", "set//double.bin", "set/./dot.bin", "set/back\\slash.bin", "set/line\nend.bin"])(
    "with an object called %j is refused before a byte of it is fetched",
    async (key) => {
      await bench.world.put("set/good.bin", "good");
      bench.world.s3.intercept(async (pass, request) => {
        const answer = await pass(request);
        if (!request.url.searchParams.has("list-type")) return answer;
        const escaped = key.replaceAll("\n", "&#10;");
        const body = String(answer.body).replace("<Key>set/good.bin</Key>", `<Key>${escaped}</Key>`);
        return { ...answer, headers: { "content-type": "application/xml" }, body };
      });
      const failure = await failureOf(downloadDataset(bench.world.uriOf("set"), { env: bench.world.env }));
      expect(failure).toBeInstanceOf(DownloadError);
      expect((failure as Error).message).toContain(JSON.stringify(key.slice("set/".length)));
      expect(bench.gets()).toBe(0);
    },
  );

  it("in which a file and a folder have one name is refused", async () => {
    await bench.world.put("set/a", "file");
    await bench.world.put("set/a/b", "below");
    expect(await failureOf(downloadDataset(bench.world.uriOf("set"), { env: bench.world.env }))).toMatchObject({
      message: expect.stringContaining('"a" is a file and the folder of "a/b"') as string,
    });
  });

  it("under a prefix where nothing is says so", async () => {
    expect(await failureOf(downloadDataset(bench.world.uriOf("nothing"), { env: bench.world.env }))).toMatchObject({
      code: "DOWNLOAD_FAILED",
      retryable: false,
      message: expect.stringContaining(`There is nothing under ${bench.world.uriOf("nothing")}`) as string,
    });
  });

  it("that may not be listed says which rights are missing", async () => {
    await using other = await startDownloadWorld();
    other.s3.intercept((_pass) =>
      Promise.resolve({
        status: 403,
        headers: { "content-type": "application/xml" },
        body: "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
      }),
    );
    expect(await failureOf(downloadDataset(other.uriOf("set"), { env: other.env }))).toMatchObject({
      code: "DOWNLOAD_FAILED",
      message: expect.stringMatching(/s3:GetObject.*s3:ListBucket/) as string,
    });
  });
});
