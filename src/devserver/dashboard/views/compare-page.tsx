/** Several tasks side by side: their scalars in common charts, their figures beside each other, what they were started with. */
import { useContext, useState } from "preact/hooks";
import { taskLabels } from "../data/chart-data.js";
import { useChartOutlines } from "../data/chart-queries.js";
import type { TaskDocument } from "../data/documents.js";
import { useSingleValues, useTasksById } from "../data/queries.js";
import { useShortcuts } from "../data/shortcuts.js";
import { MOST_COMPARED } from "../data/use-selection.js";
import { useTitle } from "../data/use-title.js";
import { Link, NavigateContext } from "../navigation.js";
import { EmptyState, Loaded } from "../parts/notice.js";
import { StatusBadge } from "../parts/status-badge.js";
import { COMPARE_TABS, type CompareTab } from "../route.js";
import { ChartGrid } from "./chart-grid.js";
import { CompareConfiguration } from "./compare-configuration.js";
import { lineColour } from "./drawn-chart.js";
import { PlotsTab } from "./plots-tab.js";
import { SamplesTab } from "./samples-tab.js";
import { SummaryTable } from "./single-values.js";

const TAB_WORDS: Readonly<Record<CompareTab, string>> = {
  scalars: "Scalars",
  plots: "Plots",
  samples: "Debug samples",
  configuration: "Configuration",
};

export interface ComparePageProps {
  readonly project: string;
  readonly ids: readonly string[];
  readonly tab: CompareTab;
}

export function ComparePage({ project, ids: given, tab }: ComparePageProps) {
  const ids = given.slice(0, MOST_COMPARED);
  useTitle(`Comparison of ${String(ids.length)} tasks`);
  const tasks = useTasksById(ids);
  const navigate = useContext(NavigateContext);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const turn = (by: number): void => {
    const next = COMPARE_TABS[(COMPARE_TABS.indexOf(tab) + by + COMPARE_TABS.length) % COMPARE_TABS.length];
    if (next !== undefined) navigate?.({ view: "compare", project, tasks: ids, tab: next });
  };
  useShortcuts("Comparison", [
    { keys: "]", does: "Next tab", run: () => turn(1) },
    { keys: "[", does: "Tab before", run: () => turn(-1) },
  ]);
  return (
    <main data-view="compare">
      <header class="task-head">
        <p class="crumbs">
          <Link to={{ view: "tasks", project }}>Tasks</Link>
        </p>
        <h1>Comparison</h1>
      </header>
      <Loaded resource={tasks} what="the tasks">
        {(found) => (
          <>
            {given.length > ids.length && <p class="reason">Only the first {MOST_COMPARED} of the tasks are compared.</p>}
            {found.length < ids.length && <p class="reason">{ids.length - found.length} of the tasks are no longer there.</p>}
            <ComparedTasks
              tasks={found}
              project={project}
              tab={tab}
              hidden={hidden}
              onToggle={(id) => {
                const next = new Set(hidden);
                if (!next.delete(id)) next.add(id);
                setHidden(next);
              }}
            />
            <nav class="tabs" aria-label="Comparison">
              {COMPARE_TABS.map((name) => (
                <Link key={name} to={{ view: "compare", project, tasks: ids, tab: name }} current={name === tab && "page"}>
                  {TAB_WORDS[name]}
                </Link>
              ))}
            </nav>
            <section aria-label={TAB_WORDS[tab]}>
              <TabContent tasks={found} tab={tab} hidden={hidden} />
            </section>
          </>
        )}
      </Loaded>
    </main>
  );
}

interface ComparedTasksProps {
  readonly tasks: readonly TaskDocument[];
  readonly project: string;
  readonly tab: CompareTab;
  readonly hidden: ReadonlySet<string>;
  readonly onToggle: (id: string) => void;
}

/** Which colour is which task; each can be hidden, or taken out of the comparison. */
function ComparedTasks({ tasks, project, tab, hidden, onToggle }: ComparedTasksProps) {
  const labels = taskLabels(tasks);
  return (
    <ul class="compared" aria-label="Compared tasks">
      {tasks.map((task, index) => {
        const label = labels.get(task.id) ?? task.id;
        const shown = !hidden.has(task.id);
        return (
          <li key={task.id} data-task={task.id}>
            <button
              type="button"
              class="compared-name"
              aria-pressed={shown}
              title={shown ? `Hide ${label}` : `Show ${label}`}
              onClick={() => {
                onToggle(task.id);
              }}
            >
              <span class="swatch" style={{ color: lineColour(index) }} />
              <span class="legend-name">{label}</span>
            </button>
            <StatusBadge status={task.status} />
            <Link to={{ view: "task", project: task.project ?? "*", task: task.id, tab: "scalars", item: undefined }}>Open</Link>
            {tasks.length > 2 && (
              <Link to={{ view: "compare", project, tasks: tasks.map((each) => each.id).filter((id) => id !== task.id), tab }}>Remove</Link>
            )}
          </li>
        );
      })}
    </ul>
  );
}

interface TabContentProps {
  readonly tasks: readonly TaskDocument[];
  readonly tab: CompareTab;
  readonly hidden: ReadonlySet<string>;
}

function TabContent({ tasks, tab, hidden }: TabContentProps) {
  const shown = tasks.filter((task) => !hidden.has(task.id));
  switch (tab) {
    case "scalars":
      return <ComparedScalars tasks={tasks} hidden={hidden} />;
    case "plots":
      return <PlotsTab tasks={shown} />;
    case "samples":
      return <SamplesTab tasks={shown} />;
    case "configuration":
      return <CompareConfiguration tasks={tasks} />;
  }
}

function ComparedScalars({ tasks, hidden }: { readonly tasks: readonly TaskDocument[]; readonly hidden: ReadonlySet<string> }) {
  const outlines = useChartOutlines(tasks);
  const singles = useSingleValues(tasks.map((task) => task.id));
  return (
    <Loaded resource={outlines} what="the scalars">
      {(all) => {
        const values = singles.value ?? [];
        if (all.length === 0 && values.length === 0) {
          return (
            <EmptyState title="No scalars yet">
              <p class="muted">None of these tasks has reported any.</p>
            </EmptyState>
          );
        }
        return (
          <>
            {values.length > 0 && <SummaryTable tasks={tasks.filter((task) => !hidden.has(task.id))} values={values} />}
            {all.length > 0 && <ChartGrid tasks={tasks} outlines={all} hiddenTasks={hidden} />}
          </>
        );
      }}
    </Loaded>
  );
}
