/** All tasks, the newest change first. */
import { useState } from "preact/hooks";
import { taskProgress, type TaskDocument } from "../data/documents.js";
import { PAGE_SIZE, useProjectNames, useTasks } from "../data/queries.js";
import { useTitle } from "../data/use-title.js";
import { formatCount } from "../format.js";
import { Link } from "../navigation.js";
import { EmptyState, Loaded } from "../parts/notice.js";
import { ProgressBar } from "../parts/progress-bar.js";
import { StatusBadge } from "../parts/status-badge.js";
import { TimeAgo } from "../parts/time-text.js";
import { GettingStarted } from "./getting-started.js";

const STATUS_FILTERS: readonly { readonly label: string; readonly statuses: readonly string[] | undefined }[] = [
  { label: "All", statuses: undefined },
  { label: "Running", statuses: ["in_progress", "queued", "publishing"] },
  { label: "Completed", statuses: ["completed", "published", "closed"] },
  { label: "Failed or stopped", statuses: ["failed", "stopped"] },
];

export function TaskList({ project }: { readonly project: string }) {
  useTitle(undefined);
  const tasks = useTasks(project);
  const projects = useProjectNames();
  const [search, setSearch] = useState("");
  const [filter, setFilter] = useState(0);

  return (
    <main data-view="tasks">
      <header class="page-head">
        <h1>{project === "*" ? "Tasks" : (projects.get(project) ?? "Tasks")}</h1>
        {project !== "*" && <Link to={{ view: "tasks", project: "*" }}>All projects</Link>}
      </header>
      <Loaded resource={tasks} what="the tasks">
        {(all) => {
          if (all.length === 0) return <GettingStarted />;
          const wanted = search.trim().toLowerCase();
          const shown = all.filter(
            (task) =>
              (STATUS_FILTERS[filter]?.statuses?.includes(task.status ?? "") ?? true) &&
              (wanted === "" ||
                `${task.name ?? ""} ${projects.get(task.project ?? "") ?? ""} ${task.id} ${(task.tags ?? []).join(" ")}`
                  .toLowerCase()
                  .includes(wanted)),
          );
          return (
            <>
              <div class="toolbar">
                <input
                  type="search"
                  aria-label="Filter tasks by name, project, tag or id"
                  placeholder="Filter by name, project, tag or id"
                  value={search}
                  onInput={(event) => {
                    setSearch(event.currentTarget.value);
                  }}
                />
                <div class="segmented" role="group" aria-label="Status">
                  {STATUS_FILTERS.map(({ label }, index) => (
                    <button
                      key={label}
                      type="button"
                      aria-pressed={filter === index}
                      onClick={() => {
                        setFilter(index);
                      }}
                    >
                      {label}
                    </button>
                  ))}
                </div>
                <span class="toolbar-note">
                  {all.length >= PAGE_SIZE
                    ? `newest ${formatCount(PAGE_SIZE)}`
                    : `${formatCount(shown.length)} ${shown.length === 1 ? "task" : "tasks"}`}
                </span>
              </div>
              {shown.length === 0 ? (
                <EmptyState title="No task matches">
                  <p class="muted">Clear the filter to see all {formatCount(all.length)}.</p>
                </EmptyState>
              ) : (
                <TaskTable tasks={shown} projects={projects} />
              )}
            </>
          );
        }}
      </Loaded>
    </main>
  );
}

function TaskTable({ tasks, projects }: { readonly tasks: readonly TaskDocument[]; readonly projects: ReadonlyMap<string, string> }) {
  return (
    <table class="table tasks">
      <thead>
        <tr>
          <th scope="col">Task</th>
          <th scope="col">Status</th>
          <th scope="col">Progress</th>
          <th scope="col" class="number">
            Iteration
          </th>
          <th scope="col">Type</th>
          <th scope="col" class="number">
            Last update
          </th>
        </tr>
      </thead>
      <tbody>
        {tasks.map((task) => {
          const percent = taskProgress(task);
          return (
            <tr key={task.id} data-task={task.id}>
              <th scope="row">
                <Link class="row-link" to={{ view: "task", project: task.project ?? "*", task: task.id, tab: "scalars", item: undefined }}>
                  {task.name ?? task.id}
                </Link>
                <span class="sub">{projects.get(task.project ?? "") ?? "No project"}</span>
              </th>
              <td data-label="Status">
                <StatusBadge status={task.status} />
              </td>
              <td data-label="Progress">
                {percent === undefined ? (
                  <span class="muted">–</span>
                ) : (
                  <ProgressBar percent={percent} status={task.status} label={`Progress of ${task.name ?? task.id}`} />
                )}
              </td>
              <td data-label="Iteration" class="number">
                {task.last_iteration === undefined ? "–" : formatCount(task.last_iteration)}
              </td>
              <td data-label="Type" class="muted">
                {(task.type ?? "–").replaceAll("_", " ")}
              </td>
              <td data-label="Updated" class="number muted">
                <TimeAgo value={task.last_update} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
