/** Data sets and checkpoints that are fetched: from S3, folders and http, by processes that race, are killed and go on. */
import { chmod, cp, mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConnectionError, DownloadError, ValidationError } from "../../../src/base/errors.js";
import type { WireHandler } from "../../../src/protocol/handler.js";
import type { DownloadProgress } from "../../../src/storage/download/fetch-set.js";
import { downloadCheckpoint, downloadDataset } from "../../../src/trainer/downloads.js";
import { bytes, digestOf, startDownloadWorld, type DownloadWorld } from "../../support/download-world.js";
import { serveWire } from "../../support/wire-server.js";

let world: DownloadWorld;
beforeEach(async () => {
  world = await startDownloadWorld();
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );
const gets = (): number => world.s3.s3.calls().filter(({ operation, status }) => operation === "GetObject" && status < 300).length;

/** Half of an object, then silence until the gate opens; then the connection breaks. */
function halfOf(whole: Awaited<ReturnType<WireHandler>>, gate: Promise<unknown>): Awaited<ReturnType<WireHandler>> {
  const body = whole.body as Uint8Array;
  const { "content-length": _length, ...headers } = whole.headers ?? {};
  return {
    ...whole,
    headers: { ...headers, "content-length": String(body.length) },
    body: (async function* () {
      yield body.subarray(0, body.length / 2);
      await gate;
    })(),
    destroy: true,
  };
}

/** Sizes of what is being gathered. */
async function partSizes(): Promise<number[]> {
  const sets = path.join(world.folder, "cache", "sets");
  const [source = ""] = await readdir(sets).catch(() => []);
  const folder = path.join(sets, source, "parts");
  const sizes = (await readdir(folder).catch(() => [])).map(async (name) => (await stat(path.join(folder, name))).size);
  return (await Promise.all(sizes)).sort();
}

/** Resolves when so much of a file is on the disk. */
const onDisk = (sizeBytes: number): Promise<unknown> => expect.poll(partSizes, { timeout: 30_000 }).toContain(sizeBytes);

describe("a data set from a bucket", () => {
  it("comes whole, with its folders, and the second time nothing of it goes over the network", async () => {
    const files = { "set/a.bin": bytes(300_000), "set/images/1.png": bytes(10), "set/images/2 b.png": bytes(0) };
    for (const [key, content] of Object.entries(files)) await world.put(key, content);
    await world.put("set/", "");
    await world.put("set-of-another/c.bin", bytes(5));
    const told: DownloadProgress[] = [];
    const set = await downloadDataset(world.uriOf("set"), { env: world.env, onProgress: (progress) => told.push(progress) });
    expect(set.files.map(({ name }) => name)).toEqual(["a.bin", "images/1.png", "images/2 b.png"]);
    for (const file of set.files) expect(await readFile(file.path)).toEqual(files[`set/${file.name}` as keyof typeof files]);
    expect(set).toMatchObject({ sizeBytes: 300_010, fetchedBytes: 300_010 });
    expect(told.at(-1)).toMatchObject({ files: 3, finishedFiles: 3, receivedBytes: 300_010, totalBytes: 300_010 });
    const before = gets();
    const again = await downloadDataset(world.uriOf("set/"), { env: world.env });
    expect(again).toMatchObject({ path: set.path, fetchedBytes: 0 });
    expect(gets()).toBe(before);
  });

  it("that has changed is another folder, of which only what is new is fetched", async () => {
    await world.put("set/kept.bin", bytes(1000));
    await world.put("set/changed.bin", "before");
    const first = await downloadDataset(world.uriOf("set"), { env: world.env });
    await world.put("set/changed.bin", "after!");
    const second = await downloadDataset(world.uriOf("set"), { env: world.env });
    expect(second.path).not.toBe(first.path);
    expect(second.fetchedBytes).toBe(6);
    expect(await readFile(path.join(first.path, "changed.bin"), "utf8")).toBe("before");
    expect(await readFile(path.join(second.path, "changed.bin"), "utf8")).toBe("after!");
  });

  it("goes to a folder of the caller's own in one step, and is not fetched again while it is the same", async () => {
    await world.put("set/a.bin", "aaaa");
    await world.put("set/b.bin", "bbbb");
    const to = path.join(world.folder, "mine");
    const gate = Promise.withResolvers<undefined>();
    const reached = Promise.withResolvers<undefined>();
    world.s3.intercept(async (pass, request) => {
      if (request.url.pathname.endsWith("/b.bin")) {
        reached.resolve(undefined);
        await gate.promise;
      }
      return pass(request);
    });
    const fetching = downloadDataset(world.uriOf("set"), { env: world.env, to });
    await reached.promise;
    expect(await failureOf(stat(to))).toMatchObject({ code: "ENOENT" });
    gate.resolve(undefined);
    const set = await fetching;
    expect(await readdir(to)).toEqual(["a.bin", "b.bin"]);
    await writeFile(path.join(to, "a.bin"), "mine");
    const before = gets();
    expect(await downloadDataset(world.uriOf("set"), { env: world.env, to })).toMatchObject({ path: set.path, fetchedBytes: 0 });
    expect(gets()).toBe(before);
    await world.put("set/a.bin", "cccc");
    expect(await failureOf(downloadDataset(world.uriOf("set"), { env: world.env, to }))).toMatchObject({
      code: "DOWNLOAD_FAILED",
      message: expect.stringContaining("replace: true") as string,
    });
    expect(await readFile(path.join(to, "a.bin"), "utf8")).toBe("mine");
    await downloadDataset(world.uriOf("set"), { env: world.env, to, replace: true });
    expect(await readFile(path.join(to, "a.bin"), "utf8")).toBe("cccc");
  });

  it.each(["set/../up.bin", "set/a/../../up.bin", "set//double.bin", "set/./dot.bin", "set/back\\slash.bin", "set/line\nend.bin"])(
    "with an object called %j is refused before a byte of it is fetched",
    async (key) => {
      await world.put("set/good.bin", "good");
      world.s3.intercept(async (pass, request) => {
        const answer = await pass(request);
        if (!request.url.searchParams.has("list-type")) return answer;
        const escaped = key.replaceAll("\n", "&#10;");
        const body = String(answer.body).replace("<Key>set/good.bin</Key>", `<Key>${escaped}</Key>`);
        return { ...answer, headers: { "content-type": "application/xml" }, body };
      });
      const failure = await failureOf(downloadDataset(world.uriOf("set"), { env: world.env }));
      expect(failure).toBeInstanceOf(DownloadError);
      expect((failure as Error).message).toContain(JSON.stringify(key.slice("set/".length)));
      expect(gets()).toBe(0);
    },
  );

  it("in which a file and a folder have one name is refused", async () => {
    await world.put("set/a", "file");
    await world.put("set/a/b", "below");
    expect(await failureOf(downloadDataset(world.uriOf("set"), { env: world.env }))).toMatchObject({
      message: expect.stringContaining('"a" is a file and the folder of "a/b"') as string,
    });
  });

  it("under a prefix where nothing is says so", async () => {
    expect(await failureOf(downloadDataset(world.uriOf("nothing"), { env: world.env }))).toMatchObject({
      code: "DOWNLOAD_FAILED",
      retryable: false,
      message: expect.stringContaining(`There is nothing under ${world.uriOf("nothing")}`) as string,
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

describe("an object", () => {
  it("whose connection breaks in the middle is gone on with from there, if it is still the same", async () => {
    const content = await world.put("set/a.bin", bytes(200_000));
    let breaks = 0;
    const ranges: (string | undefined)[] = [];
    world.s3.intercept(async (pass, request) => {
      const answer = await pass(request);
      if (!request.url.pathname.endsWith("/a.bin")) return answer;
      ranges.push(request.headers["range"]);
      expect(request.headers["if-match"] !== undefined).toBe(request.headers["range"] !== undefined);
      return breaks++ === 0 ? halfOf(answer, onDisk(100_000)) : answer;
    });
    const set = await downloadDataset(world.uriOf("set"), { env: world.env });
    expect(digestOf(await readFile(set.files[0]?.path ?? ""))).toBe(digestOf(content));
    expect(ranges).toEqual([undefined, "bytes=100000-"]);
    expect(set.fetchedBytes).toBe(200_000);
  });

  it("that changes during the download is begun again, alone, and is then whole", async () => {
    await world.put("set/steady.bin", bytes(1000));
    await world.put("set/a.bin", bytes(200_000));
    let newer: Buffer | undefined;
    let steady = 0;
    world.s3.intercept(async (pass, request) => {
      const answer = await pass(request);
      if (request.url.pathname.endsWith("/steady.bin")) steady++;
      if (!request.url.pathname.endsWith("/a.bin") || newer) return answer;
      newer = await world.put("set/a.bin", bytes(150_000));
      return halfOf(answer, onDisk(100_000));
    });
    const set = await downloadDataset(world.uriOf("set"), { env: world.env });
    expect(digestOf(await readFile(path.join(set.path, "a.bin")))).toBe(digestOf(newer ?? Buffer.alloc(0)));
    expect(steady).toBe(1);
  });

  it("that never holds still is given up after four times, by name", async () => {
    await world.put("set/a.bin", bytes(1000));
    world.s3.intercept(async (pass, request) => {
      const answer = await pass(request);
      if (!request.url.pathname.endsWith("/a.bin") || answer.status !== 200) return answer;
      await world.put("set/a.bin", bytes(1000));
      return halfOf(answer, onDisk(500));
    });
    expect(await failureOf(downloadDataset(world.uriOf("set"), { env: world.env }))).toMatchObject({
      code: "FILE_CHANGED",
      uri: world.uriOf("set/a.bin"),
      message: expect.stringContaining("begun 4 times") as string,
    });
  });

  it("that disappears after it was listed is named", async () => {
    await world.put("set/a.bin", "a");
    await world.put("set/gone.bin", "b");
    world.s3.intercept((pass, request) =>
      request.url.pathname.endsWith("/gone.bin")
        ? Promise.resolve({
            status: 404,
            headers: { "content-type": "application/xml" },
            body: "<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>",
          })
        : pass(request),
    );
    expect(await failureOf(downloadDataset(world.uriOf("set"), { env: world.env }))).toMatchObject({
      code: "DOWNLOAD_FAILED",
      retryable: false,
      uri: world.uriOf("set/gone.bin"),
      message: expect.stringContaining("no longer there") as string,
    });
  });

  it("with a wrong byte is fetched again, and is refused when it stays wrong", async () => {
    const content = bytes(1000);
    await world.put("set/a.bin", content, { "x-amz-meta-sha256": digestOf(content) });
    let [damaged, always] = [0, false];
    world.s3.intercept(async (pass, request) => {
      const answer = await pass(request);
      if (!request.url.pathname.endsWith("/a.bin") || (damaged > 0 && !always)) return answer;
      damaged++;
      const body = Buffer.from(answer.body as Uint8Array);
      body[7] = (body[7] ?? 0) ^ 1;
      return { ...answer, body };
    });
    const set = await downloadDataset(world.uriOf("set"), { env: world.env });
    expect(await readFile(path.join(set.path, "a.bin"))).toEqual(content);
    always = true;
    const to = path.join(world.folder, "elsewhere");
    expect(await failureOf(downloadDataset(world.uriOf("set"), { env: world.env, to }))).toMatchObject({
      code: "DOWNLOAD_FAILED",
      retryable: false,
      message: expect.stringContaining("SHA-256") as string,
    });
    expect(await failureOf(stat(to))).toMatchObject({ code: "ENOENT" });
  });

  it("whose ETag has the form of an MD5 and is none is taken once it came twice alike", async () => {
    await world.put("set/a.bin", "content");
    let answers = 0;
    world.s3.intercept(async (pass, request) => {
      const answer = await pass(request);
      const foreign = "0123456789abcdef0123456789abcdef";
      if (!request.url.pathname.endsWith("/a.bin")) {
        const headers = { "content-type": "application/xml" };
        return { ...answer, headers, body: String(answer.body).replace(/[0-9a-f]{32}/, foreign) };
      }
      answers++;
      return { ...answer, headers: { ...answer.headers, etag: `"${foreign}"` } };
    });
    const set = await downloadDataset(world.uriOf("set"), { env: world.env });
    expect(await readFile(path.join(set.path, "a.bin"), "utf8")).toBe("content");
    expect(answers).toBe(2);
  });

  it("is waited for while the store is out of service, but not for longer than was said", async () => {
    await world.put("set/a.bin", "a");
    let refusals = 2;
    const outage = {
      status: 503,
      headers: { "content-type": "application/xml" },
      body: "<Error><Code>SlowDown</Code><Message>later</Message></Error>",
    };
    world.s3.intercept((pass, request) => (refusals-- > 0 ? Promise.resolve(outage) : pass(request)));
    expect(await downloadDataset(world.uriOf("set"), { env: world.env })).toMatchObject({ sizeBytes: 1 });
    world.s3.intercept(() => Promise.resolve(outage));
    expect(await failureOf(downloadDataset(world.uriOf("set"), { env: world.env, retryBudgetMs: 0 }))).toMatchObject({
      code: "STORAGE_UNAVAILABLE",
      retryable: true,
    });
  });
});

describe("processes", () => {
  it("that want the same at the same time fetch it once", async () => {
    await world.put("set/a.bin", bytes(100_000));
    await world.put("set/b.bin", bytes(100_000));
    const gate = Promise.withResolvers<undefined>();
    const begun = Promise.withResolvers<undefined>();
    world.s3.intercept(async (pass, request) => {
      if (request.url.pathname.endsWith("/b.bin")) {
        begun.resolve(undefined);
        await gate.promise;
      }
      return pass(request);
    });
    const first = world.process({ uri: world.uriOf("set") });
    await begun.promise;
    const second = world.process({ uri: world.uriOf("set") });
    await expect
      .poll(() => world.s3.s3.calls().filter(({ operation }) => operation === "ListObjectsV2").length, { timeout: 30_000 })
      .toBe(2);
    gate.resolve(undefined);
    const results = await Promise.all([first.line("done"), second.line("done")]);
    const [one, other] = results.map((line) => JSON.parse(line.slice(5)) as { path: string; fetchedBytes: number });
    expect(one?.path).toBe(other?.path);
    expect([one?.fetchedBytes, other?.fetchedBytes].sort()).toEqual([0, 200_000].sort());
    expect(gets()).toBe(2);
    await Promise.all([first.end(), second.end()]);
  });

  it("that are killed in the middle leave what they had, for the next to go on with", async () => {
    const content = await world.put("set/a.bin", bytes(400_000));
    await world.put("set/whole.bin", bytes(50_000));
    const never = new Promise(() => undefined);
    world.s3.intercept(async (pass, request) => {
      const answer = await pass(request);
      return request.url.pathname.endsWith("/a.bin") ? halfOf(answer, never) : answer;
    });
    const killed = world.process({ uri: world.uriOf("set") });
    await killed.line("begun");
    await expect.poll(partSizes, { timeout: 30_000 }).toEqual([200_000, 50_000]);
    await killed.kill();
    const ranges: (string | undefined)[] = [];
    world.s3.intercept((pass, request) => {
      if (request.method === "GET" && !request.url.searchParams.has("list-type")) ranges.push(request.headers["range"]);
      return pass(request);
    });
    const set = await downloadDataset(world.uriOf("set"), { env: world.env });
    expect(ranges).toEqual(["bytes=200000-"]);
    expect(set).toMatchObject({ sizeBytes: 450_000, fetchedBytes: 200_000 });
    expect(digestOf(await readFile(path.join(set.path, "a.bin")))).toBe(digestOf(content));
  });

  it("that are killed in the middle leave nothing that is gone on with when the object is another by then", async () => {
    await world.put("set/a.bin", bytes(400_000));
    const never = new Promise(() => undefined);
    world.s3.intercept(async (pass, request) => {
      const answer = await pass(request);
      return request.url.pathname.endsWith("/a.bin") ? halfOf(answer, never) : answer;
    });
    const killed = world.process({ uri: world.uriOf("set"), to: path.join(world.folder, "mine") });
    await killed.line("begun");
    await killed.kill();
    const newer = await world.put("set/a.bin", bytes(400_000));
    world.s3.intercept((pass, request) => pass(request));
    const set = await downloadDataset(world.uriOf("set"), { env: world.env, to: path.join(world.folder, "mine") });
    expect(set.fetchedBytes).toBe(400_000);
    expect(digestOf(await readFile(path.join(set.path, "a.bin")))).toBe(digestOf(newer));
  });
});

describe("the cache", () => {
  const limited = { maxCacheBytes: 2500 };

  it("lets go of what was not used for longest, never of what is in use, here or in another process", async () => {
    for (const name of ["one", "two", "three"]) await world.put(`${name}/a.bin`, bytes(1000));
    const holder = world.process({ uri: world.uriOf("one") });
    const one = JSON.parse((await holder.line("done")).slice(5)) as { path: string };
    const two = await downloadDataset(world.uriOf("two"), { env: world.env, ...limited });
    // By its time it would be the first to go.
    await utimes(path.join(path.dirname(one.path), "manifest.json"), 1, 1);
    expect(await failureOf(downloadDataset(world.uriOf("three"), { env: world.env, ...limited }))).toMatchObject({
      code: "DOWNLOAD_FAILED",
      message: expect.stringMatching(/2\.0 kB are in use.*TRAINER_CACHE_MAX_GB/) as string,
    });
    await two.release();
    const three = await downloadDataset(world.uriOf("three"), { env: world.env, ...limited });
    expect(await failureOf(stat(two.path))).toMatchObject({ code: "ENOENT" });
    expect(await stat(path.join(one.path, "a.bin"))).toMatchObject({ size: 1000 });
    // Whoever is killed uses nothing any more.
    await holder.kill();
    const four = await downloadDataset(world.uriOf("two"), { env: world.env, ...limited });
    expect(await failureOf(stat(one.path))).toMatchObject({ code: "ENOENT" });
    await Promise.all([three.release(), four.release()]);
  });

  it("refuses a set that is larger than it may ever be, before a byte is fetched", async () => {
    await world.put("set/a.bin", bytes(3000));
    expect(
      await failureOf(downloadDataset(world.uriOf("set"), { env: { ...world.env, TRAINER_CACHE_MAX_GB: "0.0000025" } })),
    ).toMatchObject({
      message: expect.stringMatching(/takes 3\.0 kB.*may hold 2\.5 kB/) as string,
    });
    expect(gets()).toBe(0);
  });

  it("is read-only for those who share it", async () => {
    await world.put("set/a.bin", "shared");
    const set = await downloadDataset(world.uriOf("set"), { env: world.env });
    expect((await stat(path.join(set.path, "a.bin"))).mode & 0o222).toBe(0);
  });

  it("that cannot be written says which variable names another", async () => {
    await world.put("set/a.bin", "a");
    const cacheDir = path.join(world.folder, "a-file", "below");
    await writeFile(path.join(world.folder, "a-file"), "");
    expect(await failureOf(downloadDataset(world.uriOf("set"), { env: world.env, cacheDir }))).toMatchObject({
      code: "DOWNLOAD_FAILED",
      message: expect.stringContaining("TRAINER_CACHE_DIR") as string,
    });
  });
});

describe("other places", () => {
  it("are folders of this machine, from which links are left out", async () => {
    const folder = path.join(world.folder, "there");
    await mkdir(path.join(folder, "deep"), { recursive: true });
    await writeFile(path.join(folder, "deep", "a.txt"), "a");
    await writeFile(path.join(folder, "b.txt"), "b");
    const { symlink } = await import("node:fs/promises");
    await symlink("/etc/hostname", path.join(folder, "link"));
    const set = await downloadDataset(pathToFileURL(folder).href, { env: world.env });
    expect(set.files.map(({ name }) => name)).toEqual(["b.txt", "deep/a.txt"]);
    expect(await readFile(path.join(set.path, "deep", "a.txt"), "utf8")).toBe("a");
    await cp(path.join(folder, "b.txt"), path.join(folder, "b2.txt"));
    await chmod(path.join(folder, "b2.txt"), 0o600);
    expect((await downloadDataset(pathToFileURL(folder).href, { env: world.env })).fetchedBytes).toBe(1);
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
    const set = await downloadDataset(list, { env: world.env });
    expect(set.files.map(({ name, uri }) => [name, uri])).toEqual([
      ["in/one.bin", `${server.url}/file.bin`],
      ["moved", `${server.url}/moved`],
    ]);
    for (const file of set.files) expect(await readFile(file.path)).toEqual(content);
    const kept = await readFile(path.join(path.dirname(set.path), "manifest.json"), "utf8");
    expect(kept).not.toContain("secret");
    // Signed anew it is the same file.
    requests = 0;
    expect((await downloadDataset(list, { env: world.env })).fetchedBytes).toBe(0);
    expect(requests).toBe(3);
    etag = '"v2"';
    expect((await downloadDataset(list, { env: world.env })).fetchedBytes).toBe(20_000);
    const expired = await failureOf(downloadDataset([`${server.url}/file.bin?signature=old-secret`], { env: world.env }));
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
    expect(await failureOf(downloadDataset([`${closed.url}/a`], { env: world.env, retryBudgetMs: 0 }))).toBeInstanceOf(ConnectionError);
  });
});

describe("a checkpoint", () => {
  it("comes to the path that was asked for, with a digest that was known beforehand", async () => {
    const content = await world.put("runs/best.pt", bytes(5000));
    const to = path.join(world.folder, "weights", "best.pt");
    await mkdir(path.dirname(to));
    const sha256 = digestOf(content);
    expect(await downloadCheckpoint(world.uriOf("runs/best.pt"), { env: world.env, to, sha256 })).toMatchObject({
      path: to,
      fetchedBytes: 5000,
    });
    expect(await readFile(to)).toEqual(content);
    const cached = await downloadCheckpoint(world.uriOf("runs/best.pt"), { env: world.env });
    expect(await readFile(cached.path)).toEqual(content);
    const wrong = await failureOf(downloadCheckpoint(world.uriOf("runs/best.pt"), { env: world.env, sha256: "0".repeat(64) }));
    expect(wrong).toMatchObject({ code: "DOWNLOAD_FAILED", message: expect.stringContaining("SHA-256") as string });
  });

  it("needs no right to list", async () => {
    await world.put("runs/best.pt", "weights");
    world.s3.intercept((pass, request) => (request.url.searchParams.has("list-type") ? Promise.resolve({ status: 403 }) : pass(request)));
    const found = await downloadCheckpoint(world.uriOf("runs/best.pt"), { env: world.env });
    expect(await readFile(found.path, "utf8")).toBe("weights");
  });
});
