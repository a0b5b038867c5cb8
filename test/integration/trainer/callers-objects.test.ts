/** What a verb was given is said as it was at the call, whatever the caller does with its own objects afterwards. */
import { expect, it } from "vitest";
import { aTrainerWorld } from "../../support/trainer-world.js";

const world = aTrainerWorld();

it("a checkpoint, a model, an artifact and the end keep what their objects held at the call", async () => {
  const sdk = await world.start();
  const weights = await world.file("last.pt", "weights");
  const metadata = { run: "first", nested: { lr: 1 } };
  const model = { name: "detector", path: weights, tags: ["first"], labels: { cat: 0 }, metadata: { by: "first" }, datasets: ["first"] };
  const artifact = { name: "notes", text: "hello", metadata: { by: "first" } };
  const results = { images: [1] };
  void sdk.uploadCheckpoint(weights, { epoch: 1, metadata });
  void sdk.registerModel(model);
  void sdk.currentTask().uploadArtifact(artifact);
  void sdk.reportCompleted({ results });
  metadata.run = "second";
  metadata.nested.lr = 2;
  model.tags[0] = "second";
  model.labels.cat = 1;
  model.metadata.by = "second";
  model.datasets[0] = "second";
  artifact.metadata.by = "second";
  results.images.push(2);
  expect((await sdk.close()).complete).toBe(true);
  const body = (path: string): unknown => world.platform.callbacks(path)[0]?.body;
  expect(body("/checkpoint")).toMatchObject({ metadata: { run: "first", nested: { lr: 1 } } });
  expect(body("/model")).toMatchObject({ tags: ["first"], labels: { cat: 0 }, metadata: { by: "first" }, datasets: ["first"] });
  expect(body("/completed")).toMatchObject({ results: { images: [1] } });
  const task = JSON.stringify(world.platform.tasks());
  expect([task.includes('"by","first"'), task.includes('"by","second"')]).toEqual([true, false]);
});
