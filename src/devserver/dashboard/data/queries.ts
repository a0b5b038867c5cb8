/** Every read that the page makes, as hooks: what is asked for, and which news makes it be asked again. */
import { readJson, callApi } from "./clearml-reader.js";
import { hasGap, MAX_LINES, replaceTail, rereadFrom, type ConsoleTail } from "./console-lines.js";
import type { LogEventDocument, ModelDocument, ProjectDocument, SingleValueDocument, TaskDocument } from "./documents.js";
import type { Received } from "./received-callbacks.js";
import { matchCallbacks } from "./received-callbacks.js";
import { useResource, type Resource } from "./use-resource.js";

/** The server gives no more rows than this at once. */
export const PAGE_SIZE = 500;

const TASK_ROW_FIELDS = [
  "id",
  "name",
  "project",
  "type",
  "status",
  "tags",
  "created",
  "started",
  "completed",
  "last_update",
  "last_iteration",
  "runtime",
];

/** Tasks with the newest change first, of one project with those below it, or (`*`) of all. */
export function useTasks(project: string): Resource<readonly TaskDocument[]> {
  return useResource(
    `tasks ${project}`,
    async (signal) => {
      const filter = project === "*" ? {} : { project: [project], include_subprojects: true };
      const body = { ...filter, only_fields: TASK_ROW_FIELDS, order_by: ["-last_update"], page: 0, page_size: PAGE_SIZE };
      return (await callApi<{ tasks: TaskDocument[] }>("tasks.get_all", body, signal)).tasks;
    },
    (change) => change.kind === "task" || change.kind === "scalar",
  );
}

/** Names of projects by id. */
export function useProjectNames(): ReadonlyMap<string, string> {
  const projects = useResource(
    "projects",
    async (signal) => {
      const body = { only_fields: ["id", "name"], page: 0, page_size: PAGE_SIZE };
      return (await callApi<{ projects: ProjectDocument[] }>("projects.get_all", body, signal)).projects;
    },
    (change) => change.kind === "project",
  );
  return new Map((projects.value ?? []).map((project) => [project.id, project.name ?? project.id]));
}

/** All projects with their counts, in no particular order. */
export function useProjects(): Resource<readonly ProjectDocument[]> {
  return useResource(
    "projects with counts",
    async (signal) => {
      const body = { include_stats: true, page: 0, page_size: PAGE_SIZE };
      return (await callApi<{ projects: ProjectDocument[] }>("projects.get_all_ex", body, signal)).projects;
    },
    (change) => change.kind === "project" || change.kind === "task",
  );
}

/** Some tasks, whole, in the order of `ids`; those that are not there are left out. */
export function useTasksById(ids: readonly string[]): Resource<readonly TaskDocument[]> {
  return useResource(
    `tasks by id ${ids.join(" ")}`,
    async (signal) => {
      const { tasks } = await callApi<{ tasks: TaskDocument[] }>("tasks.get_all", { id: ids, page: 0, page_size: PAGE_SIZE }, signal);
      const byId = new Map(tasks.map((task) => [task.id, task]));
      return ids.flatMap((id) => byId.get(id) ?? []);
    },
    (change) => change.kind === "task" && change.task !== undefined && ids.includes(change.task),
  );
}

/** One task, whole. */
export function useTask(task: string): Resource<TaskDocument> {
  return useResource(
    `task ${task}`,
    async (signal) => (await callApi<{ task: TaskDocument }>("tasks.get_by_id", { task }, signal)).task,
    (change) => change.task === task && change.kind !== "log" && change.kind !== "callback",
  );
}

/** Values of one task that have no iteration. */
export interface TaskSingleValues {
  readonly task: string;
  readonly values: readonly SingleValueDocument[];
}

