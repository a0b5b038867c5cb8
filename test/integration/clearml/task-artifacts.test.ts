/** Artifacts of a task, from a source to the file server, S3 or a folder, and back. */
import { createHash } from "node:crypto";
import { appendFile, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NotFoundError, UploadError, ValidationError } from "../../../src/base/errors.js";
import { Task, type Artifact, type ArtifactSource } from "../../../src/clearml/index.js";
import { clearmlBench, failureOf, type ClearMLBench } from "../../support/clearml-bench.js";
import { S3_ENV, startS3 } from "../../support/s3-server.js";

let bench: ClearMLBench;
let task: Task;
let temporary: string;
beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), "artifacts-"));
  vi.stubEnv("TMPDIR", temporary);
  bench = await clearmlBench(S3_ENV);
  task = await Task.init(bench.clearml, { name: "run 1", project: "Vision", script: false, monitor: false });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(temporary, { recursive: true, force: true });
  await bench[Symbol.asyncDispose]();
});

async function kept(name: string): Promise<Artifact> {
  return (await task.reload()).artifacts[name]!;
}

/** Folders that uploads make for themselves. */
async function leftovers(): Promise<readonly string[]> {
  return (await readdir(temporary)).filter((name) => name.startsWith("trainer-sdk-artifact-"));
}

