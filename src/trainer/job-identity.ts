/**
 * Whose journal it is: what another process needs to deliver it, kept in the journal itself. No secret is among it; those
 * come from the environment of whoever delivers.
 */
import * as z from "zod";
import { onFirstUse } from "../base/on-first-use.js";
import type { Outbox } from "../outbox/outbox.js";
import { wantsMlflow } from "./mlflow-destination.js";
import type { ResolvedTrainerOptions } from "./options.js";

const MEMORY_OWNER = "trainer";
const MEMORY_KEY = "job";

const schema = onFirstUse(() =>
  z.object({
    operation: z.enum(["training", "inference", "evaluation", "export"]),
    jobId: z.string(),
    projectId: z.string().optional(),
    taskId: z.string().optional(),
    projectName: z.string(),
    taskName: z.string().optional(),
    taskOwner: z.enum(["trainer", "worker"]),
    callbackUrl: z.string().optional(),
    /** False: the callbacks were in a dialect of the caller's own, which another process does not know. */
    knownDialect: z.boolean(),
    /** Absent: `plan`. */
    dialect: z.literal("platform-v2").optional(),
    /** Of the existing platform's variables, those that its callbacks depend on. */
    platformEnv: z.record(z.string(), z.string()).optional(),
    storage: z.string().optional(),
    /** Only of a job that is written to MLflow too. */
    mlflow: z
      .object({
        experimentName: z.string(),
        experimentId: z.string().optional(),
        runId: z.string().optional(),
        workspace: z.string().optional(),
        files: z.enum(["auto", "upload", "link"]).optional(),
      })
      .optional(),
  }),
);

/** The job of a journal. */
export type JobIdentity = z.output<ReturnType<typeof schema>>;

/** The identity of the job that these options describe. */
export function jobIdentity(resolved: ResolvedTrainerOptions, jobId: string, storage: string | undefined): JobIdentity {
  const { operation, projectId, clearmlTask, taskOwner, callback } = resolved;
  return JSON.parse(
    JSON.stringify({
      operation,
      jobId,
      projectId,
      ...clearmlTask,
      taskOwner,
      callbackUrl: withoutSecrets(callback?.url),
      knownDialect: callback === undefined || typeof callback.dialect === "string",
      dialect: callback?.dialect === "platform-v2" ? callback.dialect : undefined,
      platformEnv: resolved.platform && {
        TASK_TYPE: resolved.platform.taskType,
        INTERNAL_BUCKET_CHECKPOINTS: resolved.env["INTERNAL_BUCKET_CHECKPOINTS"],
        TRAINING_JOB_ID: resolved.platform.trainingJobId,
        CONFIG: JSON.stringify({ primary_metric: resolved.config["primary_metric"], epochs: resolved.config["epochs"] }),
      },
      storage,
      mlflow: wantsMlflow(resolved) ? resolved.mlflowRun : undefined,
    }),
  ) as JobIdentity;
}

/** Notes it in the journal, when it is news. */
export function rememberJob(outbox: Outbox, identity: JobIdentity): void {
  const memory = outbox.memory(MEMORY_OWNER);
  if (JSON.stringify(memory.get(MEMORY_KEY)) !== JSON.stringify(identity)) void memory.set(MEMORY_KEY, identity);
}

/** The identity in a journal; undefined in one that another version or another program wrote. */
export function readJob(source: { recall(owner: string, key: string): unknown }): JobIdentity | undefined {
  const parsed = schema().safeParse(source.recall(MEMORY_OWNER, MEMORY_KEY));
  return parsed.success ? parsed.data : undefined;
}

/** A URL that carries a password or a signature is not written down. */
function withoutSecrets(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { username, password, search } = new URL(url);
  return username === "" && password === "" && search === "" ? url : undefined;
}
