/**
 * Debug samples: images, sounds, videos and pages that a training reported, with a slider over the iterations. Only what
 * lies at this server is loaded; a page is shown without scripts and cut off from this one.
 */
import { useRef, useState } from "preact/hooks";
import { compareNames, taskLabels } from "../data/chart-data.js";
import type { SampleEventDocument, TaskDocument } from "../data/documents.js";
import { useFetchableUri } from "../data/environment.js";
import { MOST_ITERATIONS, useMetricNames, useSamples } from "../data/plot-queries.js";
import { sampleKind } from "../data/sample-kind.js";
import { formatCount } from "../format.js";
import { IterationSlider } from "../parts/iteration-slider.js";
import { EmptyState, Loaded } from "../parts/notice.js";
import { UriText } from "../parts/uri-text.js";
import { useInView } from "../parts/use-in-view.js";

export function SamplesTab({ tasks }: { readonly tasks: readonly TaskDocument[] }) {
  const names = useMetricNames(
    tasks.map((task) => task.id),
    "training_debug_image",
  );
  const labels = taskLabels(tasks);
  return (
    <Loaded resource={names} what="the debug samples">
      {(all) =>
        all.length === 0 ? (
          <EmptyState title="No debug samples yet">
            <p class="muted">Images, sounds, videos and HTML pages that a training reports are shown here, with their iterations.</p>
          </EmptyState>
        ) : (
          <>
            {all.flatMap((metric) =>
              tasks.map((task) => (
                <MetricSamples
                  key={`${task.id} ${metric}`}
                  task={task.id}
                  metric={metric}
                  label={tasks.length > 1 ? labels.get(task.id) : undefined}
                />
              )),
            )}
          </>
        )
      }
    </Loaded>
  );
}

interface MetricSamplesProps {
  readonly task: string;
  readonly metric: string;
  /** The task's name, where several are shown. */
  readonly label: string | undefined;
}

function MetricSamples(props: MetricSamplesProps) {
  const section = useRef<HTMLElement>(null);
  const { inView, heightPx } = useInView(section);
  return (
    <section
      ref={section}
      class="samples"
      data-samples={props.metric}
      data-task={props.task}
      aria-label={props.label === undefined ? props.metric : `${props.metric} of ${props.label}`}
      style={inView ? {} : { minHeight: `${String(heightPx ?? 300)}px` }}
    >
      {inView ? <ReadSamples {...props} /> : <h2>{props.metric}</h2>}
    </section>
  );
}

function ReadSamples({ task, metric, label }: MetricSamplesProps) {
  const samples = useSamples(task, metric);
  // Counted from the newest, so that a reader of the newest stays there when another one arrives.
  const [back, setBack] = useState(0);
  return (
    <Loaded resource={samples} what={metric}>
      {(newestFirst) => {
        const iterations = newestFirst.map((each) => each.iter).reverse();
        const at = Math.max(0, iterations.length - 1 - back);
        const shown = newestFirst[Math.min(back, newestFirst.length - 1)];
        return (
          <>
            <header class="figure-head">
              <h2>{metric}</h2>
              {label !== undefined && <span class="muted">{label}</span>}
              <IterationSlider
                iterations={iterations}
                at={at}
                what={metric}
                onChange={(next) => {
                  setBack(iterations.length - 1 - next);
                }}
              />
              {iterations.length >= MOST_ITERATIONS && <span class="muted">newest {formatCount(MOST_ITERATIONS)} iterations</span>}
            </header>
            <ul class="sample-grid">
              {[...(shown?.events ?? [])]
                .sort((a, b) => compareNames(a.variant ?? "", b.variant ?? ""))
                .map((event) => (
                  <SampleCard key={event.variant} event={event} />
                ))}
            </ul>
            {shown === undefined && <p class="muted">This task has none.</p>}
          </>
        );
      }}
    </Loaded>
  );
}

function SampleCard({ event }: { readonly event: SampleEventDocument }) {
  const url = event.url ?? "";
  const name = event.variant ?? url;
  return (
    <li class="card sample" data-sample={name} data-kind={sampleKind(url)}>
      <h3>{name}</h3>
      <SampleContent url={url} name={name} />
    </li>
  );
}

function SampleContent({ url, name }: { readonly url: string; readonly name: string }) {
  const uri = useFetchableUri(url);
  // Anything else would be a request to a stranger.
  if (!uri?.startsWith("/files/")) return <UriText uri={url} what={name} />;
  switch (sampleKind(url)) {
    case "image":
      return (
        <a href={uri} target="_blank" rel="noreferrer" title="Open in full size">
          <img class="sample-image" src={uri} alt={name} loading="lazy" />
        </a>
      );
    case "audio":
      return <audio controls preload="none" src={uri} aria-label={name} />;
    case "video":
      return <video class="sample-image" controls preload="metadata" src={uri} aria-label={name} />;
    case "page":
    case "text":
      return <iframe class="sample-page" src={uri} title={name} sandbox="" referrerpolicy="no-referrer" loading="lazy" />;
    case "file":
      return <UriText uri={url} what={name} />;
  }
}
