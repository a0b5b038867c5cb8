/**
 * A model with its whole story: registered weights to start from, a data set, a training that makes something of them, a
 * published result, and a question a year later: where does this model come from?
 *
 * Runs against the server that the environment names (`CLEARML_API_HOST`, ...), else against one of its own. Checks what
 * it read, and leaves with an exit code other than 0 when that is not the story.
 */
import { strict as assert } from "node:assert";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClearML, Dataset, InputModel, Model, OutputModel, type ClearML } from "trainer-sdk/clearml";
import { startDevServer } from "trainer-sdk/devserver";

const WEIGHTS = JSON.stringify({ layer: [0.25, -1.5, 3] });

const own = process.env["CLEARML_API_HOST"] === undefined ? await startDevServer() : undefined;
const clearml = createClearML({}, own ? { ...process.env, ...own.env } : process.env);
const folder = await mkdtemp(path.join(tmpdir(), "model-lineage-"));
try {
  // Weights that others trained: registered by their address, not copied.
  const base = await InputModel.import(clearml, {
    weightsUrl: "https://models.example/resnet50.onnx",
    name: "resnet50",
    labels: { cat: 0, dog: 1 },
    tags: ["pretrained"],
  });
  const photos = await Dataset.get(clearml, { id: await aDataset(clearml) });

  const { id: project } = await clearml.projects.findOrCreate("Examples/model lineage");
  const { id: task } = await clearml.tasks.create({ name: "fine-tune", type: "training", project });
  await clearml.tasks.started({ task });
  await base.connect(task, { name: "backbone" });
  await photos.connect(task, { alias: "train" });

  // The training itself: a file comes of it.
  const file = path.join(folder, "best.json");
  await writeFile(file, WEIGHTS);
  const made = await OutputModel.create(clearml, {
    name: "cats and dogs",
    task,
    parent: base.id,
    tags: ["prod-candidate"],
    metadata: { accuracy: 0.97, quantized: false },
    key: `fine-tune of ${task}`, // a retry of this program finds the model instead of making a second one
  });
  await made.updateWeights({ path: file, iteration: 50 });
  await clearml.tasks.completed({ task });
  await made.publish();

  // A year later, with nothing but the name.
  const found = await Model.get(clearml, { name: "cats and dogs", tags: ["prod-candidate"], task, onlyPublished: true });
  const lineage = await found.lineage();
  console.log(`${found.name} (${found.webUrl ?? found.id})`);
  console.log(`  made by   ${lineage.task?.name ?? "nobody knows"} (${lineage.task?.webUrl ?? ""})`);
  console.log(`  from data ${lineage.datasets.map(({ alias, id }) => `${alias ?? ""}: ${id}`).join(", ")}`);
  console.log(`  from      ${lineage.parents.map(({ name }) => name).join(", ")}`);

  const copy = await found.getLocalCopy({ directory: folder });
  assert.equal(await readFile(copy, "utf8"), WEIGHTS);
  assert.equal(found.isPublished, true);
  assert.deepEqual(found.labels, { cat: 0, dog: 1 }, "the task took the labels over from the model it started from");
  assert.equal(found.getMetadataCasted("accuracy"), 0.97);
  assert.equal(lineage.task?.id, task);
  assert.deepEqual(lineage.datasets, [{ alias: "train", id: photos.id }]);
  assert.deepEqual(
    lineage.parents.map(({ id }) => id),
    [base.id],
  );
  const childrenOfBase = (await base.lineage()).children.map(({ id }) => id);
  assert.ok(childrenOfBase.includes(found.id));
  await assert.rejects(made.updateWeights({ path: file }), /is published/);
  console.log("The story is whole.");
} finally {
  await clearml.close();
  await own?.close();
  await rm(folder, { recursive: true, force: true });
}

/** A data set as Python's `Dataset.create` leaves one behind: this package refers to data sets and makes none. */
async function aDataset({ projects, tasks }: ClearML): Promise<string> {
  const { id: project } = await projects.findOrCreate("Examples/.datasets/photos", { system_tags: ["hidden", "dataset"] });
  const { id } = await tasks.create({
    name: "photos",
    type: "data_processing",
    project,
    system_tags: ["dataset"],
    runtime: { version: "1.0.0", ds_file_count: "25000" },
  });
  await tasks.started({ task: id });
  await tasks.completed({ task: id });
  return id;
}
