/** Files registered at a task. */
import { useEffect, useRef } from "preact/hooks";
import type { ArtifactDocument, TaskDocument } from "../data/documents.js";
import { formatBytes } from "../format.js";
import { CopyButton } from "../parts/copy-button.js";
import { EmptyState } from "../parts/notice.js";
import { TimeAgo } from "../parts/time-text.js";
import { UriText } from "../parts/uri-text.js";

export interface ArtifactsTabProps {
  readonly task: TaskDocument;
  /** Key of the artifact that the address names. */
  readonly selected: string | undefined;
}

export function ArtifactsTab({ task, selected }: ArtifactsTabProps) {
  const artifacts = task.execution?.artifacts ?? [];
  if (artifacts.length === 0) {
    return (
      <EmptyState title="No artifacts yet">
        <p class="muted">
          A checkpoint uploaded with <code>sdk.uploadCheckpoint(path, {"{ type }"})</code> is listed here with its size and hash.
        </p>
      </EmptyState>
    );
  }
  return (
    <ul class="cards" aria-label="Artifacts">
      {artifacts.map((artifact) => (
        <ArtifactCard key={`${artifact.key}/${artifact.mode ?? ""}`} artifact={artifact} selected={artifact.key === selected} />
      ))}
    </ul>
  );
}

function ArtifactCard({ artifact, selected }: { readonly artifact: ArtifactDocument; readonly selected: boolean }) {
  const card = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (selected) card.current?.scrollIntoView({ block: "center" });
  }, [selected]);
  const rows = artifact.display_data ?? [];
  const preview = artifact.type_data?.preview;
  return (
    <li class="card" ref={card} data-artifact={artifact.key} data-selected={selected || undefined}>
      <div class="card-head">
        <h3>{artifact.key}</h3>
        <span class="tag">{artifact.type ?? "custom"}</span>
        {artifact.mode === "input" && <span class="tag">input</span>}
        <span class="card-side muted">
          <TimeAgo value={artifact.timestamp === undefined ? undefined : artifact.timestamp * 1000} />
        </span>
      </div>
      <dl class="rows">
        <div>
          <dt>Size</dt>
          <dd>{formatBytes(artifact.content_size)}</dd>
        </div>
        {artifact.hash !== undefined && artifact.hash !== "" && (
          <div>
            <dt>SHA-256</dt>
            <dd>
              <code title={artifact.hash}>{artifact.hash.slice(0, 12)}</code>
              <CopyButton text={artifact.hash} what={`hash of ${artifact.key}`} />
            </dd>
          </div>
        )}
        <div class="wide">
          <dt>Address</dt>
          <dd>
            <UriText uri={artifact.uri} what={artifact.key} />
          </dd>
        </div>
        {rows.map((row, index) => (
          <div key={index}>
            <dt>{cellText(row[0])}</dt>
            <dd>{row.slice(1).map(cellText).join(", ")}</dd>
          </div>
        ))}
      </dl>
      {preview !== undefined && preview !== "" && (
        <details>
          <summary>Preview</summary>
          <pre tabIndex={0}>{preview}</pre>
        </details>
      )}
    </li>
  );
}

function cellText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? "");
}
