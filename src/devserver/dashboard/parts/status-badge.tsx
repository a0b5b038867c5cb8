/** A task's status as colour, mark and word; the word alone says it all. */

const WORDS: Readonly<Record<string, string>> = {
  created: "Draft",
  queued: "Queued",
  in_progress: "Running",
  stopped: "Stopped",
  closed: "Closed",
  failed: "Failed",
  completed: "Completed",
  publishing: "Publishing",
  published: "Published",
};

/** The word for a status of the wire. */
export function statusWord(status: string | undefined): string {
  return status === undefined ? "Unknown" : (WORDS[status] ?? status);
}

export function StatusBadge({ status }: { readonly status: string | undefined }) {
  return (
    <span class="status" data-status={status ?? "unknown"}>
      {statusWord(status)}
    </span>
  );
}