/** Values that have no iteration, of those tasks that have any. */
export function useSingleValues(tasks: readonly string[]): Resource<readonly TaskSingleValues[]> {
  return useResource(
    `single values ${tasks.join(" ")}`,
    async (signal) => (await callApi<{ tasks: TaskSingleValues[] }>("events.get_task_single_value_metrics", { tasks }, signal)).tasks,
    (change) => change.kind === "scalar" && change.task !== undefined && tasks.includes(change.task),
  );
}

interface LogPage {
  readonly events: readonly LogEventDocument[];
  readonly total: number;
}

/** The newest console events: read whole at first, then only the tail. */
export function useConsole(task: string): Resource<ConsoleTail> {
  return useResource<ConsoleTail>(
    `console ${task}`,
    async (signal, previous) => {
      const from = previous === undefined ? undefined : rereadFrom(previous);
      if (previous !== undefined && from !== undefined) {
        const body = { task, batch_size: MAX_LINES, navigate_earlier: false, from_timestamp: from };
        const page = await callApi<LogPage>("events.get_task_log", body, signal);
        const tail = replaceTail(previous, from, page.events, page.total);
        if (page.events.length < MAX_LINES && !hasGap(tail)) return tail;
      }
      const page = await callApi<LogPage>(
        "events.get_task_log",
        { task, batch_size: MAX_LINES, navigate_earlier: true, order: "asc" },
        signal,
      );
      return { events: [...page.events].sort((a, b) => a.timestamp - b.timestamp), dropped: 0, total: page.total };
    },
    (change) => change.task === task && change.kind === "log",
  );
}

/** Models of a task, named by it or naming it, in the order they were made. */
export function useTaskModels(task: TaskDocument): Resource<readonly ModelDocument[]> {
  const named = [...(task.models?.output ?? []), ...(task.models?.input ?? [])].flatMap((entry) =>
    entry.model === undefined ? [] : [entry.model],
  );
  return useResource(
    `models of ${task.id} ${named.join(" ")}`,
    async (signal) => {
      const byTask = callApi<{ models: ModelDocument[] }>("models.get_all", { task: [task.id], page: 0, page_size: PAGE_SIZE }, signal);
      const byId =
        named.length === 0 ? { models: [] } : await callApi<{ models: ModelDocument[] }>("models.get_all", { id: named }, signal);
      const all = new Map([...byId.models, ...(await byTask).models].map((model) => [model.id, model]));
      return [...all.values()].sort((a, b) => (a.created ?? "").localeCompare(b.created ?? ""));
    },
    (change) => change.kind === "model" || (change.task === task.id && change.kind === "task"),
  );
}

/** Models of one project or (`*`) of all, the newest first. */
export function useModels(project: string): Resource<readonly ModelDocument[]> {
  return useResource(
    `models ${project}`,
    async (signal) => {
      const filter = project === "*" ? {} : { project: [project] };
      const body = { ...filter, order_by: ["-created"], page: 0, page_size: PAGE_SIZE };
      return (await callApi<{ models: ModelDocument[] }>("models.get_all", body, signal)).models;
    },
    (change) => change.kind === "model",
  );
}

/** One model, whole. */
export function useModel(model: string): Resource<ModelDocument> {
  return useResource(
    `model ${model}`,
    async (signal) => (await callApi<{ model: ModelDocument }>("models.get_by_id", { model }, signal)).model,
    (change) => change.kind === "model",
  );
}

/** What the callback receiver got, newest last: all of it, or what belongs to one task. */
export function useCallbacks(task: string | undefined): Resource<readonly Received[]> {
  return useResource<readonly Received[]>(
    `callbacks ${task ?? "*"}`,
    async (signal, previous) => {
      // Once the task's job is known there is no need to read those of all others.
      const job = task === undefined ? undefined : previous?.find((entry) => entry.jobId !== undefined)?.jobId;
      return matchCallbacks(
        await readJson<unknown>(job === undefined ? "/callbacks" : `/callbacks?job_id=${encodeURIComponent(job)}`, signal),
        task,
      );
    },
    (change) => change.kind === "callback",
  );
}
