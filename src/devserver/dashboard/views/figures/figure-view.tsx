/** One figure: its panels, or its data in tables. What has no drawing here says so and shows its data at once. */
import { useMemo, useState } from "preact/hooks";
import { useFetchableUri } from "../../data/environment.js";
import type { Panel } from "../../data/figures/figure.js";
import { readFigure } from "../../data/figures/read-figure.js";
import { traceTable } from "../../data/figures/trace-table.js";
import { fieldsOf, listOf } from "../../data/figures/trace-values.js";
import { CartesianPlot } from "./cartesian-plot.js";
import { DataTable } from "./data-table.js";
import { MatrixPlot } from "./matrix-plot.js";

/** Letters of JSON that are shown. */
const MOST_JSON = 100_000;

export interface FigureViewProps {
  /** Plotly's JSON text. */
  readonly plot: string;
  /** What it is called by metric and variant. */
  readonly title: string;
}

export function FigureView({ plot, title }: FigureViewProps) {
  const figure = useMemo(() => readFigure(plot), [plot]);
  const [showsData, setShowsData] = useState(false);
  const onlyTables = figure.panels.every((panel) => panel.kind === "table" || panel.kind === "undrawn");
  return (
    <>
      {!onlyTables && (
        <button
          type="button"
          class="quiet figure-data"
          aria-expanded={showsData}
          aria-label={`${showsData ? "Drawing" : "Data"} of ${title}`}
          onClick={() => {
            setShowsData(!showsData);
          }}
        >
          {showsData ? "Drawing" : "Data"}
        </button>
      )}
      {figure.title !== undefined && figure.title !== title && <p class="figure-title">{figure.title}</p>}
      {figure.panels.length === 0 && <Undrawn type="an empty figure" trace={figure.source} title={title} />}
      {showsData
        ? tracesOf(figure.source).map((trace, index) => <TraceData key={index} trace={trace} title={title} />)
        : figure.panels.map((panel, index) => <DrawnPanel key={index} panel={panel} title={title} />)}
    </>
  );
}

function DrawnPanel({ panel, title }: { readonly panel: Panel; readonly title: string }) {
  switch (panel.kind) {
    case "cartesian":
      return <CartesianPlot panel={panel} title={title} />;
    case "matrix":
      return <MatrixPlot panel={panel} title={title} />;
    case "table":
      return <DataTable table={panel} title={title} />;
    case "image":
      return <FigureImage source={panel.source} title={title} />;
    case "undrawn":
      return <Undrawn type={`a figure of the type ${panel.type}`} trace={panel.trace} title={title} />;
  }
}

/** Images of this server, and those that the figure carries in itself; any other would be a request to a stranger. */
function FigureImage({ source, title }: { readonly source: string; readonly title: string }) {
  const uri = useFetchableUri(source);
  if (/^data:image\/(?:png|jpeg|gif|webp)/.test(source)) return <img class="sample-image" src={source} alt={title} />;
  if (uri?.startsWith("/files/")) return <img class="sample-image" src={uri} alt={title} loading="lazy" />;
  return (
    <p class="muted">
      The image lies elsewhere and is not loaded: <code class="long">{source}</code>
    </p>
  );
}

function Undrawn({ type, trace, title }: { readonly type: string; readonly trace: unknown; readonly title: string }) {
  return (
    <div class="undrawn">
      <p class="muted">This page has no drawing for {type}. Its data:</p>
      <TraceData trace={trace} title={title} />
    </div>
  );
}

function TraceData({ trace, title }: { readonly trace: unknown; readonly title: string }) {
  const table = useMemo(() => traceTable(trace), [trace]);
  if (table) return <DataTable table={table} title={title} />;
  const json = typeof trace === "string" ? trace : JSON.stringify(trace, null, 2);
  return (
    <pre class="figure-json" tabIndex={0}>
      {json.length > MOST_JSON ? `${json.slice(0, MOST_JSON)}\n…` : json}
    </pre>
  );
}

function tracesOf(source: unknown): readonly unknown[] {
  return listOf(fieldsOf(source)["data"]) ?? [source];
}
