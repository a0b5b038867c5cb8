/** All tasks, the newest change first as long as nobody is at work in them, and the choice of those to compare. */
import type { RefObject } from "preact";
import { useContext, useReducer, useRef, useState } from "preact/hooks";
import { taskProgress, type TaskDocument } from "../data/documents.js";
import { PAGE_SIZE, useProjectNames, useTasks } from "../data/queries.js";
import { useShortcuts } from "../data/shortcuts.js";
import { useSelection, type Selection } from "../data/use-selection.js";
import { useSteadyOrder } from "../data/use-steady-order.js";
import { useTitle } from "../data/use-title.js";
import { formatCount } from "../format.js";
import { Link, NavigateContext } from "../navigation.js";
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
  const selection = useSelection();
  const rows = useRef<HTMLDivElement>(null);
  const [, redraw] = useReducer<number, undefined>((count) => count + 1, 0);
  const isAtWork = (): boolean => selection.ids.length > 0 || (rows.current?.contains(document.activeElement) ?? false);
  const ordered = useSteadyOrder(tasks.value ?? [], isAtWork);

  return (
    <main data-view="tasks">
      <header class="page-head">
        <h1>{project === "*" ? "Tasks" : (projects.get(project) ?? "Tasks")}</h1>
        {project !== "*" && <Link to={{ view: "projects" }}>All projects</Link>}
      </header>
      <Loaded resource={tasks} what="the tasks">
        {() => {
          if (ordered.length === 0) return <GettingStarted />;
          const wanted = search.trim().toLowerCase();
          const shown = ordered.filter(
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
                  {ordered.length >= PAGE_SIZE
                    ? `newest ${formatCount(PAGE_SIZE)}`
                    : `${formatCount(shown.length)} ${shown.length === 1 ? "task" : "tasks"}`}
                </span>
              </div>
              {shown.length === 0 ? (
                <EmptyState title="No task matches">
                  <p class="muted">Clear the filter to see all {formatCount(ordered.length)}.</p>
                </EmptyState>
              ) : (
                <div
                  ref={rows}
                  onFocusOut={() => {
                    redraw(undefined);
                  }}
                >
                  <SelectableTasks project={project} tasks={shown} projects={projects} selection={selection} rows={rows} />
                </div>
              )}
            </>
          );
        }}
      </Loaded>
    </main>
  );
}

interface TaskTableProps {
  readonly tasks: readonly TaskDocument[];
  readonly projects: ReadonlyMap<string, string>;
  readonly selection: Selection;
}

interface SelectableTasksProps extends TaskTableProps {
  readonly project: string;
  /** What holds the rows. */
  readonly rows: RefObject<HTMLElement | null>;
}

function SelectableTasks({ project, rows, ...table }: SelectableTasksProps) {
  const { selection } = table;
  const navigate = useContext(NavigateContext);
  const move = (by: number): void => {
    const links = [...(rows.current?.querySelectorAll<HTMLElement>(".row-link") ?? [])];
    const at = links.indexOf(document.activeElement as HTMLElement);
    links[at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
  };
  const focused = (): string | undefined => document.activeElement?.closest<HTMLElement>("[data-task]")?.dataset["task"];
  const compared = { view: "compare", project, tasks: selection.ids, tab: "scalars" } as const;
  useShortcuts("Tasks", [
    { keys: "j", does: "Next task", run: () => move(1) },
    { keys: "k", does: "Task before", run: () => move(-1) },
    {
      keys: "x",
      does: "Choose the task for a comparison, or not",
      run: () => {
        const id = focused();
        if (id !== undefined) selection.toggle(id);
      },
    },
    {
      keys: "c",
      does: "Compare the chosen tasks",
      run: () => {
        if (selection.ids.length > 1) navigate?.(compared);
      },
    },
  ]);
  return (
    <>
      {selection.ids.length > 0 && (
        <div class="selection" role="status">
          <span>
            {formatCount(selection.ids.length)} chosen{selection.isFull ? ", as many as can be compared" : ""}
          </span>
          {selection.ids.length > 1 ? (
            <Link class="button primary" to={compared}>
              Compare
            </Link>
          ) : (
            <span class="muted">Choose another one to compare.</span>
          )}
          <button type="button" class="quiet" onClick={selection.clear}>
            Clear
          </button>
        </div>
      )}
      <TaskTable {...table} />
    </>
  );
}

function TaskTable({ tasks, projects, selection }: TaskTableProps) {
  return (
    <table class="table tasks">
      <thead>
        <tr>
          <th scope="col" class="choice">
            <span class="unseen">Compare</span>
          </th>
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
          const chosen = selection.ids.includes(task.id);
          return (
            <tr key={task.id} data-task={task.id} data-chosen={chosen || undefined}>
              <td class="choice">
                <input
                  type="checkbox"
                  aria-label={`Compare ${task.name ?? task.id}`}
                  checked={chosen}
                  disabled={!chosen && selection.isFull}
                  onChange={() => {
                    selection.toggle(task.id);
                  }}
                />
              </td>
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
