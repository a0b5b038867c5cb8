/** A chart's points as a table, for who cannot read a canvas or wants the digits. */
import type { ChartLine } from "../data/chart-data.js";
import type { XAxis } from "../data/chart-settings.js";
import { formatClock, formatCount, formatDuration, formatNumber } from "../format.js";

/** Rows shown of a chart's points; the newest, since older ones are what the chart is for. */
const ROWS = 200;

const X_NAMES: Readonly<Record<XAxis, string>> = { iteration: "Iteration", relative: "Since start", wall: "Time" };

/** A place on the axis, in words. */
export function formatX(x: number, axis: XAxis): string {
  if (axis === "iteration") return `iteration ${formatCount(x)}`;
  return axis === "wall" ? formatClock(x) : formatDuration(x);
}

export function PointTable({ lines, axis }: { readonly lines: readonly ChartLine[]; readonly axis: XAxis }) {
  const byX = new Map<number, Map<string, number | null>>();
  for (const line of lines) {
    for (const [index, x] of line.x.entries()) {
      const row = byX.get(x) ?? new Map<string, number | null>();
      row.set(line.name, line.y[index] ?? null);
      byX.set(x, row);
    }
  }
  const rows = [...byX].sort(([a], [b]) => b - a).slice(0, ROWS);
  return (
    <div class="plot points" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{X_NAMES[axis]}</th>
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
              <th scope="row">{axis === "iteration" ? formatCount(x) : formatX(x, axis)}</th>
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
