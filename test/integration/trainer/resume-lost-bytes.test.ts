import path from "node:path";
import { expect, it } from "vitest";
import { ConnectionError, UploadError } from "../../../src/base/errors.js";
import type { ObjectStore } from "../../../src/storage/object-store.js";
import { TrainerSDK } from "../../../src/trainer/trainer-sdk.js";
import { eventually } from "../../support/fake-clock.js";
import { aTrainerWorld } from "../../support/trainer-world.js";

const world = aTrainerWorld();

function aStore(failure: Error): ObjectStore {
  return {
    kind: "folder",
    describe: () => "a store of the test",
    uriOf: (key) => `file:///store/${key}`,
    put: () => Promise.reject(failure),
    close: () => Promise.resolve(),
  };
}

it("a checkpoint of an earlier process whose bytes are refused by the next one is nothing to go on from", async () => {
  const away = new ConnectionError("no route", { code: "CONNECTION_FAILED", ambiguous: false });
  const first = await world.start({ storage: aStore(away) });
  await first.uploadCheckpoint(await world.file("last.pt", "weights"), { epoch: 1 });
  await first.close({ deadlineMs: 0 });
  const second = await world.start({ storage: aStore(new UploadError("access denied", { retryable: false })) });
  expect(second.resume?.checkpoints["last"]).toMatchObject({ epoch: 1, stored: false });
  await eventually(() => second.stats().outbox?.uploads.rejected === 1, "the refusal");
  await second.close();
  expect((await TrainerSDK.readResumeToken(path.join(world.folder, "journal")))?.checkpoints).toEqual({});
});
