/**
 * The few endpoints that a sink needs, over plain maps: enough to tell stories of tasks and models without a socket. The
 * integration tests tell the same stories to the embedded server, which knows the rules.
 */
import { refusal, type Script, type Loose } from "./scripted-port.js";

export interface TaskServer {
  readonly tasks: Map<string, Loose>;
  readonly models: Map<string, Loose>;
  readonly projects: Map<string, string>;
  /** Everything that `events.add_batch` brought. */
  readonly events: Loose[];
  readonly script: Script;
}

export function taskServer(): TaskServer {
  const tasks = new Map<string, Loose>();
  const models = new Map<string, Loose>();
  const projects = new Map<string, string>();
  const events: Loose[] = [];
  let made = 0;
  const stamp = () => new Date(Date.UTC(2026, 0, 1) + ++made * 1000).toISOString();
  const found = (documents: Map<string, Loose>, request: Loose) =>
    [...documents.values()].filter((document) =>
      request.id ? request.id.includes(document.id) : request.system_tags.every((tag: string) => document.system_tags.includes(tag)),
    );
  const task = (id: string) => tasks.get(id) ?? raise101();
  const raise101 = (): never => {
    throw refusal(400, 101);
  };
  const open = (id: string) => {
    if (!["created", "queued", "in_progress"].includes(task(id).status)) throw refusal(400, 110);
    return task(id);
  };
  const status = (to: string) => (request: Loose) => {
    Object.assign(task(request.task), { status: to, status_reason: request.status_reason, status_message: request.status_message });
    return { updated: 1 };
  };
  const script: Script = {
    project: (path) => {
      if (!projects.has(path)) projects.set(path, `project-${String(projects.size + 1)}`);
      return projects.get(path);
    },
    "tasks.get_all": (request) => ({ tasks: found(tasks, request).map((document) => structuredClone(document)) }),
    "tasks.create": (request) => {
      const id = `task-${String(tasks.size + 1)}`;
      tasks.set(id, {
        ...request,
        id,
        status: "created",
        status_message: "",
        status_reason: "",
        created: stamp(),
        runtime: {},
        artifacts: [],
        output: [],
      });
      return { id };
    },
    "tasks.delete": (request) => ({ deleted: tasks.delete(request.task) ? 1 : 0 }),
    "tasks.started": status("in_progress"),
    "tasks.completed": status("completed"),
    "tasks.failed": status("failed"),
    "tasks.stopped": status("stopped"),
    "tasks.ping": () => ({}),
    "tasks.edit_runtime": (request) => {
      Object.assign(open(request.task).runtime, request.add_or_update);
      return { updated: 1 };
    },
    "tasks.edit_configuration": (request) => {
      const own = task(request.task);
      for (const item of request.configuration) (own.configuration ??= {})[item.name] = item;
      return { updated: 1 };
    },
    "tasks.edit_hyper_params": (request) => {
      const own = task(request.task);
      for (const item of request.hyperparams) ((own.hyperparams ??= {})[item.section] ??= {})[item.name] = item;
      return { updated: 1 };
    },
    "tasks.update_tags": () => ({ updated: 1 }),
    "tasks.add_or_update_artifacts": (request) => {
      const own = open(request.task);
      own.artifacts = [...own.artifacts.filter(({ key }: Loose) => key !== request.artifacts[0].key), ...request.artifacts];
      return { updated: 1 };
    },
    "tasks.add_or_update_model": (request) => {
      const own = open(request.task);
      own.output = [...own.output.filter(({ name }: Loose) => name !== request.name), { name: request.name, model: request.model }];
      return { updated: 1 };
    },
    "models.get_all": (request) => ({ models: found(models, request).map((document) => structuredClone(document)) }),
    "models.create": (request) => {
      const id = `model-${String(models.size + 1)}`;
      models.set(id, { ...request, id, created: stamp() });
      return { id, created: true };
    },
    "models.edit": ({ model, ...fields }) => {
      Object.assign(models.get(model), fields);
      return { updated: 1 };
    },
    "models.delete": ({ model }) => ({ deleted: models.delete(model) }),
    "models.set_ready": ({ model }) => {
      if (models.get(model).ready) throw refusal(400, 203);
      models.get(model).ready = true;
      return { updated: 1 };
    },
    "events.add_batch": (lines) => {
      for (const event of lines) if (!tasks.has(event.task)) throw refusal(400, 131);
      events.push(...lines);
      return { added: lines.length, errors: 0, errors_info: {} };
    },
    "events.get_task_log": () => ({ events: [] }),
  };
  return { tasks, models, projects, events, script };
}
