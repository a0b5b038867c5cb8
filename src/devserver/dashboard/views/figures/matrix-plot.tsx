/** A matrix as coloured cells, such as a confusion matrix; with its numbers where they have room. */
import { useMemo, useRef, useState } from "preact/hooks";
import { colourAt, isLight } from "../../data/figures/colour-scale.js";
import type { MatrixPanel } from "../../data/figures/figure.js";
import { formatNumber } from "../../format.js";
import { useWidth } from "../../parts/use-width.js";

/** A cell is no higher than this, and a drawing no higher than that. */
const MOST_CELL_PX = 44;
const MOST_HEIGHT_PX = 460;

/** Room that a number needs in its cell. */
const NUMBER_PX = 34;
const NUMBER_HEIGHT_PX = 15;

const SCALE_PX = 74;

export function MatrixPlot({ panel, title }: { readonly panel: MatrixPanel; readonly title: string }) {
  const host = useRef<HTMLDivElement>(null);
  const width = useWidth(host);
  const [cell, setCell] = useState<{ readonly row: number; readonly column: number } | undefined>(undefined);
  const [low, high] = useMemo(() => extent(panel.values), [panel]);
  const image = useMemo(() => paint(panel, low, high), [panel, low, high]);

  const columns = panel.columns.length;
  const rows = panel.rows.length;
  const left = Math.min(width / 3, 14 + 6.4 * Math.min(18, longest(panel.rows))) + (panel.yTitle === undefined ? 0 : 18);
  const plotWidth = Math.max(20, Math.min(width - left - SCALE_PX, columns * MOST_CELL_PX * 2));
  const plotHeight = Math.max(40, Math.min(MOST_HEIGHT_PX, rows * MOST_CELL_PX));
  const cellWidth = plotWidth / columns;
  const cellHeight = plotHeight / rows;
  const top = 8;
  const bottom = top + plotHeight;
  // Short names, such as numbers, are thinned out rather than turned.
  const turned = longest(panel.columns) > 4 && longest(panel.columns) * 6.4 > cellWidth - 6;
  const labelHeight = turned ? 12 + 4.6 * Math.min(14, longest(panel.columns)) : 22;
  const height = bottom + labelHeight + (panel.xTitle === undefined ? 6 : 24);
  const showsNumbers = cellWidth >= NUMBER_PX && cellHeight >= NUMBER_HEIGHT_PX;
  const share = (value: number): number => (high > low ? (value - low) / (high - low) : 0.5);

  return (
    <>
      <div class="figure-plot" ref={host}>
        {width > 0 && (
          <svg
            width={width}
            height={height}
            role="img"
            aria-label={`Figure ${title}, ${String(rows)} rows and ${String(columns)} columns`}
            onPointerMove={(event) => {
              const box = event.currentTarget.getBoundingClientRect();
              const column = Math.floor((event.clientX - box.left - left) / cellWidth);
              const row = Math.floor((event.clientY - box.top - top) / cellHeight);
              setCell(column >= 0 && column < columns && row >= 0 && row < rows ? { row, column } : undefined);
            }}
            onPointerLeave={() => {
              setCell(undefined);
            }}
          >
            <image class="matrix-image" href={image} x={left} y={top} width={plotWidth} height={plotHeight} preserveAspectRatio="none" />
            <g class="figure-axes" aria-hidden="true">
              {thinned(panel.rows, plotHeight, 14).map(({ name, index }) => (
                <text key={index} x={left - 7} y={top + (index + 0.5) * cellHeight} dy="0.35em" text-anchor="end">
                  {shorten(name, 18)}
                </text>
              ))}
              {thinned(panel.columns, plotWidth, turned ? 16 : longest(panel.columns) * 6.4 + 8).map(({ name, index }) => {
                const x = left + (index + 0.5) * cellWidth;
                return turned ? (
                  <text key={index} text-anchor="end" transform={`translate(${String(x + 3)} ${String(bottom + 11)}) rotate(-40)`}>
                    {shorten(name, 14)}
                  </text>
                ) : (
                  <text key={index} x={x} y={bottom + 16} text-anchor="middle">
                    {name}
                  </text>
                );
              })}
              {panel.xTitle !== undefined && (
                <text class="axis-title" x={left + plotWidth / 2} y={height - 6} text-anchor="middle">
                  {panel.xTitle}
                </text>
              )}
              {panel.yTitle !== undefined && (
                <text class="axis-title" text-anchor="middle" transform={`translate(12 ${String(top + plotHeight / 2)}) rotate(-90)`}>
                  {panel.yTitle}
                </text>
              )}
            </g>
            {showsNumbers && (
              <g class="matrix-numbers">
                {panel.values.flatMap((row, at) =>
                  row.map((value, column) =>
                    value === null ? null : (
                      <text
                        key={`${String(at)} ${String(column)}`}
                        x={left + (column + 0.5) * cellWidth}
                        y={top + (at + 0.5) * cellHeight}
                        dy="0.35em"
                        text-anchor="middle"
                        fill={isLight(colourAt(panel.colours, share(value))) ? "#171a21" : "#ffffff"}
                      >
                        {formatNumber(value)}
                      </text>
                    ),
                  ),
                )}
              </g>
            )}
            <ColourKey panel={panel} low={low} high={high} x={left + plotWidth + 12} top={top} height={plotHeight} />
            {cell && (
              <rect class="near" x={left + cell.column * cellWidth} y={top + cell.row * cellHeight} width={cellWidth} height={cellHeight} />
            )}
          </svg>
        )}
      </div>
      <p class="legend legend-x" aria-live="off">
        {cell &&
          `${panel.rows[cell.row] ?? ""}, ${panel.columns[cell.column] ?? ""}: ${formatNumber(panel.values[cell.row]?.[cell.column])}`}{" "}
      </p>
      {panel.note !== undefined && <p class="figure-note">{panel.note}</p>}
    </>
  );
}

