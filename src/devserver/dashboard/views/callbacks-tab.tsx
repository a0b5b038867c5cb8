/** What the callback receiver got: the backend's side of the story. */
import { useState } from "preact/hooks";
import { useCallbacks } from "../data/queries.js";
import type { Received } from "../data/received-callbacks.js";
import { formatClock, formatCount, formatDateTime, formatNumber } from "../format.js";
import { EmptyState, Loaded } from "../parts/notice.js";

/** Rows shown; the newest. */
const ROWS = 500;

/** `task` undefined: of all tasks. */
export function CallbacksTab({ task }: { readonly task: string | undefined }) {
  const callbacks = useCallbacks(task);
  return (
    <Loaded resource={callbacks} what="the callbacks">
      {(all) =>
        all.length === 0 ? (
          <EmptyState title="No callbacks received">
            <p class="muted">
              Set <code>CALLBACK_URL={location.origin}/callbacks</code> where the training runs, and what it tells its backend is listed
              here.
            </p>
          </EmptyState>
        ) : (
          <CallbackTable callbacks={all} />
        )
      }
    </Loaded>
  );
}

function CallbackTable({ callbacks }: { readonly callbacks: readonly Received[] }) {
  const counts = new Map<string, number>();
  for (const callback of callbacks) counts.set(callback.verb, (counts.get(callback.verb) ?? 0) + 1);
  const newest = callbacks.slice(-ROWS).reverse();
  return (
    <>
      <p class="counts">
        {[...counts].map(([verb, count]) => (
          <span key={verb} class="tag">
            {verb} <strong>{formatCount(count)}</strong>
          </span>
        ))}
        {callbacks.length > ROWS && <span class="muted">newest {formatCount(ROWS)} shown</span>}
      </p>
      <ul class="callbacks" aria-label="Callbacks, newest first">
        {newest.map((callback) => (
          <CallbackRow key={callback.id} callback={callback} />
        ))}
      </ul>
    </>
  );
}

function CallbackRow({ callback }: { readonly callback: Received }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li data-callback={callback.verb}>
      <details
        onToggle={(event) => {
          setOpen(event.currentTarget.open);
        }}
      >
        <summary>
          <time title={formatDateTime(callback.receivedAt)}>
            {callback.receivedAt === undefined ? "" : formatClock(callback.receivedAt)}
          </time>
          <span class="callback-verb">{callback.verb}</span>
          <span class="callback-summary">{summarize(callback)}</span>
          <span class="callback-sequence muted">{callback.sequence === undefined ? "" : `#${String(callback.sequence)}`}</span>
        </summary>
        {isOpen && (
          <pre tabIndex={0}>
            {callback.idempotencyKey === undefined ? "" : `Idempotency-Key: ${callback.idempotencyKey}\n\n`}
            {JSON.stringify(callback.body, null, 2)}
          </pre>
        )}
      </details>
    </li>
  );
}

/** The few fields that tell one callback from the next. */
function summarize(callback: Received): string {
  const { body } = callback;
  const parts: string[] = [];
  if (typeof body["epoch"] === "number") {
    parts.push(
      typeof body["total_epochs"] === "number"
        ? `epoch ${String(body["epoch"])} of ${String(body["total_epochs"])}`
        : `epoch ${String(body["epoch"])}`,
    );
  }
  for (const name of ["type", "name", "level", "message", "reason", "error", "uri"]) {
    const value = body[name];
    if (typeof value === "string" && value !== "") parts.push(value);
  }
  const metrics = body["metrics"] ?? body["final_metrics"];
  if (typeof metrics === "object" && metrics !== null) {
    for (const [name, value] of Object.entries(metrics).slice(0, 4))
      parts.push(`${name} ${typeof value === "number" ? formatNumber(value) : String(value)}`);
  }
  return parts.join(" · ");
}
