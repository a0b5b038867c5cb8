/**
 * One metric as a chart: its lines, a legend with values, and its points as a table for who cannot read a canvas. Until it
 * comes into view it is a title that holds its place: nothing is read or drawn for it.
 */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { lastPoint, type Chart, type ChartOutline, type LineStyle } from "../data/chart-data.js";
import { useChart } from "../data/chart-queries.js";
import type { ChartReader } from "../data/chart-reader.js";
import type { ChartSettings } from "../data/chart-settings.js";
import { smooth } from "../data/smoothing.js";
import { useShownTheme } from "../data/theme.js";
import { formatCount, formatNumber } from "../format.js";
import { useInView } from "../parts/use-in-view.js";
import { drawChart, lineColour, type DrawnChart } from "./drawn-chart.js";
import { formatX, PointTable } from "./point-table.js";

export interface MetricChartProps {
  readonly outline: ChartOutline;
  readonly styles: readonly LineStyle[];
  readonly reader: ChartReader;
  readonly settings: ChartSettings;
  /** Ids of tasks whose lines are left out. */
  readonly hiddenTasks: ReadonlySet<string>;
}

export function MetricChart({ outline, styles, reader, settings, hiddenTasks }: MetricChartProps) {
  const figure = useRef<HTMLElement>(null);
  const { inView, heightPx } = useInView(figure);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [showsTable, setShowsTable] = useState(false);
  const [isLarge, setLarge] = useState(false);
  const hiddenNames = useMemo(
    () => new Set(outline.lines.filter(({ name, task }) => hidden.has(name) || hiddenTasks.has(task ?? "")).map(({ name }) => name)),
    [outline, hidden, hiddenTasks],
  );
  return (
    <figure
      class="chart"
      ref={figure}
      data-metric={outline.title}
      data-large={isLarge || undefined}
      aria-label={`Chart of ${outline.title}`}
      style={inView ? {} : { minHeight: `${String(heightPx ?? 280)}px` }}
    >
      <figcaption>
        <h3>{outline.title}</h3>
        <span class="chart-buttons">
          <button
            type="button"
            class="quiet"
            aria-pressed={isLarge}
            onClick={() => {
              setLarge(!isLarge);
            }}
          >
            {isLarge ? "Smaller" : "Larger"}
          </button>
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
        </span>
      </figcaption>
      {inView && (
        <ChartBody
          outline={outline}
          styles={styles}
          reader={reader}
          settings={settings}
          showsTable={showsTable}
          hidden={hiddenNames}
          onToggle={(name) => {
            const next = new Set(hidden);
            if (!next.delete(name)) next.add(name);
            setHidden(next);
          }}
        />
      )}
    </figure>
  );
}

interface HoveredValues {
  readonly x: number;
  readonly values: ReadonlyMap<string, number | null>;
}

interface ChartBodyProps extends Omit<MetricChartProps, "hiddenTasks"> {
  readonly showsTable: boolean;
  readonly hidden: ReadonlySet<string>;
  readonly onToggle: (name: string) => void;
}

function ChartBody({ outline, styles, reader, settings, showsTable, hidden, onToggle }: ChartBodyProps) {
  const chart = useChart(reader, outline.title);
  const [hovered, setHovered] = useState<HoveredValues | undefined>(undefined);
  const { axis, smoothing } = settings;
  const points = Math.max(0, ...(chart?.lines ?? []).map((line) => line.x.length));
  const last = useMemo(
    () => new Map(chart?.lines.map((line) => [line.name, lastPoint({ ...line, y: smooth(line.y, smoothing) })?.y])),
    [chart, smoothing],
  );
  return (
    <>
      {chart === undefined ? (
        <p class="plot plot-waits" role="status">
          {reader.error === undefined ? "" : `Could not read this chart: ${reader.error.message}`}
        </p>
      ) : showsTable ? (
        <PointTable lines={chart.lines} axis={axis} />
      ) : (
        <Plot chart={chart} styles={stylesOf(chart, outline, styles)} settings={settings} hidden={hidden} onHover={setHovered} />
      )}
      <ul class="legend">
        {outline.lines.map(({ name }, index) => {
          const shown = !hidden.has(name);
          const value = hovered === undefined ? last.get(name) : hovered.values.get(name);
          return (
            <li key={name}>
              <button
                type="button"
                aria-pressed={shown}
                title={shown ? `Hide ${name}` : `Show ${name}`}
                data-series={name}
                data-points={chart?.lines.find((line) => line.name === name)?.x.length}
                onClick={() => {
                  onToggle(name);
                }}
              >
                <span
                  class="swatch"
                  data-dashed={(styles[index]?.dash ?? 0) > 0 || undefined}
                  style={{ color: lineColour(styles[index]?.colour ?? 0) }}
                />
                <span class="legend-name">{name}</span>
                <span class="legend-value">{formatNumber(value)}</span>
              </button>
            </li>
          );
        })}
        <li class="legend-x">
          {hovered === undefined ? chart && `${formatCount(points)} ${points === 1 ? "point" : "points"}` : formatX(hovered.x, axis)}
        </li>
      </ul>
    </>
  );
}

/** The styles belong to the outline; a line that appeared since it was read waits for the next one. */
function stylesOf(chart: Chart, outline: ChartOutline, styles: readonly LineStyle[]): LineStyle[] {
  const byName = new Map(outline.lines.map((line, index) => [line.name, styles[index]]));
  return chart.lines.map((line) => byName.get(line.name) ?? { colour: 0, dash: 0 });
}

interface PlotProps {
  readonly chart: Chart;
  readonly styles: readonly LineStyle[];
  readonly settings: ChartSettings;
  readonly hidden: ReadonlySet<string>;
  readonly onHover: (values: HoveredValues | undefined) => void;
}

/** The canvas. It is made once for each shape of chart and then only given new data. */
function Plot({ chart, styles, settings, hidden, onHover }: PlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const drawn = useRef<DrawnChart | undefined>(undefined);
  const theme = useShownTheme();
  const latest = useRef({ chart, hidden, styles, settings });
  latest.current = { chart, hidden, styles, settings };
  const { axis, logarithmic, smoothing } = settings;
  const shape = JSON.stringify([chart.lines.map((line) => line.name), styles, axis, logarithmic, smoothing > 0, theme]);

  useEffect(() => {
    if (!host.current) return undefined;
    const { lines } = latest.current.chart;
    const instance = drawChart(host.current, lines, {
      styles: latest.current.styles,
      axis,
      logarithmic,
      isSmoothed: smoothing > 0,
      smoothing,
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
    drawn.current?.update(chart.lines, smoothing);
  }, [chart, smoothing]);

  useEffect(() => {
    for (const [index, line] of latest.current.chart.lines.entries()) drawn.current?.show(index, !hidden.has(line.name));
  }, [hidden]);

  return <div class="plot" ref={host} />;
}
