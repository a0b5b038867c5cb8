/** Files of tasks and models on all three kinds of store, over real sockets and folders. */
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, UploadError } from "../../../src/base/errors.js";
import { createClearML, type ClearML } from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import type { FileToStore } from "../../../src/storage/object-store.js";
import { S3_ENV, startS3, type S3Server } from "../../support/s3-server.js";

let server: DevServer;
let s3: S3Server;
let clearml: ClearML;
let folder: string;
let file: FileToStore;

const CONTENT = "weights\n".repeat(1000);
/** Characters that paths, keys and addresses each treat their own way. */
const PATH = "Vision/run %3A 1 'x'.0123/artifacts/stats & more/a b.txt";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "clearml-objects-"));
  server = await startDevServer();
  s3 = await startS3();
  clearml = createClearML({}, { ...server.env, ...S3_ENV });
  const path = join(folder, "source");
  await writeFile(path, CONTENT);
  file = {
    path,
    sizeBytes: CONTENT.length,
    sha256: createHash("sha256").update(CONTENT).digest("hex"),
    contentType: "text/plain",
  };
});
afterEach(async () => {
  await clearml.close();
  await s3[Symbol.asyncDispose]();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const destinations = (): Readonly<Record<string, string | undefined>> => ({
  "the file server": undefined,
  "a folder of the file server": `${server.env.CLEARML_FILES_HOST}/team a`,
  S3: `s3://${new URL(s3.server.url).host}/models/prefix`,
  "a folder": pathToFileURL(join(folder, "shared")).href,
});

describe.each(["the file server", "a folder of the file server", "S3", "a folder"])("on %s", (where) => {
  it("a file comes back as it went, under the address that was handed out", async () => {
    const uri = await clearml.objects.put(destinations()[where], PATH, file);
    const target = join(folder, "back");
    const fetched = await clearml.objects.fetch(uri, target, file);
    expect(fetched).toEqual({ path: target, sizeBytes: file.sizeBytes, sha256: file.sha256 });
    expect(await readFile(target, "utf8")).toBe(CONTENT);
  });

  it("a file that is not what was expected takes no name", async () => {
    const uri = await clearml.objects.put(destinations()[where], PATH, file);
    const target = join(folder, "back");
    const wrong = { sha256: "0".repeat(64) };
    await expect(clearml.objects.fetch(uri, target, wrong)).rejects.toSatisfy((error) => UploadError.isInstance(error));
    await expect(stat(target)).rejects.toMatchObject({ code: "ENOENT" });
    expect((await readdir(folder)).filter((name) => name.includes("partial"))).toEqual([]);
  });

  it("a file that changed after it was described is not stored", async () => {
    await writeFile(file.path, CONTENT.replace("weights", "heights"));
    await expect(clearml.objects.put(destinations()[where], PATH, file)).rejects.toMatchObject({ code: "FILE_CHANGED" });
  });
});

it("a destination that cannot be used is refused before anything is sent, and no key of it is shown", async () => {
  for (const destination of ["gs://bucket", "https://elsewhere/x", "s3://user:secret@bucket/x"]) {
    const error: unknown = await clearml.objects.put(destination, PATH, file).catch((reason: unknown) => reason);
    expect(ConfigError.isInstance(error)).toBe(true);
    expect(String(error)).not.toContain("secret");
  }
});

it("an address that cannot be reached is named", async () => {
  await expect(clearml.objects.fetch("gs://bucket/key", join(folder, "back"))).rejects.toThrow(/gs:\/\/bucket\/key/);
});
