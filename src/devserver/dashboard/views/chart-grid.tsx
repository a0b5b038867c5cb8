/** Charts of one task or of several, with the controls that are common to all of them. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { assignColours, comparedStyles, type ChartOutline } from "../data/chart-data.js";
import { useChartReader } from "../data/chart-queries.js";
import { parseSettings, settingsQuery, type ChartSettings, type XAxis } from "../data/chart-settings.js";
import type { TaskDocument } from "../data/documents.js";
import { useShortcuts } from "../data/shortcuts.js";
import { formatCount } from "../format.js";
import { useQuery } from "../navigation.js";
import { MetricChart } from "./metric-chart.js";

const AXES: readonly { readonly axis: XAxis; readonly label: string }[] = [
  { axis: "iteration", label: "Iteration" },
  { axis: "relative", label: "Relative" },
  { axis: "wall", label: "Time" },
];

export interface ChartGridProps {
  readonly tasks: readonly TaskDocument[];
  readonly outlines: readonly ChartOutline[];
  /** Ids of tasks whose lines are left out. */
  readonly hiddenTasks: ReadonlySet<string>;
}

export function ChartGrid({ tasks, outlines, hiddenTasks }: ChartGridProps) {
  const [query, changeQuery] = useQuery();
  const settings = useMemo(() => parseSettings(query), [query]);
  const search = query.get("find") ?? "";
  const reader = useChartReader(tasks, settings.axis, outlines);
  const wanted = search.trim().toLowerCase();
  const shown = outlines.filter(
    ({ title, lines }) =>
      wanted === "" || title.toLowerCase().includes(wanted) || lines.some(({ name }) => name.toLowerCase().includes(wanted)),
  );
  const styles = useMemo(() => stylesOf(outlines, tasks), [outlines, tasks]);
  const change = (changes: (now: ChartSettings) => Partial<ChartSettings>): void => {
    changeQuery((now) => {
      const before = parseSettings(now);
      return settingsQuery({ ...before, ...changes(before) });
    });
  };
  useShortcuts("Charts", [
    { keys: "l", does: "Logarithmic axis on or off", run: () => change((now) => ({ logarithmic: !now.logarithmic })) },
    { keys: "x", does: "Next horizontal axis", run: () => change((now) => ({ axis: nextAxis(now.axis) })) },
    { keys: "+", does: "Smooth more", run: () => change((now) => ({ smoothing: step(now.smoothing, 0.1) })) },
    { keys: "-", does: "Smooth less", run: () => change((now) => ({ smoothing: step(now.smoothing, -0.1) })) },
  ]);
  return (
    <>
      <div class="toolbar">
        <input
          type="search"
          aria-label="Filter charts by metric or line"
          placeholder="Filter metrics"
          value={search}
          onInput={(event) => {
            changeQuery({ find: event.currentTarget.value === "" ? undefined : event.currentTarget.value });
          }}
        />
        <div class="segmented" role="group" aria-label="Horizontal axis">
          {AXES.map(({ axis, label }) => (
            <button key={axis} type="button" aria-pressed={axis === settings.axis} onClick={() => change(() => ({ axis }))}>
              {label}
            </button>
          ))}
        </div>
        <SmoothingSlider value={settings.smoothing} onChange={(smoothing) => change(() => ({ smoothing }))} />
        <label class="check">
          <input
            type="checkbox"
            checked={settings.logarithmic}
            onChange={(event) => {
              const logarithmic = event.currentTarget.checked;
              change(() => ({ logarithmic }));
            }}
          />
          Log scale
        </label>
        <span class="toolbar-note">
          {formatCount(shown.length)} {shown.length === 1 ? "chart" : "charts"}
        </span>
      </div>
      <div class="charts">
        {shown.map((outline) => (
          <MetricChart
            key={outline.title}
            outline={outline}
            styles={styles.get(outline.title) ?? []}
            reader={reader}
            settings={settings}
            hiddenTasks={hiddenTasks}
          />
        ))}
      </div>
    </>
  );
}

function stylesOf(outlines: readonly ChartOutline[], tasks: readonly TaskDocument[]) {
  if (tasks.length > 1) {
    const ids = tasks.map((task) => task.id);
    return new Map(outlines.map((outline) => [outline.title, comparedStyles(outline, ids)]));
  }
  const colours = assignColours(outlines);
  return new Map([...colours].map(([title, each]) => [title, each.map((colour) => ({ colour, dash: 0 }))]));
}

function nextAxis(axis: XAxis): XAxis {
  const at = AXES.findIndex((each) => each.axis === axis);
  return AXES[(at + 1) % AXES.length]?.axis ?? "iteration";
}

function step(value: number, by: number): number {
  return Math.min(0.99, Math.max(0, Math.round((value + by) * 100) / 100));
}

interface SmoothingSliderProps {
  readonly value: number;
  readonly onChange: (value: number) => void;
}

/** Follows the pointer at once and tells the page once a frame. */
function SmoothingSlider({ value, onChange }: SmoothingSliderProps) {
  const [dragged, setDragged] = useState<number | undefined>(undefined);
  useEffect(() => {
    if (dragged === undefined) return undefined;
    const frame = requestAnimationFrame(() => {
      onChange(dragged);
      setDragged(undefined);
    });
    return () => {
      cancelAnimationFrame(frame);
    };
  }, [dragged]);
  const shown = dragged ?? value;
  return (
    <label class="slider">
      Smoothing
      <input
        type="range"
        min="0"
        max="0.99"
        step="0.01"
        value={shown}
        aria-valuetext={shown === 0 ? "off" : String(shown)}
        onInput={(event) => {
          setDragged(Number(event.currentTarget.value));
        }}
      />
      <output>{shown === 0 ? "off" : shown.toFixed(2)}</output>
    </label>
  );
}