interface ColourKeyProps {
  readonly panel: MatrixPanel;
  readonly low: number;
  readonly high: number;
  readonly x: number;
  readonly top: number;
  readonly height: number;
}

function ColourKey({ panel, low, high, x, top, height }: ColourKeyProps) {
  const steps = 24;
  return (
    <g class="figure-axes" aria-hidden="true">
      {Array.from({ length: steps }, (_none, step) => (
        <rect
          key={step}
          x={x}
          y={top + (step * height) / steps}
          width="8"
          height={height / steps + 0.5}
          fill={`rgb(${colourAt(panel.colours, 1 - (step + 0.5) / steps).join(" ")})`}
        />
      ))}
      <text x={x + 12} y={top + 9}>
        {formatNumber(high)}
      </text>
      <text x={x + 12} y={top + height}>
        {formatNumber(low)}
      </text>
    </g>
  );
}

/** One pixel for each cell, as an image that the drawing stretches; an empty cell is clear. */
function paint(panel: MatrixPanel, low: number, high: number): string {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, panel.columns.length);
  canvas.height = Math.max(1, panel.rows.length);
  const context = canvas.getContext("2d");
  if (!context) return "";
  const pixels = context.createImageData(canvas.width, canvas.height);
  for (const [row, values] of panel.values.entries()) {
    for (const [column, value] of values.entries()) {
      if (value === null) continue;
      const colour = colourAt(panel.colours, high > low ? (value - low) / (high - low) : 0.5);
      pixels.data.set([...colour, 255], (row * canvas.width + column) * 4);
    }
  }
  context.putImageData(pixels, 0, 0);
  return canvas.toDataURL();
}

function extent(values: MatrixPanel["values"]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const row of values) {
    for (const value of row) {
      if (value === null) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return low > high ? [0, 1] : [low, high];
}

/** As many of the names as have room. */
function thinned(names: readonly string[], roomPx: number, eachPx: number): { readonly name: string; readonly index: number }[] {
  const step = Math.max(1, Math.ceil((names.length * eachPx) / roomPx));
  return names.flatMap((name, index) => (index % step === 0 ? [{ name, index }] : []));
}

function longest(names: readonly string[]): number {
  return names.reduce((most, name) => Math.max(most, name.length), 0);
}

function shorten(label: string, most: number): string {
  return label.length > most ? `${label.slice(0, most - 1)}…` : label;
}
