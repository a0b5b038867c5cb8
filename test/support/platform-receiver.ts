/**
 * The existing platform's backend as a trainer meets it, on a real socket: it checks every body, keeps what it would keep,
 * and has the same manners, bad ones included: it neither orders nor counts, and a progress report revives a job.
 */
import { createHash } from "node:crypto";
import { readBytes, type WireRequest, type WireResponse } from "../../src/protocol/handler.js";
import { fails, SCHEMAS, type CallKind } from "./platform-schemas.js";
import { serveWire } from "./wire-server.js";

type Body = Readonly<Record<string, unknown>>;

/** One request as it came in, with what was answered. */
export interface ReceivedCall {
  readonly kind: CallKind | "job" | "metrics" | "put" | "unknown";
  readonly path: string;
  /** The number in the path. */
  readonly id: number;
  readonly body: Body;
  readonly status: number;
}

export interface ReceiverJob {
  status: string;
  clearml_task_id: string | null;
  best_checkpoint_path: string | undefined;
  last_checkpoint_path: string | undefined;
  final_accuracy: unknown;
  error_message: string | undefined;
}

/** A row of the metrics table. */
export interface MetricRow {
  readonly epoch: number;
  readonly loss: unknown;
  readonly accuracy: unknown;
  readonly learning_rate: unknown;
  readonly extra_metrics: unknown;
  readonly checkpoint_path: unknown;
}

/** What stands in the place of the answer, or before it. */
export type Interception = (call: {
  readonly kind: string;
  readonly path: string;
}) => WireResponse | Promise<WireResponse | undefined> | undefined;

export interface PlatformReceiver extends AsyncDisposable {
  /** What the managers inject as `CALLBACK_URL`. */
  readonly callbackUrl: string;
  readonly calls: readonly ReceivedCall[];
  readonly job: ReceiverJob;
  readonly metricRows: readonly MetricRow[];
  readonly logRows: readonly string[];
  /** Objects that were put by presigned URLs, by key. */
  readonly objects: ReadonlyMap<string, { readonly bytes: Uint8Array; readonly contentType: string }>;
  /** Calls of one kind that were answered with 200. */
  taken(kind: ReceivedCall["kind"]): readonly Body[];
  /** What a user does. */
  cancel(): void;
  stop(): void;
  /** Answers instead of the backend, before it has seen anything; undefined lets the request through. */
  before: Interception | undefined;
  /** The same after the backend has done its work: for answers that are lost. */
  after: Interception | undefined;
  close(): Promise<void>;
}

/** Starts it with one training job. Jobs of other kinds with that number are known too. */
export async function startPlatformReceiver(
  options: { readonly jobId?: number; readonly status?: string } = {},
): Promise<PlatformReceiver> {
  const { jobId = 123, status = "pending" } = options;
  const calls: ReceivedCall[] = [];
  const metricRows: MetricRow[] = [];
  const logRows: string[] = [];
  const objects = new Map<string, { bytes: Uint8Array; contentType: string }>();
  const signatures = new Map<string, { key: string; contentType: string }>();
  const job: ReceiverJob = {
    status,
    clearml_task_id: null,
    best_checkpoint_path: undefined,
    last_checkpoint_path: undefined,
    final_accuracy: undefined,
    error_message: undefined,
  };

  const handle = async (request: WireRequest): Promise<WireResponse> => {
    const { kind, id } = route(request);
    const call = { kind, path: request.url.pathname };
    const note = (body: Body, answer: WireResponse): WireResponse => {
      calls.push({ ...call, id, body, status: answer.status });
      return answer;
    };
    const intercepted = await receiver.before?.(call);
    // Before the body is read: an answer in the middle of an upload.
    if (intercepted) return note({}, intercepted);
    const raw = await readBytes(request.body);
    if (kind === "put") {
      const answer = note({}, put(request, raw));
      return (await receiver.after?.(call)) ?? answer;
    }
    const body = raw.length === 0 ? {} : (JSON.parse(Buffer.from(raw).toString()) as Body);
    const answer = note(body, work(kind, id, body));
    return (await receiver.after?.(call)) ?? answer;
  };

  const put = (request: WireRequest, raw: Uint8Array): WireResponse => {
    const signed = signatures.get(request.url.searchParams.get("X-Amz-Signature") ?? "");
    const contentType = request.headers["content-type"] ?? "";
    // The content type is part of what was signed.
    if (!signed || signed.contentType !== contentType) return { status: 403, body: "<Error><Code>SignatureDoesNotMatch</Code></Error>" };
    const md5 = createHash("md5").update(raw);
    const sent = request.headers["content-md5"];
    const digest = md5.digest();
    if (sent !== undefined && sent !== digest.toString("base64")) return { status: 400, body: "<Error><Code>BadDigest</Code></Error>" };
    objects.set(signed.key, { bytes: raw, contentType });
    return { status: 200, headers: { etag: `"${digest.toString("hex")}"` } };
  };

  const work = (kind: ReceivedCall["kind"], id: number, body: Body): WireResponse => {
    if (kind === "unknown" || kind === "put") return json(404, { detail: "Not Found" });
    if (id !== jobId) return json(404, { detail: "Training job not found" });
    if (kind === "job") return json(200, { id, model_name: "yolo", ...job });
    if (kind === "metrics") return json(200, metricRows.slice(0, 100_000));
    const parsed = SCHEMAS[kind].safeParse(body);
    if (!parsed.success)
      return json(422, {
        detail: parsed.error.issues.map(({ code, path, message }) => ({ type: code, loc: ["body", ...path], msg: message })),
      });
    const failure = fails(kind, body);
    if (failure !== undefined) return json(500, { detail: `Failed to process ${kind} callback: ${failure}` });
    return effect(kind, id, body);
  };

  const effect = (kind: CallKind, id: number, body: Body): WireResponse => {
    switch (kind) {
      case "progress": {
        job.status = body["status"] as string;
        const metrics = body["metrics"] as Body | null | undefined;
        if (metrics) metricRows.push(row(body, metrics));
        if (typeof body["best_checkpoint_path"] === "string") job.best_checkpoint_path = body["best_checkpoint_path"];
        return json(200, { success: true, message: "Progress update received", job_status: job.status });
      }
      case "completion": {
        const code = body["exit_code"];
        job.status = typeof code === "number" ? (code === 0 ? "completed" : "failed") : (body["status"] as string);
        const final = (body["final_metrics"] ?? {}) as { accuracy?: unknown; extra_metrics?: Body };
        job.final_accuracy = final.accuracy ?? final.extra_metrics?.["accuracy"];
        if (body["best_checkpoint_path"]) job.best_checkpoint_path = body["best_checkpoint_path"] as string;
        if (body["last_checkpoint_path"]) job.last_checkpoint_path = body["last_checkpoint_path"] as string;
        if (job.status === "failed") job.error_message = body["error_message"] as string;
        return json(200, { success: true, message: "Training ended", job_status: job.status });
      }
      case "logs":
        logRows.push(`[${String(body["level"] ?? "INFO")}] ${String(body["message"])}`);
        return json(200, { success: true, message: "Log received", job_status: job.status });
      case "validation":
        return json(200, { status: "success", validation_result_id: 1, job_id: id, epoch: body["epoch"] });
      case "upload-url": {
        const key = `checkpoints/job-${String(id)}/${String(body["checkpoint_filename"])}`;
        const signature = String(signatures.size + 1);
        signatures.set(signature, { key, contentType: (body["content_type"] as string | undefined) ?? "application/octet-stream" });
        const url = `${server.url}/training-checkpoints/${key}?X-Amz-Signature=${signature}&X-Amz-Expires=3600`;
        return json(200, { upload_url: url, object_key: key, expires_in: 3600 });
      }
      case "inference-started":
      case "inference-completion":
        return json(200, { status: "success", inference_job_id: id });
      case "test-results":
        return json(200, { status: "success", test_run_id: id });
      case "export-started":
      case "export-completion":
        return json(200, { message: "ok", export_job_id: id, status: body["status"] ?? "running" });
    }
  };

  const server = await serveWire(handle);
  const receiver: PlatformReceiver = {
    callbackUrl: `${server.url}/api/v1`,
    calls,
    job,
    metricRows,
    logRows,
    objects,
    taken: (kind) => calls.filter((call) => call.kind === kind && call.status === 200).map(({ body }) => body),
    cancel: () => (job.status = "cancelled"),
    stop: () => (job.status = "stopped"),
    before: undefined,
    after: undefined,
    close: server.close,
    [Symbol.asyncDispose]: server.close,
  };
  return receiver;
}

