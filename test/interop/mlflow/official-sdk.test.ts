/**
 * What was moved, read by the official Python SDK of ClearML, beside what MLflow's own Python client says of its server: two
 * readers that have nothing of ours. Only the names of charts are taken from our rule.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ClearML } from "../../../src/clearml/index.js";
import { MlflowClient, runMigration, RUN_COPY_ARTIFACT } from "../../../src/migrate/index.js";
import { metricAddresses } from "../../../src/records/metric-addresses.js";
import { PythonPeer } from "../clearml/python.js";
import { CURRENT_LINE } from "../clearml/sdk-lines.js";
import { openServer, type PeerServer } from "../clearml/server.js";
import { Tally } from "../support/tally.js";
import { startMlflow, type MlflowModelsReading, type MlflowReading, type MlflowServer } from "./mlflow-server.js";
import { MLFLOW_VERSION, mlflowPython } from "./tools.js";

const SOURCE_ID = "official";
const STATUSES: Readonly<Record<string, string>> = { FINISHED: "completed", FAILED: "failed" };
const LONG_POINTS = 1200;

let mlflow: MlflowServer;
let server: PeerServer;
let clearml: ClearML;
let python: PythonPeer | undefined;
let runs: MlflowReading["runs"];
let experiments: MlflowReading["experiments"];
let models: MlflowModelsReading;
/** The SDK's pictures, by run and by key of a model. */
const tasks = new Map<string, any>();
const shown = new Map<string, any>();
const taskOf = new Map<string, string>();
const tally = new Tally("mlflow", `MLflow ${MLFLOW_VERSION} moved, read by ClearML's SDK ${CURRENT_LINE.version}`);

beforeAll(async () => {
  server = await openServer();
  clearml = server.client();
  mlflow = await startMlflow(await mlflowPython());
  const ids = await mlflow.fill(LONG_POINTS, 2);
  const source = new MlflowClient({ trackingUri: mlflow.trackingUri }, {});
  const report = await runMigration({ mlflow: source, clearml, sourceId: SOURCE_ID });
  await source.close();
  expect([report.failures, report.models.failures]).toEqual([[], []]);
  const runIds: string[] = [];
  for await (const task of clearml.tasks.getAll({ tags: ["mlflow"], search_hidden: true })) {
    const runId = keyOf(task.system_tags ?? [], `trainer-sdk:mlflow:${SOURCE_ID}:`);
    runIds.push(runId);
    taskOf.set(runId, task.id);
  }
  // Beside runs the corpus tells figures.
  expect(runIds.sort()).toEqual(expect.arrayContaining(Object.values(ids).filter((id) => /^[0-9a-f]{32}$/.test(id))));
  ({ runs, experiments } = await mlflow.read(runIds));
  models = await mlflow.readModels();
  const modelOf = new Map<string, string>();
  for await (const model of clearml.models.getAll({ tags: ["mlflow"], search_hidden: true }))
    modelOf.set(keyOf(model.system_tags ?? [], `trainer-sdk:mlflow:${SOURCE_ID}:model:`), model.id);
  python = await PythonPeer.open(CURRENT_LINE, server);
  const { answer, output } = await python.run("read", { tasks: [...taskOf.values()], models: [...modelOf.values()], download: true });
  if (answer === undefined) throw new Error(output);
  for (const [runId, task] of taskOf) tasks.set(runId, answer.tasks[task]);
  for (const [key, model] of modelOf) shown.set(key, answer.models[model]);
});
afterEach(async () => {
  tally.called((await server.newRequests()).length);
  tally.end();
});
afterAll(async () => {
  await python?.close();
  await clearml.close();
  await mlflow.close();
  await server.close();
});

function keyOf(tags: readonly string[], prefix: string): string {
  return tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length) ?? "";
}

/** A text as it is shown: an exact date has a space behind it. */
const text = (value: string): string => (/^\d{4}-\d\d-\d\d$/.test(value) ? `${value} ` : value);

/** One name for each, whatever tells it apart from names that ClearML takes for the same. */
const bare = (name: string): string =>
  name
    .replace(/ \(\d+\)$/, "")
    .replace(/^(\d{4}-\d\d-\d\d)_$/, "$1")
    .trim();
const sorted = (pairs: readonly (readonly [string, string])[]): string[] =>
  pairs.map(([name, value]) => `${bare(name)} = ${text(value)}`).sort();