describe("an artifact", () => {
  it.each<[string, ArtifactSource, { type: string; contentType: string; file: string; preview: RegExp }]>([
    ["text", { text: "hello ü" }, { type: "string", contentType: "text/plain", file: "my stats.txt", preview: /^hello ü$/ }],
    [
      "json",
      { json: { b: [1], a: null } },
      { type: "dict", contentType: "application/json", file: "my stats.json", preview: /^\{\n {4}"a": null,\n/ },
    ],
    [
      "bytes",
      { content: Buffer.from("x".repeat(1500)), fileName: "raw.bin" },
      { type: "custom", contentType: "application/octet-stream", file: "raw.bin", preview: /^raw\.bin - 1\.5 KB\n$/ },
    ],
    ["an empty text", { text: "" }, { type: "string", contentType: "text/plain", file: "my stats.txt", preview: /^$/ }],
  ])("of %s is what ClearML's own client makes of it", async (_what, source, expected) => {
    const before = await leftovers();
    await task.uploadArtifact("my stats", source, { metadata: { rows: 100, note: "x", odd: undefined } });
    const artifact = await kept("my stats");
    expect(artifact).toMatchObject({ type: expected.type, contentType: expected.contentType, mode: "output" });
    expect(artifact.preview).toMatch(expected.preview);
    expect(artifact.metadata).toEqual({ rows: "100", note: "x", odd: "" });
    expect(artifact.url).toBe(
      `${bench.server.env.CLEARML_FILES_HOST}/Vision/run%201.${task.id}/artifacts/my%20stats/${expected.file.replaceAll(" ", "%20")}`,
    );
    const bytes = await readFile(await artifact.getLocalCopy({ folder: bench.folder }));
    expect(artifact.hash).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(artifact.sizeBytes).toBe(bytes.length);
    expect(await leftovers()).toEqual(before);
  });

  it("of a table is the CSV of a data frame", async () => {
    const rows = Array.from({ length: 30 }, (_, index) => [index, index % 2 === 0, `a,"${String(index)}"`, null]);
    const artifact = await task.uploadArtifact("table", { table: { columns: ["n", "even", "text", "none"], rows } });
    expect(artifact).toMatchObject({ type: "pandas", contentType: "text/csv" });
    const text = gunzipSync(await readFile(await artifact.getLocalCopy({ folder: bench.folder }))).toString();
    expect(text.split("\n").slice(0, 3)).toEqual([",n,even,text,none", '0,0,True,"a,""0""",', '1,1,False,"a,""1""",']);
    expect(artifact.preview).toMatch(/\[30 rows x 4 columns\]$/);
    expect(ValidationError.isInstance(await failureOf(task.uploadArtifact("t", { table: { columns: ["a"], rows: [[1, 2]] } })))).toBe(true);
  });

  it("of a file keeps its name, and of a folder is an archive that comes back as the folder", async () => {
    const folder = join(bench.folder, "data set");
    await mkdir(join(folder, "deep", "er"), { recursive: true });
    await writeFile(join(folder, "b.txt"), "bb");
    await writeFile(join(folder, "deep", "er", "a ü.txt"), "a");
    await writeFile(join(folder, "empty"), "");
    const file = await task.uploadArtifact("file", { path: join(folder, "b.txt") });
    expect(file).toMatchObject({ type: "custom", contentType: "text/plain", preview: "b.txt - 2 bytes\n", sizeBytes: 2 });
    expect(file.url).toMatch(/\/artifacts\/file\/b\.txt$/);
    await task.uploadArtifact("folder", { path: folder });
    const archive = await kept("folder");
    expect(archive).toMatchObject({ type: "archive", contentType: "application/zip" });
    expect(archive.preview).toBe(`Archive content ${folder}/*:\nb.txt - 2 bytes\ndeep/er/a ü.txt - 1 byte\nempty - 0 bytes\n`);
    const copy = await archive.getLocalCopy({ folder: join(bench.folder, "copies") });
    expect((await readdir(copy, { recursive: true })).sort()).toEqual([
      "b.txt",
      "deep",
      join("deep", "er"),
      join("deep", "er", "a ü.txt"),
      "empty",
    ]);
    expect(await readFile(join(copy, "deep", "er", "a ü.txt"), "utf8")).toBe("a");
    const whole = await archive.getLocalCopy({ folder: join(bench.folder, "whole"), extract: false });
    expect((await readFile(whole)).subarray(0, 2).toString()).toBe("PK");
    const some = await task.uploadArtifact("some", { paths: [join(folder, "b.txt"), join(folder, "deep", "er", "a ü.txt")] });
    expect(some.preview).toBe("Archive content:\nb.txt - 2 bytes\ndeep/er/a ü.txt - 1 byte\n");
  });

  it("that lies elsewhere is only named", async () => {
    await task.uploadArtifact("link", { uri: "s3://bucket/key.csv" }, { preview: "a link" });
    expect(await kept("link")).toMatchObject({ type: "custom", url: "s3://bucket/key.csv", contentType: "text/csv", preview: "a link" });
    expect((await kept("link")).hash).toBeUndefined();
  });

  it("takes the older one's place, beside all others, under names with any characters", async () => {
    const names = ["a/b", "a.b", "$x", "2026-01-31", "ü 'q' & \"z\" #?%25", "__x"];
    for (const text of ["old", "new"]) for (const name of names) await task.uploadArtifact(name, { text });
    const { artifacts } = await task.reload();
    expect(Object.keys(artifacts).sort()).toEqual(names.map((name) => (name === "2026-01-31" ? `${name}_` : name)).sort());
    for (const artifact of Object.values(artifacts)) expect(await artifact.getText()).toBe("new");
    await task.deleteArtifacts(["a/b"]);
    expect(Object.keys((await task.reload()).artifacts)).not.toContain("a/b");
  });

  it("has a preview within ClearML's limit, and all of its file", async () => {
    const text = "x".repeat(100_000);
    await task.uploadArtifact("long", { text });
    const artifact = await kept("long");
    expect(artifact.preview).toBe(`# full text too large to store, storing first 64kb\n${"x".repeat(65_536)}`);
    expect(await artifact.getText()).toBe(text);
  });

  it("of a value is read back as it was", async () => {
    await task.uploadArtifact("json", { json: { a: [1, "x", null] } });
    expect(await (await kept("json")).getJson()).toEqual({ a: [1, "x", null] });
    await task.uploadArtifact("text", { text: "2026-01-31" });
    expect(await (await kept("text")).getText()).toBe("2026-01-31");
    expect(UploadError.isInstance(await failureOf((await kept("text")).getJson()))).toBe(true);
  });
});

describe("the place of an artifact", () => {
  it("is S3 when the task's output goes there, and it is read from there with its digest compared", async () => {
    await using s3 = await startS3();
    const host = new URL(s3.server.url).host;
    await task.setOutputUri(`s3://${host}/models/team`);
    await task.uploadArtifact("my stats", { text: "hello" });
    const artifact = await kept("my stats");
    expect(artifact.url).toBe(`s3://${host}/models/team/Vision/run 1.${task.id}/artifacts/my stats/my stats.txt`);
    expect(await artifact.getText()).toBe("hello");
    await bench.clearml.objects.close();
  });

  it("is the project's destination when the task has none of its own, or the one of the call", async () => {
    const [project, own] = [join(bench.folder, "project"), join(bench.folder, "own")];
    await bench.clearml.projects.update({ project: task.projectId!, default_output_destination: `file://${project}` });
    await task.uploadArtifact("a", { text: "hello" });
    expect((await kept("a")).url).toContain(project);
    expect(await (await kept("a")).getText()).toBe("hello");
    await task.uploadArtifact("b", { text: "hello" }, { destination: `file://${own}` });
    expect((await kept("b")).url).toContain(own);
  });
});

describe("an artifact is not registered", () => {
  const nothing = async (): Promise<void> => {
    expect((await task.reload()).artifacts).toEqual({});
  };

  it.each<[string, () => Promise<ArtifactSource>, RegExp]>([
    ["when its file is missing", async () => ({ path: join(bench.folder, "none") }), /none cannot be read/],
    ["of a folder without files", async () => ({ path: bench.folder }), /no file/],
    ["of no files at all", async () => ({ paths: [] }), /names no file/],
    [
      "of a list that holds a folder",
      async () => {
        await mkdir(join(bench.folder, "sub"));
        return { paths: [join(bench.folder, "sub")] };
      },
      /no file/,
    ],
  ])("%s", async (_what, source, message) => {
    const error = await failureOf(task.uploadArtifact("a", await source()));
    expect(ValidationError.isInstance(error), String(error)).toBe(true);
    expect(String(error)).toMatch(message);
    await nothing();
  });

  it("when its file changes on the disk while it is sent", async () => {
    const path = join(bench.folder, "live.log");
    await writeFile(path, "x".repeat(3_000_000));
    const error = await failureOf(
      task.uploadArtifact("a", { path }, { onProgress: ({ sentBytes }) => void (sentBytes < 1_000_000 && void appendFile(path, "more")) }),
    );
    expect(error).toMatchObject({ code: "FILE_CHANGED" });
    await nothing();
  });

  it("when the file server refuses it", async () => {
    await bench.clearml.server.info();
    bench.server.faults.set("files", { mode: "status", status: 413 });
    expect(await failureOf(task.uploadArtifact("a", { text: "x" }))).toMatchObject({ status: 413 });
    bench.server.faults.clear();
    await nothing();
  });

  it("when the caller gives up", async () => {
    const controller = new AbortController();
    await bench.clearml.server.info();
    bench.server.faults.set("files", { mode: "hang" });
    const given = failureOf(task.uploadArtifact("a", { text: "x" }, { signal: controller.signal }));
    controller.abort(new Error("enough"));
    expect(String(await given)).toContain("enough");
    bench.server.faults.clear();
    await nothing();
  });
});

describe("a copy is not handed out", () => {
  it("of a file that was replaced at the server", async () => {
    await task.uploadArtifact("a", { text: "hello" });
    const artifact = await kept("a");
    const other = join(bench.folder, "other");
    await writeFile(other, "hallo");
    await bench.clearml.files.upload(bench.clearml.files.pathOf(artifact.url!)!, other, { sizeBytes: 5 });
    const error = await failureOf(artifact.getLocalCopy({ folder: bench.folder }));
    expect(UploadError.isInstance(error), String(error)).toBe(true);
    expect(await readdir(bench.folder)).toEqual(["other"]);
  });

  it("of a file that is gone, or that was never stored", async () => {
    await task.uploadArtifact("a", { text: "hello" });
    const artifact = await kept("a");
    await bench.clearml.files.delete(artifact.url!);
    expect(await failureOf(artifact.getText())).toMatchObject({ status: 404 });
    await bench.clearml.tasks.addOrUpdateArtifacts({ task: task.id, artifacts: [{ key: "b", type: "custom" }] });
    expect(NotFoundError.isInstance(await failureOf((await kept("b")).getText()))).toBe(true);
  });

  it("of an archive that would write outside of its folder", async () => {
    const { ZipFile } = await import("yazl");
    const zip = new ZipFile();
    zip.addBuffer(Buffer.from("evil"), "xx/xx/evil.txt");
    zip.end();
    const chunks: Buffer[] = [];
    for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
    const bytes = Buffer.from(Buffer.concat(chunks).toString("latin1").replaceAll("xx/xx/evil.txt", "../../evil.txt"), "latin1");
    await task.uploadArtifact("zip", { content: bytes, fileName: "evil.zip" });
    const artifact = await kept("zip");
    await bench.clearml.tasks.addOrUpdateArtifacts({ task: task.id, artifacts: [{ key: "zip", type: "archive", uri: artifact.url! }] });
    const error = await failureOf((await kept("zip")).getLocalCopy({ folder: join(bench.folder, "a", "b") }));
    expect(String(error)).toMatch(/cannot be unpacked/);
    expect(await readdir(bench.folder)).toEqual(["a"]);
  });
});

it("a folder with links packs the files that it holds, and follows no link out of it", async () => {
  const folder = join(bench.folder, "linked");
  await mkdir(folder);
  await writeFile(join(folder, "real"), "x");
  await symlink("/etc", join(folder, "etc"));
  const artifact = await task.uploadArtifact("linked", { path: folder });
  expect(artifact.preview).toBe(`Archive content ${folder}/*:\nreal - 1 byte\n`);
  await rm(folder, { recursive: true });
});
