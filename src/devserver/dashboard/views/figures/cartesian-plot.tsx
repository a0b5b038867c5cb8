/** Lines, points and bars of a figure, as SVG; what is nearest to the pointer is told in words. */
import { useMemo, useRef, useState } from "preact/hooks";
import { drawMarks, type CartesianShapes, type Frame, type Shape } from "../../data/figures/cartesian-shapes.js";
import type { CartesianPanel, FigureAxis } from "../../data/figures/figure.js";
import { formatDateTime, formatNumber } from "../../format.js";
import { useWidth } from "../../parts/use-width.js";
import { lineColour } from "../drawn-chart.js";

const HEIGHT_PX = 320;

/** The pointer is at a value that is no further away. */
const REACH_PX = 40;

export interface CartesianPlotProps {
  readonly panel: CartesianPanel;
  readonly title: string;
}

export function CartesianPlot({ panel, title }: CartesianPlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const width = useWidth(host);
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const [near, setNear] = useState<Near | undefined>(undefined);
  const frame: Frame = { left: leftOf(panel.y), right: Math.max(width - 14, 100), top: 12, bottom: HEIGHT_PX - (panel.x.title ? 48 : 30) };
  const drawn = useMemo(() => drawMarks(panel, frame, hidden), [panel, width, hidden]);
  return (
    <>
      <div class="figure-plot" ref={host}>
        {width > 0 && (
          <svg
            width={width}
            height={HEIGHT_PX}
            role="img"
            aria-label={`Figure ${title}`}
            onPointerMove={(event) => {
              const box = event.currentTarget.getBoundingClientRect();
              setNear(nearest(drawn.shapes, event.clientX - box.left, event.clientY - box.top));
            }}
            onPointerLeave={() => {
              setNear(undefined);
            }}
          >
            <Axes panel={panel} drawn={drawn} frame={frame} />
            {drawn.shapes.map((shape) => (
              <DrawnShape key={shape.colour} shape={shape} />
            ))}
            {near && <circle class="near" cx={near.px} cy={near.py} r="5" />}
          </svg>
        )}
      </div>
      <ul class="legend">
        {panel.marks.map((mark, index) => (
          <li key={index}>
            <button
              type="button"
              aria-pressed={!hidden.has(index)}
              data-series={mark.name}
              onClick={() => {
                const next = new Set(hidden);
                if (!next.delete(index)) next.add(index);
                setHidden(next);
              }}
            >
              <span class="swatch" style={{ color: lineColour(index) }} />
              <span class="legend-name">{mark.name}</span>
            </button>
          </li>
        ))}
        <li class="legend-x">{near && describe(panel, near)}</li>
      </ul>
      {panel.note !== undefined && <p class="figure-note">{panel.note}</p>}
    </>
  );
}

function DrawnShape({ shape }: { readonly shape: Shape }) {
  const colour = lineColour(shape.colour);
  return (
    <g style={{ color: colour }} data-mark={shape.name}>
      {shape.area !== "" && <path class="mark-area" d={shape.area} />}
      {shape.path !== "" && (
        <path class={shape.isFilled ? "mark-bars" : "mark-line"} data-dashed={shape.isDashed || undefined} d={shape.path} />
      )}
      {shape.dots !== "" && <path class="mark-dots" d={shape.dots} />}
    </g>
  );
}

function Axes({ panel, drawn, frame }: { readonly panel: CartesianPanel; readonly drawn: CartesianShapes; readonly frame: Frame }) {
  const middle = (frame.top + frame.bottom) / 2;
  return (
    <g class="figure-axes" aria-hidden="true">
      {drawn.y.ticks.map(({ at, label }) => (
        <g key={at}>
          <line x1={frame.left} x2={frame.right} y1={drawn.y.toPixel(at)} y2={drawn.y.toPixel(at)} />
          <text x={frame.left - 7} y={drawn.y.toPixel(at)} dy="0.35em" text-anchor="end">
            {shorten(label, 16)}
          </text>
        </g>
      ))}
      {drawn.x.ticks.map(({ at, label }) => (
        <g key={at}>
          <line x1={drawn.x.toPixel(at)} x2={drawn.x.toPixel(at)} y1={frame.top} y2={frame.bottom} />
          <text x={drawn.x.toPixel(at)} y={frame.bottom + 16} text-anchor="middle">
            {shorten(label, 12)}
          </text>
        </g>
      ))}
      {panel.x.title !== undefined && (
        <text class="axis-title" x={(frame.left + frame.right) / 2} y={HEIGHT_PX - 8} text-anchor="middle">
          {panel.x.title}
        </text>
      )}
      {panel.y.title !== undefined && (
        <text class="axis-title" x={12} y={middle} text-anchor="middle" transform={`rotate(-90 12 ${String(middle)})`}>
          {panel.y.title}
        </text>
      )}
    </g>
  );
}

/** Room for the labels of the y axis. */
function leftOf(axis: FigureAxis): number {
  const longest = axis.kind === "category" ? Math.min(16, Math.max(0, ...axis.categories.map((name) => name.length))) : 7;
  return 16 + longest * 6.4 + (axis.title === undefined ? 0 : 18);
}

function shorten(label: string, most: number): string {
  return label.length > most ? `${label.slice(0, most - 1)}…` : label;
}

interface Near {
  readonly shape: Shape;
  readonly index: number;
  readonly px: number;
  readonly py: number;
}

function nearest(shapes: readonly Shape[], px: number, py: number): Near | undefined {
  let found: Near | undefined;
  let least = REACH_PX ** 2;
  for (const shape of shapes) {
    for (const place of shape.places) {
      const distance = (place.px - px) ** 2 + (place.py - py) ** 2;
      if (distance >= least) continue;
      least = distance;
      found = { shape, index: place.index, px: place.px, py: place.py };
    }
  }
  return found;
}

function describe(panel: CartesianPanel, { shape, index }: Near): string {
  const mark = panel.marks[shape.colour];
  if (!mark) return "";
  const [x, y] =
    mark.kind === "points"
      ? [mark.x[index], mark.y[index]]
      : mark.isHorizontal
        ? [mark.length[index], mark.at[index]]
        : [mark.at[index], mark.length[index]];
  const text = mark.kind === "points" ? mark.texts[index] : undefined;
  const parts = [`${placeText(panel.x, x)}, ${placeText(panel.y, y)}`, ...(text ? [text] : [])];
  return `${shape.name}: ${parts.join(", ")}`;
}

function placeText(axis: FigureAxis, place: number | null | undefined): string {
  if (place === null || place === undefined) return "–";
  if (axis.kind === "category") return axis.categories[place] ?? formatNumber(place);
  return axis.kind === "date" ? formatDateTime(place) : formatNumber(place);
}
