/** Every scalar of a task: a summary of single values, then one chart for each metric. */
import { useChartOutlines } from "../data/chart-queries.js";
import type { TaskDocument } from "../data/documents.js";
import { useSingleValues } from "../data/queries.js";
import { EmptyState, Loaded } from "../parts/notice.js";
import { ChartGrid } from "./chart-grid.js";
import { SummaryTiles } from "./single-values.js";

const NOTHING_HIDDEN: ReadonlySet<string> = new Set();

export function ScalarsTab({ task }: { readonly task: TaskDocument }) {
  const tasks = [task];
  const outlines = useChartOutlines(tasks);
  const singles = useSingleValues([task.id]);

  return (
    <Loaded resource={outlines} what="the scalars">
      {(all) => {
        const values = singles.value?.[0]?.values ?? [];
        if (all.length === 0 && values.length === 0) return <NoScalars />;
        return (
          <>
            {values.length > 0 && <SummaryTiles values={values} />}
            {all.length > 0 && <ChartGrid tasks={tasks} outlines={all} hiddenTasks={NOTHING_HIDDEN} />}
          </>
        );
      }}
    </Loaded>
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
