/** What came of one journal, and the words for it. */

/** One journal's outcome; the form of the `--json` summary. */
export interface SyncResult {
  /** Folder or URI. */
  readonly source: string;
  readonly status:
    | "delivered"
    | "nothing-pending"
    /** Something waits: see `reasons`. */
    | "pending"
    /** Everything was sent, and something was refused: see `losses`, and `trainer-sdk journal dead-letters`. */
    | "rejected"
    /** Its trainer lives. */
    | "locked"
    | "failed";
  readonly runId?: string;
  readonly jobId?: string;
  /** Files that waited for the store when it began. */
  readonly uploads?: number;
  readonly sinks?: Readonly<Record<string, { readonly delivered: number; readonly pending: number; readonly rejected: number }>>;
  /** Why something is pending, by sink (`upload` for files). */
  readonly reasons?: Readonly<Record<string, string>>;
  readonly losses?: Readonly<Record<string, number>>;
  readonly error?: string;
  readonly note?: string;
}

/** For a person: the journal, then what there is to say of it. */
export function resultLines(result: SyncResult): string[] {
  const { source, jobId, status, sinks = {}, reasons = {}, losses = {}, error, note } = result;
  const lines = [`${source}${jobId === undefined ? "" : ` (job ${jobId})`}: ${HEADLINES[status]}`];
  for (const [name, { delivered, pending, rejected }] of Object.entries(sinks)) {
    const parts = [
      ...(delivered > 0 ? [`${String(delivered)} delivered`] : []),
      ...(pending > 0 ? [`${String(pending)} pending`] : []),
      ...(rejected > 0 ? [`${String(rejected)} refused`] : []),
    ];
    if (parts.length > 0) lines.push(`  ${name}: ${parts.join(", ")}`);
  }
  for (const [name, reason] of Object.entries(reasons)) lines.push(`  ${name} waits: ${reason}`);
  if (Object.keys(losses).length > 0)
    lines.push(
      `  given up: ${Object.entries(losses)
        .map(([reason, count]) => `${String(count)} ${reason}`)
        .join(", ")}; see trainer-sdk journal dead-letters`,
    );
  if (error !== undefined) lines.push(`  ${error}`);
  if (note !== undefined) lines.push(`  ${note}`);
  return lines;
}

const HEADLINES: Readonly<Record<SyncResult["status"], string>> = {
  delivered: "delivered",
  "nothing-pending": "nothing is pending",
  pending: "pending",
  rejected: "sent, and in part refused",
  locked: "in use",
  failed: "failed",
};

/** The last line. */
export function summaryLine(results: readonly SyncResult[], isDryRun: boolean): string {
  const count = (...statuses: readonly SyncResult["status"][]): number => results.filter(({ status }) => statuses.includes(status)).length;
  const all = `${String(results.length)} ${results.length === 1 ? "journal" : "journals"}`;
  const parts = [
    `${String(count("delivered", "nothing-pending"))} of ${all} ${isDryRun ? "with nothing pending" : "delivered"}`,
    ...(count("pending") > 0 ? [`${String(count("pending"))} ${isDryRun ? "to deliver" : "pending"}`] : []),
    ...(count("rejected") > 0 ? [`${String(count("rejected"))} in part refused`] : []),
    ...(count("locked") > 0 ? [`${String(count("locked"))} in use`] : []),
    ...(count("failed") > 0 ? [`${String(count("failed"))} failed`] : []),
  ];
  return parts.join(", ");
}
