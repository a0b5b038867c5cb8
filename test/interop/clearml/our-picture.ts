/** The picture that `programs/picture.py` draws with the official SDK, drawn with our client from the same server. */
import { rm } from "node:fs/promises";
import path from "node:path";
import type { ClearML } from "../../../src/clearml/index.js";

/** A task as plain data. */
export type Picture = Record<string, any>;

/** Single values are kept as points of this iteration; the official SDK tells them among the others. */
const byPlace = (one: any, other: any): number =>
  compare([one.metric, one.variant, one.iter, one.key ?? ""], [other.metric, other.variant, other.iter, other.key ?? ""]);

function compare(one: readonly (string | number)[], other: readonly (string | number)[]): number {
  for (const [at, value] of one.entries()) {
    const against = other[at] ?? "";
    if (value !== against) return value < against ? -1 : 1;
  }
  return 0;
}

/** Everything about a task. `folder` takes the downloads, which are removed again. */
export async function pictureOfTask(clearml: ClearML, id: string, folder: string): Promise<Picture> {
  const { task } = await clearml.tasks.getById({ task: id });
  const project = task.project ? (await clearml.projects.getById({ project: task.project })).project.name : null;
  const parameters = Object.values(task.hyperparams ?? {}).flatMap((section) => Object.values(section));
  const artifacts: Record<string, unknown> = {};
  for (const artifact of task.execution?.artifacts ?? []) {
    artifacts[artifact.key] = {
      type: artifact.type,
      mode: artifact.mode,
      size: artifact.content_size ?? null,
      uri: artifact.uri,
      hash: artifact.hash ?? null,
      preview: artifact.type_data?.preview ?? "",
      metadata: Object.fromEntries((artifact.display_data ?? []).map(([name, value]) => [name, value])),
      timestamp: artifact.timestamp,
      sha256: await digestOf(clearml, artifact.uri ?? "", folder),
    };
  }
  const models: Record<string, unknown[]> = { input: [], output: [] };
  for (const side of ["input", "output"] as const) {
    for (const used of task.models?.[side] ?? [])
      models[side]!.push({ as: used.name, ...(await pictureOfModel(clearml, used.model ?? "", folder)) });
  }
  const script = task.script;
  return {
    id: task.id,
    name: task.name,
    project,
    type: task.type,
    status: task.status,
    statusMessage: task.status_message ?? "",
    comment: task.comment ?? "",
    parent: task.parent ?? null,
    tags: [...(task.tags ?? [])].sort(),
    systemTags: [...(task.system_tags ?? [])].sort(),
    lastIteration: task.last_iteration,
    progress: task.runtime?.["progress"] === undefined ? null : Number(task.runtime["progress"]),
    outputUri: task.output?.destination ?? null,
    parameters: Object.fromEntries(parameters.map(({ section, name, value }) => [`${section ?? ""}/${name ?? ""}`, value])),
    userProperties: Object.fromEntries(
      parameters.filter(({ section }) => section === "properties").map(({ name, value }) => [name, value]),
    ),
    configurations: Object.fromEntries(Object.entries(task.configuration ?? {}).map(([name, item]) => [name, item.value])),
    labels: task.execution?.model_labels ?? {},
    script: {
      binary: script?.binary ?? "",
      repository: script?.repository ?? "",
      branch: script?.branch ?? "",
      version_num: script?.version_num ?? "",
      working_dir: script?.working_dir ?? "",
      entry_point: script?.entry_point ?? "",
      diff: script?.diff ?? "",
    },
    requirements: script?.requirements?.["pip"] ?? null,
    container: Object.fromEntries(Object.entries(task.container ?? {}).filter(([, value]) => value)),
    scalars: await scalarsOf(clearml, id),
    chart: (await clearml.events.scalarMetricsIterHistogram({ task: id, samples: 500, key: "iter" })) as unknown,
    lastMetrics: lastMetricsOf(task.last_metrics),
    singleValues: await singleValuesOf(clearml, id),
    ...(await eventsOf(clearml, id)),
    artifacts,
    models,
  };
}

/** Everything about a model. */
export async function pictureOfModel(clearml: ClearML, id: string, folder: string): Promise<Picture> {
  const { model } = await clearml.models.getById({ model: id });
  return {
    id: model.id,
    name: model.name,
    project: model.project ?? null,
    uri: model.uri,
    framework: model.framework ?? null,
    comment: model.comment ?? "",
    tags: [...(model.tags ?? [])].sort(),
    labels: model.labels ?? {},
    design: model.design?.["design"] ?? "",
    published: model.ready ?? false,
    task: model.task ?? null,
    metadata: model.metadata ?? {},
    sha256: await digestOf(clearml, model.uri ?? "", folder),
  };
}

async function digestOf(clearml: ClearML, uri: string, folder: string): Promise<string | null> {
  if (!uri.startsWith(clearml.session.filesHost ?? "none")) return null;
  const target = path.join(folder, "download");
  const { sha256 } = await clearml.files.download(uri, target);
  await rm(target);
  return sha256;
}

async function scalarsOf(clearml: ClearML, task: string): Promise<Picture> {
  const scalars: Picture = {};
  const { metrics } = await clearml.events.getScalarMetricsAndVariants({ task });
  for (const metric of Object.keys(metrics)) {
    for await (const { variant, iteration, value } of clearml.events.iterateScalars({ task, metric })) {
      const series = ((scalars[metric] ??= {})[variant] ??= { name: variant, x: [], y: [] });
      series.x.push(iteration);
      series.y.push(value);
    }
  }
  return scalars;
}

function lastMetricsOf(lastMetrics: any): Picture {
  const summary: Picture = {};
  for (const variants of Object.values<any>(lastMetrics ?? {})) {
    for (const { metric, variant, value, min_value, max_value } of Object.values<any>(variants))
      (summary[metric] ??= {})[variant] = { last: value, min: min_value, max: max_value };
  }
  return summary;
}

async function singleValuesOf(clearml: ClearML, task: string): Promise<Picture> {
  const { tasks } = await clearml.events.getTaskSingleValueMetrics({ tasks: [task] });
  return Object.fromEntries((tasks?.[0]?.values ?? []).map(({ variant, value }) => [variant, value]));
}

async function eventsOf(clearml: ClearML, task: string): Promise<Picture> {
  const { plots } = await clearml.events.getTaskPlots({ task, iters: 1000 });
  const { events: images } = await clearml.events.getTaskEvents({ task, event_type: "training_debug_image", batch_size: 500 });
  const lines: string[] = [];
  for await (const { msg } of clearml.events.iterateLog({ task })) lines.push(msg ?? "");
  return {
    plots: plots
      .map(({ metric, variant, iter, plot_str }) => ({ metric, variant, iter, plot: JSON.parse(plot_str ?? "null") as unknown }))
      .sort(byPlace),
    debugSamples: images.map(({ metric, variant, iter, url, key }) => ({ metric, variant, iter, url, key })).sort(byPlace),
    console: lines.join("").split(/\r?\n/),
  };
}
