/** Figures that were reported: the newest of each, and on request those of earlier iterations. Read when they come into view. */
import { useRef, useState } from "preact/hooks";
import { taskLabels } from "../data/chart-data.js";
import type { PlotEventDocument, TaskDocument } from "../data/documents.js";
import { PLOT_ITERATIONS, useMetricNames, usePlots } from "../data/plot-queries.js";
import { useQuery } from "../navigation.js";
import { IterationSlider } from "../parts/iteration-slider.js";
import { EmptyState, Loaded } from "../parts/notice.js";
import { useInView } from "../parts/use-in-view.js";
import { FigureView } from "./figures/figure-view.js";

export function PlotsTab({ tasks }: { readonly tasks: readonly TaskDocument[] }) {
  const names = useMetricNames(
    tasks.map((task) => task.id),
    "plot",
  );
  const [query, changeQuery] = useQuery();
  const search = query.get("find") ?? "";
  const labels = taskLabels(tasks);
  return (
    <Loaded resource={names} what="the plots">
      {(all) =>
        all.length === 0 ? (
          <EmptyState title="No plots yet">
            <p class="muted">Confusion matrices, tables, histograms and other figures that a training reports are drawn here.</p>
          </EmptyState>
        ) : (
          <>
            <div class="toolbar">
              <input
                type="search"
                aria-label="Filter plots by metric"
                placeholder="Filter plots"
                value={search}
                onInput={(event) => {
                  changeQuery({ find: event.currentTarget.value === "" ? undefined : event.currentTarget.value });
                }}
              />
            </div>
            <div class="figures">
              {all
                .filter((name) => name.toLowerCase().includes(search.trim().toLowerCase()))
                .flatMap((metric) =>
                  tasks.map((task) => (
                    <MetricFigures
                      key={`${task.id} ${metric}`}
                      task={task.id}
                      metric={metric}
                      label={tasks.length > 1 ? labels.get(task.id) : undefined}
                    />
                  )),
                )}
            </div>
          </>
        )
      }
    </Loaded>
  );
}

interface MetricFiguresProps {
  readonly task: string;
  readonly metric: string;
  /** The task's name, where several are shown. */
  readonly label: string | undefined;
}

function MetricFigures(props: MetricFiguresProps) {
  const section = useRef<HTMLElement>(null);
  const { inView, heightPx } = useInView(section);
  return (
    <section
      ref={section}
      class="figure-group"
      data-plots={props.metric}
      data-task={props.task}
      aria-label={props.label === undefined ? props.metric : `${props.metric} of ${props.label}`}
      style={inView ? {} : { minHeight: `${String(heightPx ?? 420)}px` }}
    >
      {inView ? <ReadFigures {...props} /> : <h2>{props.metric}</h2>}
    </section>
  );
}

function ReadFigures({ task, metric, label }: MetricFiguresProps) {
  const [iterations, setIterations] = useState(1);
  const plots = usePlots(task, metric, iterations);
  return (
    <>
      <header class="figure-head">
        <h2>{metric}</h2>
        {label !== undefined && <span class="muted">{label}</span>}
        <button
          type="button"
          class="quiet"
          aria-pressed={iterations > 1}
          aria-label={`Earlier iterations of ${metric}`}
          onClick={() => {
            setIterations(iterations > 1 ? 1 : PLOT_ITERATIONS);
          }}
        >
          {iterations > 1 ? "Newest only" : "Earlier"}
        </button>
      </header>
      <Loaded resource={plots} what={metric}>
        {(events) =>
          events.length === 0 ? (
            <p class="muted">This task has none.</p>
          ) : (
            <>
              {[...Map.groupBy(events, (event) => event.variant ?? "")].map(([variant, each]) => (
                <VariantFigure key={variant} metric={metric} variant={variant} events={each} />
              ))}
            </>
          )
        }
      </Loaded>
    </>
  );
}

interface VariantFigureProps {
  readonly metric: string;
  readonly variant: string;
  readonly events: readonly PlotEventDocument[];
}

function VariantFigure({ metric, variant, events }: VariantFigureProps) {
  // Counted from the newest, so that a reader of the newest stays there when another one arrives.
  const [back, setBack] = useState(0);
  const ascending = [...events].sort((a, b) => (a.iter ?? 0) - (b.iter ?? 0));
  const at = Math.max(0, ascending.length - 1 - back);
  const event = ascending[at];
  return (
    <figure class="chart figure" data-plot={metric} data-variant={variant}>
      <figcaption>
        <h3>{variant === "" ? metric : variant}</h3>
        <IterationSlider
          iterations={ascending.map((each) => each.iter ?? 0)}
          at={at}
          what={`${metric} ${variant}`}
          onChange={(next) => {
            setBack(ascending.length - 1 - next);
          }}
        />
      </figcaption>
      {event?.plot_str !== undefined && <FigureView plot={event.plot_str} title={variant === "" ? metric : variant} />}
    </figure>
  );
}
