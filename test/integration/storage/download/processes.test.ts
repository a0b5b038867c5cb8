/** Processes that want the same at once, are killed in the middle and go on; and the cache that they share. */
import { readFile, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { downloadDataset } from "../../../../src/trainer/downloads.js";
import { aDownloadBench, failureOf, halfOf } from "../../../support/download-bench.js";
import { bytes, digestOf } from "../../../support/download-world.js";

const bench = aDownloadBench();

describe("processes", () => {
  it("that want the same at the same time fetch it once", async () => {
    await bench.world.put("set/a.bin", bytes(100_000));
    await bench.world.put("set/b.bin", bytes(100_000));
    const gate = Promise.withResolvers<undefined>();
    const begun = Promise.withResolvers<undefined>();
    bench.world.s3.intercept(async (pass, request) => {
      if (request.url.pathname.endsWith("/b.bin")) {
        begun.resolve(undefined);
        await gate.promise;
      }
      return pass(request);
    });
    const first = bench.world.process({ uri: bench.world.uriOf("set") });
    await begun.promise;
    const second = bench.world.process({ uri: bench.world.uriOf("set") });
    await expect
      .poll(() => bench.world.s3.s3.calls().filter(({ operation }) => operation === "ListObjectsV2").length, { timeout: 30_000 })
      .toBe(2);
    gate.resolve(undefined);
    const results = await Promise.all([first.line("done"), second.line("done")]);
    const [one, other] = results.map((line) => JSON.parse(line.slice(5)) as { path: string; fetchedBytes: number });
    expect(one?.path).toBe(other?.path);
    expect([one?.fetchedBytes, other?.fetchedBytes].sort()).toEqual([0, 200_000].sort());
    expect(bench.gets()).toBe(2);
    await Promise.all([first.end(), second.end()]);
  });

  it("that are killed in the middle leave what they had, for the next to go on with", async () => {
    const content = await bench.world.put("set/a.bin", bytes(400_000));
    await bench.world.put("set/whole.bin", bytes(50_000));
    const never = new Promise(() => undefined);
    bench.world.s3.intercept(async (pass, request) => {
      const answer = await pass(request);
      return request.url.pathname.endsWith("/a.bin") ? halfOf(answer, never) : answer;
    });
    const killed = bench.world.process({ uri: bench.world.uriOf("set") });
    await killed.line("begun");
    await expect.poll(bench.partSizes, { timeout: 30_000 }).toEqual([200_000, 50_000]);
    await expect.poll(bench.unfinished, { timeout: 30_000 }).toBe(1);
    await killed.kill();
    const ranges: (string | undefined)[] = [];
    bench.world.s3.intercept((pass, request) => {
      if (request.method === "GET" && !request.url.searchParams.has("list-type")) ranges.push(request.headers["range"]);
      return pass(request);
    });
    const set = await downloadDataset(bench.world.uriOf("set"), { env: bench.world.env });
    expect(ranges).toEqual(["bytes=200000-"]);
    expect(set).toMatchObject({ sizeBytes: 450_000, fetchedBytes: 200_000 });
    expect(digestOf(await readFile(path.join(set.path, "a.bin")))).toBe(digestOf(content));
  });

  it("that are killed in the middle leave nothing that is gone on with when the object is another by then", async () => {
    await bench.world.put("set/a.bin", bytes(400_000));
    const never = new Promise(() => undefined);
    bench.world.s3.intercept(async (pass, request) => {
      const answer = await pass(request);
      return request.url.pathname.endsWith("/a.bin") ? halfOf(answer, never) : answer;
    });
    const killed = bench.world.process({ uri: bench.world.uriOf("set"), to: path.join(bench.world.folder, "mine") });
    await killed.line("begun");
    await killed.kill();
    const newer = await bench.world.put("set/a.bin", bytes(400_000));
    bench.world.s3.intercept((pass, request) => pass(request));
    const set = await downloadDataset(bench.world.uriOf("set"), { env: bench.world.env, to: path.join(bench.world.folder, "mine") });
    expect(set.fetchedBytes).toBe(400_000);
    expect(digestOf(await readFile(path.join(set.path, "a.bin")))).toBe(digestOf(newer));
  });
});

describe("the cache", () => {
  const limited = { maxCacheBytes: 2500 };

  it("lets go of what was not used for longest, never of what is in use, here or in another process", async () => {
    for (const name of ["one", "two", "three"]) await bench.world.put(`${name}/a.bin`, bytes(1000));
    const holder = bench.world.process({ uri: bench.world.uriOf("one") });
    const one = JSON.parse((await holder.line("done")).slice(5)) as { path: string };
    const two = await downloadDataset(bench.world.uriOf("two"), { env: bench.world.env, ...limited });
    // By its time it would be the first to go.
    await utimes(path.join(path.dirname(one.path), "manifest.json"), 1, 1);
    expect(await failureOf(downloadDataset(bench.world.uriOf("three"), { env: bench.world.env, ...limited }))).toMatchObject({
      code: "DOWNLOAD_FAILED",
      message: expect.stringMatching(/2\.0 kB are in use.*TRAINER_CACHE_MAX_GB/) as string,
    });
    await two.release();
    const three = await downloadDataset(bench.world.uriOf("three"), { env: bench.world.env, ...limited });
    expect(await failureOf(stat(two.path))).toMatchObject({ code: "ENOENT" });
    expect(await stat(path.join(one.path, "a.bin"))).toMatchObject({ size: 1000 });
    // Whoever is killed uses nothing any more.
    await holder.kill();
    const four = await downloadDataset(bench.world.uriOf("two"), { env: bench.world.env, ...limited });
    expect(await failureOf(stat(one.path))).toMatchObject({ code: "ENOENT" });
    await Promise.all([three.release(), four.release()]);
  });

  it("refuses a set that is larger than it may ever be, before a byte is fetched", async () => {
    await bench.world.put("set/a.bin", bytes(3000));
    expect(
      await failureOf(downloadDataset(bench.world.uriOf("set"), { env: { ...bench.world.env, TRAINER_CACHE_MAX_GB: "0.0000025" } })),
    ).toMatchObject({
      message: expect.stringMatching(/takes 3\.0 kB.*may hold 2\.5 kB/) as string,
    });
    expect(bench.gets()).toBe(0);
  });

  it("is read-only for those who share it", async () => {
    await bench.world.put("set/a.bin", "shared");
    const set = await downloadDataset(bench.world.uriOf("set"), { env: bench.world.env });
    expect((await stat(path.join(set.path, "a.bin"))).mode & 0o222).toBe(0);
  });

  it("that cannot be written says which variable names another", async () => {
    await bench.world.put("set/a.bin", "a");
    const cacheDir = path.join(bench.world.folder, "a-file", "below");
    await writeFile(path.join(bench.world.folder, "a-file"), "");
    expect(await failureOf(downloadDataset(bench.world.uriOf("set"), { env: bench.world.env, cacheDir }))).toMatchObject({
      code: "DOWNLOAD_FAILED",
      message: expect.stringContaining("TRAINER_CACHE_DIR") as string,
    });
  });
});
