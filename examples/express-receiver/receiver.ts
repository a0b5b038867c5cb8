/**
 * The backend's side of the `plan` callbacks with Express: checks the token, checks each body against the published schema,
 * takes a repetition once, and answers with a wish to stop. What a real one would put in its database lies in a map here.
 */
import express, { type Express } from "express";
import { CALLBACK_SCHEMAS } from "trainer-sdk";

type CallbackPath = keyof typeof CALLBACK_SCHEMAS;

/** What the backend knows of one job. */
export interface JobRow {
  status: string;
  readonly points: { readonly epoch: number | undefined; readonly metrics: Readonly<Record<string, number | null>> }[];
  readonly checkpoints: string[];
  readonly log: string[];
  /** Set by whoever wants the job to end. */
  stopReason?: string;
}

export interface ReceiverOptions {
  readonly token: string;
  readonly jobs: Map<string, JobRow>;
}

/** The routes, to be mounted anywhere: `CALLBACK_URL` is then `https://backend/.../{job}`. */
export function createReceiver({ token, jobs }: ReceiverOptions): Express {
  // In a database: a column with a unique index, written in the transaction of the row itself.
  const seen = new Set<string>();
  const app = express();
  app.use(express.json({ limit: "5mb" }));

  app.post("/jobs/:job/:path", (request, response) => {
    const { job: jobId, path } = request.params;
    if (request.get("authorization") !== `Bearer ${token}`) {
      response.status(401).json({ detail: "wrong token" });
      return;
    }
    const job = jobs.get(jobId);
    if (job === undefined || !isCallbackPath(path)) {
      response.status(404).json({ detail: `no ${path} of job ${jobId}` });
      return;
    }
    const parsed = CALLBACK_SCHEMAS[path].safeParse(request.body);
    if (!parsed.success) {
      // The trainer keeps the record as a dead letter and goes on with the next.
      response.status(422).json({ detail: parsed.error.issues });
      return;
    }
    const key = request.get("idempotency-key") ?? "";
    if (!seen.has(key)) {
      apply(job, path, request.body as unknown);
      seen.add(key);
    }
    response.json(job.stopReason === undefined ? {} : { action: "stop", reason: job.stopReason });
  });
  return app;
}

function apply(job: JobRow, path: CallbackPath, body: unknown): void {
  switch (path) {
    case "started":
      job.status = "running";
      break;
    case "progress": {
      const { epoch, metrics } = CALLBACK_SCHEMAS.progress.parse(body);
      job.points.push({ epoch, metrics });
      break;
    }
    case "checkpoint":
      job.checkpoints.push(CALLBACK_SCHEMAS.checkpoint.parse(body).uri);
      break;
    case "log":
      job.log.push(CALLBACK_SCHEMAS.log.parse(body).message);
      break;
    case "completed":
    case "failed":
    case "stopped":
      job.status = path;
      break;
    default:
      break;
  }
}

function isCallbackPath(path: string): path is CallbackPath {
  return Object.hasOwn(CALLBACK_SCHEMAS, path);
}
