/** Every scalar of a task: a summary of single values, then one chart for each metric. */
import { useState } from "preact/hooks";
import { assignColours, compareNames, type Chart } from "../data/chart-data.js";
import type { SingleValueDocument, TaskDocument } from "../data/documents.js";
import { useCharts, useSingleValues, type XAxis } from "../data/queries.js";
import { formatCount, formatNumber } from "../format.js";
import { EmptyState, Loaded } from "../parts/notice.js";
import { MetricChart } from "./metric-chart.js";

export function ScalarsTab({ task }: { readonly task: TaskDocument }) {
  const [xAxis, setXAxis] = useState<XAxis>("iter");
  const [logarithmic, setLogarithmic] = useState(false);
  const [search, setSearch] = useState("");
  const charts = useCharts(task.id, xAxis);
  const singles = useSingleValues(task.id);

  return (
    <Loaded resource={charts} what="the scalars">
      {(all) => {
        const values = singles.value ?? [];
        if (all.length === 0 && values.length === 0) return <NoScalars />;
        const wanted = search.trim().toLowerCase();
        const shown = all.filter((chart) => wanted === "" || chart.title.toLowerCase().includes(wanted));
        return (
          <>
            {values.length > 0 && <SummaryTable values={values} />}
            {all.length > 0 && (
              <div class="toolbar">
                <input
                  type="search"
                  aria-label="Filter charts by metric"
                  placeholder="Filter metrics"
                  value={search}
                  onInput={(event) => {
                    setSearch(event.currentTarget.value);
                  }}
                />
                <div class="segmented" role="group" aria-label="Horizontal axis">
                  <AxisButton axis="iter" current={xAxis} onChoose={setXAxis} label="Iteration" />
                  <AxisButton axis="iso_time" current={xAxis} onChoose={setXAxis} label="Time" />
                </div>
                <label class="check">
                  <input
                    type="checkbox"
                    checked={logarithmic}
                    onChange={(event) => {
                      setLogarithmic(event.currentTarget.checked);
                    }}
                  />
                  Log scale
                </label>
                <span class="toolbar-note">
                  {formatCount(shown.length)} {shown.length === 1 ? "chart" : "charts"}
                </span>
              </div>
            )}
            <ChartGrid charts={shown} all={all} xAxis={xAxis} logarithmic={logarithmic} />
          </>
        );
      }}
    </Loaded>
  );
}

interface ChartGridProps {
  readonly charts: readonly Chart[];
  readonly all: readonly Chart[];
  readonly xAxis: XAxis;
  readonly logarithmic: boolean;
}

function ChartGrid({ charts, all, xAxis, logarithmic }: ChartGridProps) {
  const colours = assignColours(all);
  return (
    <div class="charts">
      {charts.map((chart) => (
        <MetricChart
          key={chart.title}
          chart={chart}
          colours={colours.get(chart.title) ?? []}
          time={xAxis === "iso_time"}
          logarithmic={logarithmic}
        />
      ))}
    </div>
  );
}

interface AxisButtonProps {
  readonly axis: XAxis;
  readonly current: XAxis;
  readonly label: string;
  readonly onChoose: (axis: XAxis) => void;
}

function AxisButton({ axis, current, label, onChoose }: AxisButtonProps) {
  return (
    <button
      type="button"
      aria-pressed={axis === current}
      onClick={() => {
        onChoose(axis);
      }}
    >
      {label}
    </button>
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
