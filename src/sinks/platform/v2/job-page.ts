/** What the existing backend tells of a training job when it is asked: its status, and the metric rows it has. */
import * as z from "zod";
import { onFirstUse } from "../../../base/on-first-use.js";
import type { Delivery } from "../../../outbox/sink.js";
import { parseJson } from "../../../base/json.js";
import type { CallbackClient } from "../callback-client.js";
import type { MetricColumns } from "./metric-columns.js";

const jobSchema = onFirstUse(() => z.looseObject({ status: z.string(), clearml_task_id: z.string().nullish() }));
const rowsSchema = onFirstUse(() =>
  z.array(z.looseObject({ epoch: z.number(), extra_metrics: z.record(z.string(), z.unknown()).nullish() })),
);

/** Rows asked for; more than a training of epochs has. */
const MAX_ROWS = 1000;

/** The job as it stands. `unknown`: the backend answered, but not with a job. */
export type JobView =
  | { readonly status: "seen"; readonly job: z.output<ReturnType<typeof jobSchema>> }
  | { readonly status: "unknown"; readonly reason: string }
  | Extract<Delivery, { status: "retry" }>;

export class JobPage {
  readonly #client: CallbackClient;
  readonly #path: string;

  constructor(client: CallbackClient, jobId: number) {
    this.#client = client;
    this.#path = `/training/jobs/${String(jobId)}`;
  }

  /** Never rejects. `retry` stands for an outage alone. */
  async job(options: { readonly signal: AbortSignal; readonly timeoutMs?: number }): Promise<JobView> {
    const seen = await this.#client.look(this.#path, options);
    if (seen.status === "retry" && seen.cause === "unreachable") return seen;
    if (seen.status !== "seen") return { status: "unknown", reason: seen.reason };
    const parsed = jobSchema().safeParse(parseJson(seen.text));
    return parsed.success ? { status: "seen", job: parsed.data } : { status: "unknown", reason: `GET ${this.#path} answered with no job` };
  }

  /** True when the job has a row of this epoch with just these metrics. Never rejects. */
  async hasRow(
    epoch: number,
    metrics: MetricColumns,
    options: { readonly signal: AbortSignal },
  ): Promise<boolean | Extract<Delivery, { status: "retry" }>> {
    const seen = await this.#client.look(`${this.#path}/metrics?limit=${String(MAX_ROWS)}`, options);
    if (seen.status === "retry" && seen.cause === "unreachable") return seen;
    const rows = rowsSchema().safeParse(seen.status === "seen" ? parseJson(seen.text) : undefined);
    return rows.success && rows.data.some((row) => row.epoch === epoch && sameValues(row.extra_metrics ?? {}, metrics.extra_metrics));
  }
}

function sameValues(left: Readonly<Record<string, unknown>>, right: Readonly<Record<string, unknown>>): boolean {
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => left[name] === right[name]);
}
