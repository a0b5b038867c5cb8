/** Calls every method of the ClearML client once against the embedded server, as a backend and a trainer would. */
import { Logger, type ClearML } from "../../../src/clearml/index.js";

const drain = async (rows: AsyncIterable<unknown>): Promise<number> => {
  let count = 0;
  for await (const row of rows) count += row === undefined ? 0 : 1;
  return count;
};

/** A whole life of tasks, models and projects. */
export async function driveClient(clearml: ClearML): Promise<void> {
  const { auth, tasks, events, models, projects, queues, workers, server } = clearml;
  await server.ping();
  await auth.login();
  await server.info();
  await auth.getCurrentUser();

  const { id: project } = await projects.create({ name: "contract/inner", description: "d", tags: ["t"] });
  await projects.findOrCreate("contract/other");
  await projects.update({ project, description: "changed", default_output_destination: "s3://bucket/prefix" });
  await projects.getById({ project });
  await projects.getPage({ name: "^contract", only_fields: ["name"], order_by: ["name"], page: 0, page_size: 10, search_hidden: true });
  await drain(projects.getAll({}));
  await projects.getAllEx({ id: [project], include_stats: true });
  const { id: moving } = await projects.create({ name: "contract/moving" });
  await projects.move({ project: moving, new_location: "contract/elsewhere" });
  await projects.validateDelete({ project: moving });
  await projects.delete({ project: moving, force: true, delete_contents: false });

  const artifact = {
    key: "best",
    type: "custom",
    mode: "output" as const,
    uri: "http://f/x",
    hash: "ab",
    content_size: 3,
    timestamp: 1,
    type_data: { preview: "p", content_type: "c" },
    display_data: [["epoch", "3"]],
  };
  const { id: task } = await tasks.create({
    name: "a task",
    type: "training",
    project,
    comment: "c",
    tags: ["t"],
    system_tags: ["development"],
    output_dest: "http://files",
    container: { image: "node" },
    script: { binary: "node", repository: "r", entry_point: "train.ts", working_dir: ".", requirements: { pip: "x" } },
    hyperparams: { Args: { lr: { section: "Args", name: "lr", value: "0.1", type: "float" } } },
    configuration: { cfg: { name: "cfg", value: "a = 1", type: "dictionary" } },
  });
  await tasks.started({ task, status_reason: "r", status_message: "m" });
  await tasks.ping({ task });
  await tasks.edit({
    task,
    force: true,
    comment: "edited",
    runtime: { progress: "1" },
    execution: { framework: "PyTorch", model_labels: { cat: 1 } },
  });
  await tasks.update({ task, comment: "updated" });
  await tasks.updateBatch([{ task, comment: "batch" }]);
  await tasks.editHyperParams({
    task,
    force: true,
    hyperparams: [{ section: "Args", name: "epochs", value: "3" }],
    replace_hyperparams: "none",
  });
  await tasks.deleteHyperParams({ task, force: true, hyperparams: [{ section: "Args", name: "epochs" }] });
  await tasks.editConfiguration({ task, force: true, configuration: [{ name: "more", value: "x" }], replace_configuration: false });
  await tasks.deleteConfiguration({ task, force: true, configuration: ["more"] });
  await tasks.addOrUpdateArtifacts({ task, force: true, artifacts: [artifact, { ...artifact, key: "last" }] });
  await tasks.deleteArtifacts({ task, force: true, artifacts: [{ key: "last", mode: "output" }] });
  await tasks.editRuntime({ task, add_or_update: { progress: "50" }, remove: ["none"] });
  await tasks.updateTags({ ids: [task], add_tags: ["more"], remove_tags: ["t"] });
  await tasks.setRequirements({ task, requirements: { pip: "y" } });

  const { id: parent } = await models.create({ name: "a parent", uri: "u", ready: true, public: false });
  const { id: model } = await models.create({
    name: "a model",
    uri: "u",
    ready: false,
    task,
    project,
    parent,
    framework: "ONNX",
    labels: { cat: 0 },
    tags: ["t"],
    comment: "c",
    design: { design: "x" },
  });
  await models.edit({ model, uri: "v", iteration: 2, comment: "edited" });
  await models.update({ model, name: "renamed", ui_cache: { a: 1 } });
  await models.addOrUpdateMetadata({ model, metadata: [{ key: "k", type: "str", value: "v" }] });
  await models.deleteMetadata({ model, keys: ["k"] });
  await models.updateTags({ ids: [model], add_tags: ["x"] });
  await models.move({ ids: [parent], project_name: "contract/other" });
  await models.archiveMany({ ids: [parent, "none"] });
  await models.unarchiveMany({ ids: [parent] });
  await tasks.addOrUpdateModel({ task, name: "out", model, type: "output", iteration: 3 });
  await tasks.addOrUpdateModel({ task, name: "in", model: parent, type: "input" });
  await tasks.deleteModels({ task, models: [{ name: "in", type: "input" }] });
  await models.getById({ model });
  await models.getPage({ task: [task], ready: false, only_fields: ["id", "name"], order_by: ["-created"], page: 0, page_size: 5 });
  await drain(models.getAll({ project: [project] }));

  await events.addBatch([
    ...[1, 2, 3].map((iter) => ({
      type: "training_stats_scalar" as const,
      task,
      timestamp: 1000 + iter,
      iter,
      metric: "loss",
      variant: "train",
      value: 1 / iter,
    })),
    { type: "training_stats_scalar", task, timestamp: 2000, iter: -2_147_483_648, metric: "Summary", variant: "best", value: 0.9 },
    { type: "log", task, timestamp: 1000, level: "info", msg: "a line" },
    { type: "plot", task, timestamp: 1000, iter: 1, metric: "m", variant: "v", plot_str: '{"data":[],"layout":{}}' },
    { type: "training_debug_image", task, timestamp: 1000, iter: 1, metric: "m", variant: "v", url: "http://f/i.png", key: "i.png" },
  ]);
  // Not its console lines: they carry two fields of our own, which the server keeps and the schema does not name (notes 4.1).
  const logger = new Logger(clearml, task);
  logger.reportScalar({ title: "loss", series: "val", value: 0.5, iteration: 1 });
  logger.reportSingleValue({ name: "best", value: 0.5 });
  logger.reportHistogram({ title: "weights", series: "layer 1", values: [1, 2], iteration: 1 });
  await logger.reportHtml({ title: "report", series: "page", url: "http://f/page.html", iteration: 1 });
  await logger.close();
  await events.add({ type: "log", task, timestamp: 1001, level: "warning", msg: "another" });
  await events.scalarMetricsIterHistogram({ task, samples: 100, key: "iter", metrics: [{ metric: "loss", variants: ["train"] }] });
  await events.multiTaskScalarMetricsIterHistogram({ tasks: [task], samples: 100 });
  await events.scalarMetricsIterRaw({ task, metric: { metric: "loss" }, batch_size: 2, count_total: true });
  await drain(events.iterateScalars({ task, metric: "loss" }));
  await events.getTaskLog({ task, batch_size: 10, navigate_earlier: true, order: "asc" });
  await drain(events.iterateLog({ task }));
  await events.getTaskEvents({ task, event_type: "training_stats_scalar", order: "desc", batch_size: 2 });
  await events.getTaskPlots({ task, iters: 1 });
  await events.debugImages({ metrics: [{ task, metric: "m" }], iters: 1, navigate_earlier: true });
  await events.deleteForModel({ model });
  await events.getTaskSingleValueMetrics({ tasks: [task] });
  await events.getScalarMetricsAndVariants({ task });
  await events.getTaskLatestScalarValues({ task });
  await events.getTaskMetrics({ tasks: [task], event_type: "training_stats_scalar" });

  await tasks.getById({ task });
  await tasks.getPage({
    id: [task],
    status: ["in_progress"],
    tags: ["more"],
    name: "^a",
    order_by: ["-last_update"],
    only_fields: ["id", "status"],
    page: 0,
    page_size: 5,
  });
  await drain(tasks.getAll({ project: [project] }));
  const { id: copy } = await tasks.clone({
    task,
    new_task_name: "a copy",
    new_task_tags: ["copy"],
    new_project_name: "contract/copies",
    execution_overrides: { framework: "x" },
  });
  await tasks.enqueue({ task: copy, queue_name: "default" });
  await tasks.dequeue({ task: copy });
  const { id: queue } = await queues.create({ name: "contract queue", tags: ["t"] });
  await queues.update({ queue, display_name: "shown" });
  await drain(queues.getAll({ name: "^contract" }));
  await queues.getDefault();
  await queues.addTask({ queue, task: copy });
  await queues.addTask({ queue, task });
  await queues.getById({ queue, max_task_entries: 1 });
  await queues.getNumEntries({ queue });
  await queues.moveTaskForward({ queue, task, count: 1 });
  await queues.moveTaskBackward({ queue, task, count: 1 });
  await queues.moveTaskToFront({ queue, task });
  await queues.moveTaskToBack({ queue, task });
  await queues.peekTask({ queue });
  await queues.getNextTask({ queue });
  await queues.removeTask({ queue, task });
  await workers.register({ worker: "w", timeout: 60, queues: [queue], tags: ["t"] });
  await workers.statusReport({ worker: "w", timestamp: 1, task, queue, queues: [queue], machine_stats: { cpu_usage: [1] } });
  await workers.getAll({ last_seen: 60 });
  await workers.unregister({ worker: "w" });
  await queues.delete({ queue, force: true });
  await tasks.stop({ task, status_reason: "r" });
  await tasks.started({ task });
  await tasks.completed({ task, status_message: "m" });
  await models.setReady({ model, publish_task: true });
  await tasks.archive({ tasks: [copy] });
  await tasks.unarchiveMany({ ids: [copy] });
  await tasks.delete({ task: copy, force: true, return_file_urls: true });

  const { id: other } = await tasks.create({ name: "another", type: "inference" });
  await tasks.started({ task: other });
  await tasks.stopped({ task: other });
  await tasks.failed({ task: other, status_reason: "r" });
  await tasks.reset({ task: other, force: true, clear_all: true, return_file_urls: true });
  await tasks.started({ task: other });
  await tasks.stopped({ task: other });
  await tasks.close({ task: other });
  await tasks.publish({ task: other, force: true, publish_model: false });
  await events.deleteForTask({ task: other, allow_locked: true });
  await models.delete({ model: parent, force: true });
  await auth.logout();
}
