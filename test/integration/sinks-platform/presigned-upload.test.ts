import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import type { TrainerSDK } from "../../../src/trainer/trainer-sdk.js";
import { eventually } from "../../support/fake-clock.js";
import { aPlatformTrainer } from "../../support/platform-trainer.js";

const world = aPlatformTrainer();
const EXPIRED = { status: 403, body: "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>" };
/** Far more than sockets hold: an early answer comes while the rest is still on its way. */
const LARGE_BYTES = 24 * 1024 * 1024;

/** A trainer whose manager had no storage credentials to inject. */
function withoutCredentials(): Promise<TrainerSDK> {
  return world.start({}, { CHECKPOINT_URI: "" });
}

async function upload(sdk: TrainerSDK, content: string | Uint8Array = "weights") {
  return sdk.uploadCheckpoint(await world.file("best.pt", content), { isBest: true, epoch: 3 });
}

it("stores a checkpoint without credentials, by an address that the backend signs, and reports where it is", async () => {
  const sdk = await withoutCredentials();
  await sdk.reportStarted();
  const { uri, delivered } = await upload(sdk);
  expect(await delivered).toEqual({ status: "delivered" });
  await sdk.reportCompleted();
  await sdk.close();
  const key = /^s3:\/\/training-checkpoints\/(checkpoints\/job-123\/best-3-[0-9a-f]{8}\.pt)$/.exec(uri ?? "")?.[1] ?? "";
  const stored = world.receiver.objects.get(key);
  expect(Buffer.from(stored?.bytes ?? []).toString()).toBe("weights");
  // What was signed and what was sent must be the same.
  expect(stored?.contentType).toBe(world.receiver.taken("upload-url")[0]?.["content_type"]);
  expect(world.receiver.taken("upload-url")).toEqual([
    { checkpoint_filename: path.basename(key), content_type: "application/octet-stream" },
  ]);
  expect(world.receiver.taken("completion")).toMatchObject([{ best_checkpoint_path: uri }]);
});

it("asks for another address when one expires in mid-upload, and stores the whole file", async () => {
  let puts = 0;
  world.receiver.before = ({ kind }) => (kind === "put" && puts++ === 0 ? EXPIRED : undefined);
  const sdk = await withoutCredentials();
  const content = randomBytes(LARGE_BYTES);
  const { delivered } = await upload(sdk, content);
  expect(await delivered).toEqual({ status: "delivered" });
  expect(world.receiver.taken("upload-url").length).toBeGreaterThanOrEqual(2);
  expect([...world.receiver.objects.values()].map(({ bytes }) => content.equals(bytes))).toEqual([true]);
});

it("keeps a checkpoint whose every address expires, and stores it once the clocks are right", async () => {
  world.receiver.before = ({ kind }) => (kind === "put" ? EXPIRED : undefined);
  const sdk = await withoutCredentials();
  const { delivered } = await upload(sdk);
  await eventually(() => world.receiver.calls.filter(({ kind }) => kind === "put").length >= 3, "three addresses");
  expect(sdk.stats().outbox?.uploads).toMatchObject({ pending: 1, rejected: 0 });
  world.receiver.before = undefined;
  await sdk.flush();
  expect(await delivered).toEqual({ status: "delivered" });
});

it("waits when the backend that signs, or the storage, is away", async () => {
  let refused = 0;
  world.receiver.before = ({ kind }) => (kind === "upload-url" || kind === "put" ? (refused++, { status: 503, body: "busy" }) : undefined);
  const sdk = await withoutCredentials();
  const { delivered } = await upload(sdk);
  await eventually(() => refused > 0, "a refusal");
  world.receiver.before = ({ kind }) => (kind === "put" ? (refused++, { status: 503, body: "busy" }) : undefined);
  const before = refused;
  void sdk.flush();
  await eventually(() => refused > before, "a refusal of the storage");
  world.receiver.before = undefined;
  await sdk.flush();
  expect(await delivered).toEqual({ status: "delivered" });
});

it("does not announce a file that the storage holds otherwise than it was sent", async () => {
  let puts = 0;
  world.receiver.after = ({ kind }) =>
    kind === "put" && puts++ === 0 ? { status: 200, headers: { etag: `"${"0".repeat(32)}"` } } : undefined;
  const sdk = await withoutCredentials();
  const { delivered } = await upload(sdk);
  await eventually(() => puts === 1, "the first upload");
  await sdk.flush();
  expect(await delivered).toEqual({ status: "delivered" });
  expect(puts).toBeGreaterThan(1);
});

it("uploads nothing to another place than the one that is announced", async () => {
  world.receiver.before = ({ kind }) =>
    kind === "upload-url"
      ? {
          status: 200,
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ upload_url: "http://127.0.0.1:9/x?sig=hunter2", object_key: "elsewhere/best.pt", expires_in: 60 }),
        }
      : undefined;
  const sdk = await withoutCredentials();
  const losses: string[] = [];
  sdk.on("loss", ({ reason, detail }) => losses.push(`${reason}: ${detail}`));
  const { delivered } = await upload(sdk);
  expect(await delivered).toMatchObject({ status: "rejected" });
  expect(losses).toEqual([expect.stringContaining("would store checkpoints/123/best-3")]);
  expect(JSON.stringify([losses, world.warnings])).not.toContain("hunter2");
});

it("says that a file is too large for one request before a byte of it is read", async () => {
  const { PresignedObjectStore } = await import("../../../src/storage/presigned-object-store.js");
  const { systemClock } = await import("../../../src/base/clock.js");
  const file = await world.file("small.pt", "x");
  expect((await stat(file)).size).toBe(1);
  const store = new PresignedObjectStore({
    tickets: {
      describe: () => "nobody",
      uriOf: (name) => name,
      objectKeyOf: (name) => name,
      ask: () => Promise.reject(new Error("nobody must be asked")),
    },
    transport: { send: () => Promise.reject(new Error("nothing must be sent")), close: () => Promise.resolve() },
    clock: systemClock,
  });
  const large = { path: file, sizeBytes: 6 * 1024 ** 3, sha256: "", contentType: "x/y" };
  await expect(store.put("a.pt", large, { signal: new AbortController().signal })).rejects.toMatchObject({
    code: "UPLOAD_FAILED",
    retryable: false,
    message: expect.stringContaining("INTERNAL_STORAGE_ACCESS_KEY") as string,
  });
});
