/** One metric as a chart: its lines, a legend with values, and its points as a table for who cannot read a canvas. */
import { useEffect, useRef, useState } from "preact/hooks";
import { lastPoint, type Chart, type ChartLine } from "../data/chart-data.js";
import { formatClock, formatCount, formatNumber } from "../format.js";
import { drawChart, lineColour, type DrawnChart } from "./drawn-chart.js";

export interface MetricChartProps {
  readonly chart: Chart;
  /** Number of each line's colour, in the order of the lines. */
  readonly colours: readonly number[];
  /** True when x is a time. */
  readonly time: boolean;
  readonly logarithmic: boolean;
}

export function MetricChart({ chart, colours, time, logarithmic }: MetricChartProps) {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [hovered, setHovered] = useState<HoveredValues | undefined>(undefined);
  const [showsTable, setShowsTable] = useState(false);
  const points = Math.max(0, ...chart.lines.map((line) => line.x.length));

  return (
    <figure class="chart" data-metric={chart.title} aria-label={summary(chart)}>
      <figcaption>
        <h3>{chart.title}</h3>
        <button
          type="button"
          class="quiet"
          aria-expanded={showsTable}
          onClick={() => {
            setShowsTable(!showsTable);
          }}
        >
          {showsTable ? "Chart" : "Data"}
        </button>
      </figcaption>
      {showsTable ? (
        <PointTable lines={chart.lines} time={time} />
      ) : (
        <Plot chart={chart} colours={colours} time={time} logarithmic={logarithmic} hidden={hidden} onHover={setHovered} />
      )}
      <ul class="legend">
        {chart.lines.map((line, index) => {
          const shown = !hidden.has(line.name);
          const value = hovered === undefined ? lastPoint(line)?.y : hovered.values.get(line.name);
          return (
            <li key={line.name}>
              <button
                type="button"
                aria-pressed={shown}
                title={shown ? `Hide ${line.name}` : `Show ${line.name}`}
                data-series={line.name}
                data-points={line.x.length}
                onClick={() => {
                  const next = new Set(hidden);
                  if (!next.delete(line.name)) next.add(line.name);
                  setHidden(next);
                }}
              >
                <span class="swatch" style={{ background: lineColour(colours[index] ?? 0) }} />
                <span class="legend-name">{line.name}</span>
                <span class="legend-value">{formatNumber(value)}</span>
              </button>
            </li>
          );
        })}
        <li class="legend-x">
          {hovered === undefined
            ? `${formatCount(points)} ${points === 1 ? "point" : "points"}`
            : time
              ? formatClock(hovered.x)
              : `iteration ${formatCount(hovered.x)}`}
        </li>
      </ul>
    </figure>
  );
}

interface HoveredValues {
  readonly x: number;
  readonly values: ReadonlyMap<string, number | null>;
}

interface PlotProps extends MetricChartProps {
  readonly hidden: ReadonlySet<string>;
  readonly onHover: (values: HoveredValues | undefined) => void;
}

/** The canvas. It is made once for each shape of chart and then only given new data. */
function Plot({ chart, colours, time, logarithmic, hidden, onHover }: PlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const drawn = useRef<DrawnChart | undefined>(undefined);
  const latest = useRef({ chart, hidden, colours });
  latest.current = { chart, hidden, colours };
  const shape = JSON.stringify([chart.lines.map((line) => line.name), colours, time, logarithmic]);

  useEffect(() => {
    if (!host.current) return undefined;
    const { lines } = latest.current.chart;
    const instance = drawChart(host.current, lines, {
      colours: latest.current.colours,
      time,
      logarithmic,
      onHover: (x, values) => {
        onHover(x === undefined ? undefined : { x, values: new Map(lines.map((line, index) => [line.name, values[index] ?? null])) });
      },
    });
    drawn.current = instance;
    for (const [index, line] of lines.entries()) instance.show(index, !latest.current.hidden.has(line.name));
    return () => {
      instance.destroy();
      drawn.current = undefined;
    };
  }, [shape]);

  useEffect(() => {
    drawn.current?.update(chart.lines);
  }, [chart]);

  useEffect(() => {
    for (const [index, line] of latest.current.chart.lines.entries()) drawn.current?.show(index, !hidden.has(line.name));
  }, [hidden]);

  return <div class="plot" ref={host} />;
}

/** Rows shown of a chart's points; the newest, since older ones are what the chart is for. */
const TABLE_ROWS = 200;

function PointTable({ lines, time }: { readonly lines: readonly ChartLine[]; readonly time: boolean }) {
  const byX = new Map<number, Map<string, number | null>>();
  for (const line of lines) {
    for (const [index, x] of line.x.entries()) {
      const row = byX.get(x) ?? new Map<string, number | null>();
      row.set(line.name, line.y[index] ?? null);
      byX.set(x, row);
    }
  }
  const rows = [...byX].sort(([a], [b]) => b - a).slice(0, TABLE_ROWS);
  return (
    <div class="plot points" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{time ? "Time" : "Iteration"}</th>
            {lines.map((line) => (
              <th key={line.name} scope="col">
                {line.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([x, values]) => (
            <tr key={x}>
              <th scope="row">{time ? formatClock(x) : formatCount(x)}</th>
              {lines.map((line) => (
                <td key={line.name}>{formatNumber(values.get(line.name))}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function summary(chart: Chart): string {
  const parts = chart.lines.map((line) => {
    const last = lastPoint(line);
    return last === undefined ? `${line.name}: no value` : `${line.name}: ${formatNumber(last.y)}`;
  });
  return `Chart of ${chart.title}. Last values: ${parts.join(", ")}`;
}