const ROUTES: readonly (readonly [string, RegExp, ReceivedCall["kind"]])[] = [
  ["POST", /^\/api\/v1\/training\/jobs\/(\d+)\/callback\/progress$/, "progress"],
  ["POST", /^\/api\/v1\/training\/jobs\/(\d+)\/callback\/completion$/, "completion"],
  ["POST", /^\/api\/v1\/training\/jobs\/(\d+)\/callback\/logs$/, "logs"],
  ["POST", /^\/api\/v1\/validation\/jobs\/(\d+)\/results$/, "validation"],
  ["POST", /^\/api\/v1\/training\/jobs\/(\d+)\/checkpoints\/upload-url$/, "upload-url"],
  ["POST", /^\/api\/v1\/test_inference\/inference\/jobs\/(\d+)\/callback\/started$/, "inference-started"],
  ["POST", /^\/api\/v1\/test_inference\/inference\/jobs\/(\d+)\/callback\/completion$/, "inference-completion"],
  ["POST", /^\/api\/v1\/test_inference\/test\/(\d+)\/results$/, "test-results"],
  ["POST", /^\/api\/v1\/export\/jobs\/(\d+)\/callback\/started$/, "export-started"],
  ["POST", /^\/api\/v1\/export\/jobs\/(\d+)\/callback\/completion$/, "export-completion"],
  ["GET", /^\/api\/v1\/training\/jobs\/(\d+)$/, "job"],
  ["GET", /^\/api\/v1\/training\/jobs\/(\d+)\/metrics$/, "metrics"],
  ["PUT", /^\/training-checkpoints\/checkpoints\/job-(\d+)\//, "put"],
];

function route({ method, url }: WireRequest): { kind: ReceivedCall["kind"]; id: number } {
  for (const [verb, pattern, kind] of ROUTES) {
    const match = method === verb ? pattern.exec(url.pathname) : null;
    if (match) return { kind, id: Number(match[1]) };
  }
  return { kind: "unknown", id: Number.NaN };
}

/** The columns, filled from `extra_metrics` where they are missing; a 0 counts as missing, as there. */
function row(body: Body, metrics: Body): MetricRow {
  const extra = (metrics["extra_metrics"] ?? {}) as Body;
  return {
    epoch: body["current_epoch"] as number,
    loss: metrics["loss"] || extra["loss"],
    accuracy: metrics["accuracy"] || extra["accuracy"],
    learning_rate: metrics["learning_rate"] || extra["learning_rate"] || extra["lr"],
    extra_metrics: Object.keys(extra).length > 0 ? extra : null,
    checkpoint_path: body["checkpoint_path"],
  };
}

function json(status: number, body: unknown): WireResponse {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
