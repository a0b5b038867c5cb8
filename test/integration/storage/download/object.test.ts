/** One object on its way: connections that break, content that changes, disappears or comes damaged. */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { downloadDataset } from "../../../../src/trainer/downloads.js";
import { aDownloadBench, failureOf, halfOf } from "../../../support/download-bench.js";
import { bytes, digestOf } from "../../../support/download-world.js";

const bench = aDownloadBench();

describe("an object", () => {
  it("whose connection breaks in the middle is gone on with from there, if it is still the same", async () => {
    const content = await bench.world.put("set/a.bin", bytes(200_000));
    let breaks = 0;
    const ranges: (string | undefined)[] = [];
    bench.world.s3.intercept(async (pass, request) => {
      const answer = await pass(request);
      if (!request.url.pathname.endsWith("/a.bin")) return answer;
      ranges.push(request.headers["range"]);
      expect(request.headers["if-match"] !== undefined).toBe(request.headers["range"] !== undefined);
      return breaks++ === 0 ? halfOf(answer, bench.onDisk(100_000)) : answer;
    });
    const set = await downloadDataset(bench.world.uriOf("set"), { env: bench.world.env });
    expect(digestOf(await readFile(set.files[0]?.path ?? ""))).toBe(digestOf(content));
    expect(ranges).toEqual([undefined, "bytes=100000-"]);
    expect(set.fetchedBytes).toBe(200_000);
  });

  it("that changes during the download is begun again, alone, and is then whole", async () => {
    await bench.world.put("set/steady.bin", bytes(1000));
    await bench.world.put("set/a.bin", bytes(200_000));
    let newer: Buffer | undefined;
    let steady = 0;
    bench.world.s3.intercept(async (pass, request) => {
      const answer = await pass(request);
      if (request.url.pathname.endsWith("/steady.bin")) steady++;
      if (!request.url.pathname.endsWith("/a.bin") || newer) return answer;
      newer = await bench.world.put("set/a.bin", bytes(150_000));
      return halfOf(answer, bench.onDisk(100_000));
    });
    const set = await downloadDataset(bench.world.uriOf("set"), { env: bench.world.env });
    expect(digestOf(await readFile(path.join(set.path, "a.bin")))).toBe(digestOf(newer ?? Buffer.alloc(0)));
    expect(steady).toBe(1);
  });

  it("that never holds still is given up after four times, by name", async () => {
    await bench.world.put("set/a.bin", bytes(1000));
    bench.world.s3.intercept(async (pass, request) => {
      const answer = await pass(request);
      if (!request.url.pathname.endsWith("/a.bin") || answer.status !== 200) return answer;
      await bench.world.put("set/a.bin", bytes(1000));
      return halfOf(answer, bench.onDisk(500));
    });
    expect(await failureOf(downloadDataset(bench.world.uriOf("set"), { env: bench.world.env }))).toMatchObject({
      code: "FILE_CHANGED",
      uri: bench.world.uriOf("set/a.bin"),
      message: expect.stringContaining("begun 4 times") as string,
    });
  });

  it("that disappears after it was listed is named", async () => {
    await bench.world.put("set/a.bin", "a");
    await bench.world.put("set/gone.bin", "b");
    bench.world.s3.intercept((pass, request) =>
      request.url.pathname.endsWith("/gone.bin")
        ? Promise.resolve({
            status: 404,
            headers: { "content-type": "application/xml" },
            body: "<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>",
          })
        : pass(request),
    );
    expect(await failureOf(downloadDataset(bench.world.uriOf("set"), { env: bench.world.env }))).toMatchObject({
      code: "DOWNLOAD_FAILED",
      retryable: false,
      uri: bench.world.uriOf("set/gone.bin"),
      message: expect.stringContaining("no longer there") as string,
    });
  });

  it("with a wrong byte is fetched again, and is refused when it stays wrong", async () => {
    const content = bytes(1000);
    await bench.world.put("set/a.bin", content, { "x-amz-meta-sha256": digestOf(content) });
    let [damaged, always] = [0, false];
    bench.world.s3.intercept(async (pass, request) => {
      const answer = await pass(request);
      if (!request.url.pathname.endsWith("/a.bin") || (damaged > 0 && !always)) return answer;
      damaged++;
      const body = Buffer.from(answer.body as Uint8Array);
      body[7] = (body[7] ?? 0) ^ 1;
      return { ...answer, body };
    });
    const set = await downloadDataset(bench.world.uriOf("set"), { env: bench.world.env });
    expect(await readFile(path.join(set.path, "a.bin"))).toEqual(content);
    always = true;
    const to = path.join(bench.world.folder, "elsewhere");
    expect(await failureOf(downloadDataset(bench.world.uriOf("set"), { env: bench.world.env, to }))).toMatchObject({
      code: "DOWNLOAD_FAILED",
      retryable: false,
      message: expect.stringContaining("SHA-256") as string,
    });
    expect(await failureOf(stat(to))).toMatchObject({ code: "ENOENT" });
  });

  it("whose ETag has the form of an MD5 and is none is taken once it came twice alike", async () => {
    await bench.world.put("set/a.bin", "content");
    let answers = 0;
    bench.world.s3.intercept(async (pass, request) => {
      const answer = await pass(request);
      const foreign = "0123456789abcdef0123456789abcdef";
      if (!request.url.pathname.endsWith("/a.bin")) {
        const headers = { "content-type": "application/xml" };
        return { ...answer, headers, body: String(answer.body).replace(/[0-9a-f]{32}/, foreign) };
      }
      answers++;
      return { ...answer, headers: { ...answer.headers, etag: `"${foreign}"` } };
    });
    const set = await downloadDataset(bench.world.uriOf("set"), { env: bench.world.env });
    expect(await readFile(path.join(set.path, "a.bin"), "utf8")).toBe("content");
    expect(answers).toBe(2);
  });

  it("is waited for while the store is out of service, but not for longer than was said", async () => {
    await bench.world.put("set/a.bin", "a");
    let refusals = 2;
    const outage = {
      status: 503,
      headers: { "content-type": "application/xml" },
      body: "<Error><Code>SlowDown</Code><Message>later</Message></Error>",
    };
    bench.world.s3.intercept((pass, request) => (refusals-- > 0 ? Promise.resolve(outage) : pass(request)));
    expect(await downloadDataset(bench.world.uriOf("set"), { env: bench.world.env })).toMatchObject({ sizeBytes: 1 });
    bench.world.s3.intercept(() => Promise.resolve(outage));
    expect(await failureOf(downloadDataset(bench.world.uriOf("set"), { env: bench.world.env, retryBudgetMs: 0 }))).toMatchObject({
      code: "STORAGE_UNAVAILABLE",
      retryable: true,
    });
  });
});
