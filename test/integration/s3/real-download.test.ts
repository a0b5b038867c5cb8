/** Data sets from a real S3 server: conditions and ranges as a store that is not ours understands them; see `npm run test:s3`. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { DownloadedDataset } from "../../../src/trainer/download-dataset.js";
import { downloadDataset } from "../../../src/trainer/downloads.js";
import { BUCKET, READER, startRealS3, type RealS3 } from "../../support/real-s3.js";

const MIB = 1024 ** 2;

let s3: RealS3;
let folder: string;

beforeAll(async () => {
  s3 = await startRealS3();
}, 900_000);
afterAll(async () => {
  await s3.close();
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "s3-download-"));
});
afterEach(async () => {
  s3.reset();
  await rm(folder, { recursive: true, force: true });
});

async function put(key: string, sizeBytes: number): Promise<string> {
  const body = randomBytes(sizeBytes);
  await s3.admin.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));
  return createHash("sha256").update(body).digest("hex");
}

const download = (): Promise<DownloadedDataset> =>
  downloadDataset(`s3://${s3.host}/${BUCKET}/set`, { env: {}, credentials: READER, cacheDir: path.join(folder, "cache"), parallel: 4 });

const digestOf = async (file: string): Promise<string> =>
  createHash("sha256")
    .update(await readFile(file))
    .digest("hex");

it("a data set comes whole, and once", async () => {
  const digests = new Map<string, string>();
  for (let index = 0; index < 20; index++) {
    const name = `images/${String(index)} ä+%.png`;
    digests.set(name, await put(`set/${name}`, index * 10_000));
  }
  const set = await download();
  expect(new Map(await Promise.all(set.files.map(async (file) => [file.name, await digestOf(file.path)] as const)))).toEqual(digests);
  s3.reset();
  expect((await download()).fetchedBytes).toBe(0);
  expect(s3.seen.length).toBe(1);
});

it("an object whose connection breaks is gone on with by a range, and begun anew when it has changed meanwhile", async () => {
  await put("set/large.bin", 8 * MIB);
  const broken = Promise.withResolvers<undefined>();
  let newer: string | undefined;
  s3.breakAfterBytes = async ({ path: requested, headers }) => {
    if (!requested.includes("large.bin") || newer !== undefined) return undefined;
    // The first try breaks, and so does the one that goes on from there: then the object is another.
    if (headers["range"] === undefined) return 3 * MIB;
    newer = await put("set/large.bin", 5 * MIB);
    broken.resolve(undefined);
    return MIB;
  };
  const set = await download();
  await broken.promise;
  expect(await digestOf(path.join(set.path, "large.bin"))).toBe(newer);
  const asked = s3.seen.filter(({ method, query }) => method === "GET" && !query.has("list-type"));
  expect(asked.map(({ status }) => status)).toContain(206);
  expect(asked.map(({ status }) => status)).toContain(412);
});