/** The latest point of each step that a chart can hold. */
function chartOf(points: readonly (readonly [number, number, string])[]): { x: number[]; y: number[] } {
  const chart = new Map<number, readonly [time: number, value: number]>();
  for (const [time, step, spelled] of points) {
    const value = Number(spelled);
    if (!Number.isFinite(Math.fround(value)) || !Number.isSafeInteger(step) || step === -(2 ** 31)) continue;
    const before = chart.get(step);
    if (!before || time > before[0] || (time === before[0] && value >= before[1])) chart.set(step, [time, value]);
  }
  const steps = [...chart.keys()].sort((one, other) => one - other);
  return { x: steps, y: steps.map((step) => chart.get(step)?.[1] ?? Number.NaN) };
}

describe("what was moved, as the official SDK of ClearML reads it", () => {
  it("is a task for each run, with its status, parent, note, script and experiment", () => {
    for (const [runId, run] of Object.entries(runs)) {
      const task = tasks.get(runId);
      const [, experimentId, name, status, start, end, lifecycle, user] = run["info"] as (string | number | null)[];
      const tags = run["tags"] as Record<string, string>;
      tally.compareFields(`run ${runId}`, task, {
        name,
        type: "training",
        status: STATUSES[String(status)] ?? "stopped",
        comment: text(tags["mlflow.note.content"] ?? ""),
        tags: ["mlflow"],
      });
      tally.compare(`${runId} archived`, task.systemTags.includes("archived"), lifecycle === "deleted");
      const parent = taskOf.get(tags["mlflow.parentRunId"] ?? "");
      if (task.parent !== "") tally.compare(`${runId} parent`, task.parent, parent);
      tally.compare(`${runId} commit`, task.script.version_num, tags["mlflow.source.git.commit"] ?? "");
      tally.compare(`${runId} entry point`, task.script.entry_point, tags["mlflow.source.name"] ?? "");
      const [experiment] = (experiments[String(experimentId)] ?? []) as string[];
      tally.compareFields(`${runId} properties`, task.userProperties, {
        mlflow_run_id: runId,
        mlflow_experiment_name: experiment,
        mlflow_status: status,
        mlflow_start_time_ms: String(start),
        mlflow_user_id: user,
      });
      if (end !== null) tally.compare(`${runId} end`, task.userProperties.mlflow_end_time_ms, String(end));
    }
    tally.compare("children of a run", [...tasks.values()].filter(({ parent }) => parent !== "").length, 1);
  });

  it("has every parameter and tag of every run, with its value, and no other", () => {
    for (const [runId, run] of Object.entries(runs)) {
      const task = tasks.get(runId);
      const parameters = Object.entries(task.parameters as Record<string, string>)
        .filter(([name]) => name.startsWith("General/"))
        .map(([name, value]) => [name.slice("General/".length), value] as const);
      tally.compare(
        `${runId} parameters`,
        sorted(parameters.map(([name, value]) => [name, value.trimEnd()])),
        sorted(trimmed(run["params"])),
      );
      const properties = Object.entries(task.userProperties as Record<string, string>).filter(([name]) => !/^mlflow_/.test(name));
      const { "mlflow.note.content": _, ...tags } = run["tags"] as Record<string, string>;
      // A password in an address stays out of what people look at.
      const shown = trimmed(tags).map(([name, value]) => [name, value.replace("ada:s3cret@", "")] as const);
      tally.compare(`${runId} tags`, sorted(properties.map(([name, value]) => [name, value.trimEnd()])), sorted(shown));
      tally.compare(`${runId} has no password`, JSON.stringify(task).includes("s3cret"), false);
    }
  });

  /** The SDK strips what it reads. */
  const trimmed = (pairs: unknown): (readonly [string, string])[] =>
    Object.entries(pairs as Record<string, string>).map(([name, value]) => [name, value.trimEnd()]);

  it("has every point that a chart can hold, exactly, and every file, byte for byte", () => {
    let points = 0;
    for (const [runId, run] of Object.entries(runs)) {
      const task = tasks.get(runId);
      const history = run["points"] as Record<string, (readonly [number, number, string])[]>;
      const charts: Record<string, Record<string, unknown>> = {};
      for (const [key, { title, series }] of metricAddresses(Object.keys(history))) {
        const chart = chartOf(history[key] ?? []);
        if (chart.x.length > 0) (charts[title] ??= {})[series] = chart;
        points += chart.x.length;
      }
      const read: Record<string, Record<string, unknown>> = {};
      for (const [title, lines] of Object.entries(task.scalars as Record<string, Record<string, { x: number[]; y: number[] }>>))
        for (const [series, { x, y }] of Object.entries(lines)) (read[title] ??= {})[series] = { x, y };
      tally.compare(`${runId} charts`, read, charts);
      const { [RUN_COPY_ARTIFACT]: copy, ...artifacts } = task.artifacts as Record<string, { sha256: string; hash: string; size: number }>;
      tally.compare(`${runId} copy`, copy?.sha256, copy?.hash);
      // Of an empty file the SDK has no copy, only what was registered.
      const files = Object.entries(artifacts).map(([name, { sha256, hash, size }]) => [bare(name), size === 0 ? hash : sha256] as const);
      tally.compare(`${runId} files`, Object.fromEntries(files), run["files"]);
    }
    expect(points).toBeGreaterThan(LONG_POINTS);
  });

  it("has a model for each version and each logged one, with framework, design, tags, files and lineage", () => {
    for (const version of models.versions) {
      const model = shown.get(`version:${encodeURIComponent(version.name)}:${version.version}`);
      const what = `${version.name} ${version.version}`;
      const [registered] = models.registered.filter(({ name }) => name === version.name);
      tally.compareFields(what, model, {
        name: version.name,
        comment: [version.description, registered?.description].filter(Boolean).join("\n\n"),
        tags: [
          ...version.aliases.map((alias) => `alias:${alias}`),
          "mlflow",
          ...(version.stage === "None" ? [] : [`stage:${version.stage}`]),
          `v${version.version}`,
        ].sort(),
        task: taskOf.get(version.runId) ?? null,
        framework: frameworkOf(version.mlmodel),
        published: false,
      });
      tally.compare(`${what} design`, model.design ?? "", version.mlmodel ?? "");
      const metadata = model.metadata as Record<string, { value: string }>;
      for (const [name, value] of Object.entries(version.tags)) {
        const values = Object.entries(metadata).flatMap(([key, item]) => (bare(key) === name ? [item.value] : []));
        tally.compare(`${what} tag ${name}`, values.includes(text(value)), true);
      }
      tally.compare(`${what} source`, metadata["mlflow_source"]?.value, version.source);
      tally.compare(`${what} has files`, model.sha256 !== null, Object.keys(version.files).length > 0);
    }
    for (const logged of models.logged) {
      const model = shown.get(`logged:${logged.id}`);
      tally.compareFields(`logged model ${logged.id}`, model, {
        name: logged.name,
        tags: ["logged-model", "mlflow"],
        task: taskOf.get(logged.runId),
        framework: frameworkOf(logged.mlmodel),
      });
      tally.compare(`${logged.id} design`, model.design ?? "", logged.mlmodel ?? "");
      const document = JSON.parse((model.metadata as Record<string, { value: string }>)["mlflow_document"]?.value ?? "{}");
      const params = Object.fromEntries((document.data?.params ?? []).map(({ key, value }: Record<string, string>) => [key, value]));
      tally.compare(`${logged.id} params`, params, logged.params);
    }
    for (const { name, description } of models.registered.filter(({ name: of }) => !models.versions.some((one) => one.name === of)))
      tally.compareFields(`registered model ${name}`, shown.get(`registered:${encodeURIComponent(name)}`), { name, comment: description });
    tally.compare(
      "models",
      shown.size,
      models.versions.length +
        models.logged.length +
        models.registered.filter(({ name }) => !models.versions.some((one) => one.name === name)).length,
    );
    expect(models.logged.length).toBe(2);
  });

  it("lists the models of a run among its task's, under names of their own, and the one that another run has read", () => {
    const reader = [...tasks.values()].filter((task) => task.models.input.length > 0);
    tally.compare(
      "tasks with an input",
      reader.map(({ name }) => name),
      ["child"],
    );
    tally.compare(
      "its input",
      reader[0]?.models.input.map((model: any) => [model.as, model.framework]),
      [["net", "PyTorch"]],
    );
    const [parent] = [...tasks.values()].filter((task) => task.name === "parent");
    const names = parent.models.output.map((model: any) => model.as as string).sort();
    tally.compare(
      "outputs of the run",
      names.length,
      models.logged.length + models.versions.filter(({ runId }) => runId === models.logged[0]?.runId).length,
    );
    tally.compare("their names", new Set(names).size, names.length);
  });
});

/** As `frameworkOfMlmodel` is said to name it, by the two models of the corpus. */
function frameworkOf(mlmodel: string | null): string | null {
  if (mlmodel === null) return null;
  return mlmodel.includes("sklearn") ? "ScikitLearn" : "PyTorch";
}
