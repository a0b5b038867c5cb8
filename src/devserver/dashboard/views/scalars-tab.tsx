/** Every scalar of a task: a summary of single values, then one chart for each metric. */
import { compareNames } from "../data/chart-data.js";
import { useChartOutlines } from "../data/chart-queries.js";
import type { SingleValueDocument, TaskDocument } from "../data/documents.js";
import { useSingleValues } from "../data/queries.js";
import { formatNumber } from "../format.js";
import { EmptyState, Loaded } from "../parts/notice.js";
import { ChartGrid } from "./chart-grid.js";

const NOTHING_HIDDEN: ReadonlySet<string> = new Set();

export function ScalarsTab({ task }: { readonly task: TaskDocument }) {
  const tasks = [task];
  const outlines = useChartOutlines(tasks);
  const singles = useSingleValues(task.id);

  return (
    <Loaded resource={outlines} what="the scalars">
      {(all) => {
        const values = singles.value ?? [];
        if (all.length === 0 && values.length === 0) return <NoScalars />;
        return (
          <>
            {values.length > 0 && <SummaryTable values={values} />}
            {all.length > 0 && <ChartGrid tasks={tasks} outlines={all} hiddenTasks={NOTHING_HIDDEN} />}
          </>
        );
      }}
    </Loaded>
  );
}

function SummaryTable({ values }: { readonly values: readonly SingleValueDocument[] }) {
  const sorted = [...values].sort((a, b) => compareNames(a.variant, b.variant));
  return (
    <dl class="summary" aria-label="Single values">
      {sorted.map((value) => (
        <div key={`${value.metric}/${value.variant}`}>
          <dt>{value.metric === "Summary" ? value.variant : `${value.metric} ${value.variant}`}</dt>
          <dd title={String(value.value)}>{formatNumber(value.value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function NoScalars() {
  return (
    <EmptyState title="No scalars yet">
      <p class="muted">
        Report some with <code>sdk.reportProgress({"{ epoch, metrics }"})</code>; the charts draw themselves while the task runs.
      </p>
    </EmptyState>
  );
}
