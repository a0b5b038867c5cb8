/** Journals, records and dead letters in words. Pure. */
import type { JournaledRecord } from "../outbox/list-journal.js";
import type { DeadLetter } from "../outbox/receipts.js";
import type { JournalSurvey } from "../outbox/survey-journal.js";
import type { Fact } from "../records/facts.js";

/** Of a fact, on a line. */
const MAX_FACT_CHARACTERS = 160;

/** A journal as `ls` shows it. */
export interface ListedJournal extends Omit<JournalSurvey, "recall" | "isUploadPending" | "attachments"> {
  readonly directory: string;
  readonly jobId: string | undefined;
  readonly pendingBytes: number;
}

export function surveyLines(journal: ListedJournal): string {
  const { directory, jobId, runId, records, pending, pendingUploads, pendingBytes, deadLetters, corruptLines, files, pinnedBytes } =
    journal;
  const owed = Object.entries(pending).map(([name, count]) => `${name} ${String(count)}`);
  const uploads = `${String(pendingUploads)} uploads waiting${pendingBytes > 0 ? ` (${bytesText(pendingBytes)})` : ""}`;
  const lines = [
    directory,
    `  job ${jobId ?? "(unknown)"}, run ${runId ?? "(none)"}`,
    `  ${String(records)} records, pending: ${owed.length === 0 ? "none" : owed.join(", ")}`,
    `  ${uploads}, ${bytesText(pinnedBytes)} pinned, ${String(deadLetters)} dead letters`,
    ...(corruptLines > 0 ? [`  ${String(corruptLines)} damaged lines`] : []),
    ...files.map(({ name, bytes }) => `  ${name}  ${bytesText(bytes)}`),
  ];
  return `${lines.join("\n")}\n`;
}

export function recordLine({ record, deliveries, upload }: JournaledRecord): string {
  const waits = [
    ...(upload === "pending" ? ["upload"] : []),
    ...Object.entries(deliveries).flatMap(([name, state]) => (state === "pending" ? [name] : [])),
  ];
  const state = waits.length === 0 ? "" : `  [pending: ${waits.join(", ")}]`;
  return `#${String(record.sequence)} ${timeText(record.createdAtMs)} ${factText(record.fact)}${state}`;
}

export function letterLine({ record, sink, reason, detail, atMs }: DeadLetter): string {
  return `#${String(record.sequence)} ${sink} ${reason} ${timeText(atMs)} ${factText(record.fact)}\n    ${record.id}: ${detail}`;
}

function factText({ kind, ...others }: Fact): string {
  const text = JSON.stringify(others);
  return `${kind} ${text.length > MAX_FACT_CHARACTERS ? `${text.slice(0, MAX_FACT_CHARACTERS)}…` : text}`;
}

function timeText(atMs: number): string {
  return Number.isNaN(new Date(atMs).getTime()) ? "(no time)" : new Date(atMs).toISOString();
}

function bytesText(bytes: number): string {
  for (const [unit, size] of [
    ["GiB", 1024 ** 3],
    ["MiB", 1024 ** 2],
    ["KiB", 1024],
  ] as const) {
    if (bytes >= size) return `${(bytes / size).toFixed(1)} ${unit}`;
  }
  return `${String(bytes)} B`;
}
