/** Calls what the embedded server serves for other clients (the official SDK, web pages, workers) and ours does not call. */

/** A call in the wire's own terms, which must succeed. */
export type RawCall = (endpoint: string, body: object) => Promise<any>;

/** Every endpoint beyond our client's. */
export async function driveRaw(call: RawCall): Promise<void> {
  await call("auth.fixed_users_mode", {});
  await call("auth.get_credentials", {});
  const { token } = await call("auth.login", {});
  await call("auth.validate_token", { token });
  await call("login.supported_modes", {});
  await call("login.logout", {});
  await call("server.report_stats_option", {});
  await call("users.get_all", { only_fields: ["id", "name"] });
  await call("users.get_all_ex", {});
  await call("users.get_preferences", {});

  const { id: project } = await call("projects.create", { name: "raw project" });
  const task = {
    name: "a task",
    type: "training",
    project,
    hyperparams: { Args: { lr: { section: "Args", name: "lr", value: "1" } } },
    configuration: { cfg: { name: "cfg", value: "x" } },
  };
  await call("tasks.validate", task);
  const { id } = await call("tasks.create", task);
  const { id: a } = await call("tasks.create", task);
  await call("tasks.get_all_ex", { id: [id], only_fields: ["id", "name", "status"] });
  await call("tasks.get_by_id_ex", { id: [id], only_fields: ["id", "name"] });
  await call("tasks.get_types", { projects: [project] });
  await call("tasks.get_hyper_params", { tasks: [id] });
  await call("tasks.get_configurations", { tasks: [id], names: ["cfg"] });
  await call("tasks.get_configuration_names", { tasks: [id], skip_empty: true });

  const { id: model } = await call("models.create", { name: "a model", uri: "u", ready: false, project });
  await call("models.get_all_ex", { id: [model], only_fields: ["id", "name"] });
  await call("models.get_by_id_ex", { id: [model], only_fields: ["id", "name"] });
  await call("models.get_frameworks", { projects: [] });
  await call("models.publish_many", { ids: [model] });
  await call("models.delete_many", { ids: [model], force: true });

  const image = { type: "training_debug_image", task: id, iter: 1, metric: "m", variant: "v", url: "http://f/i.png" };
  await call("events.add", image);
  await call("events.add", { type: "plot", task: id, iter: 1, metric: "m", variant: "v", plot_str: "{}" });
  await call("events.plots", { metrics: [{ task: id, metric: "m" }], iters: 1 });
  await call("events.clear_task_log", { task: id, threshold_sec: 5 });
  await call("events.clear_scroll", { scroll_id: "x" });

  await call("tasks.move", { ids: [id, a], project_name: "raw project/moved" });
  await call("tasks.enqueue_many", { ids: [a, "none"], queue_name: "raw queue" });
  await call("tasks.dequeue_many", { ids: [a, "none"] });
  await call("pipelines.start_pipeline", { task: a, args: [{ name: "lr", value: "2" }] });
  const { id: ended } = await call("tasks.create", task);
  await call("tasks.stopped", { task: ended, force: true });
  await call("tasks.publish_many", { ids: [ended, "none"] });

  await call("tasks.stop_many", { ids: [id, "none"], force: true });
  await call("tasks.reset_many", { ids: [id] });
  await call("tasks.archive_many", { ids: [a, "none"] });
  await call("tasks.unarchive_many", { ids: [a] });
  await call("tasks.delete_many", { ids: [a, "none"], force: true });
}
