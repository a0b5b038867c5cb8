/** Checks of what workflows hand to the activities: another version of the workflow, or another language, may have written it. */
import * as z from "zod";
import type { JsonObject } from "../base/json.js";

const text = z.string().min(1);
const texts = z.record(z.string(), z.string());
const jsonObject = z.record(z.string(), z.unknown()).transform((value) => value as JsonObject);

const job = z.object({
  jobId: text,
  projectId: text.optional(),
  operation: z.enum(["training", "inference", "evaluation", "export"]).optional(),
  projectName: text.optional(),
  taskName: text.optional(),
});
const journal = z.object({
  directory: text.optional(),
  host: text.optional(),
  handoverUri: text.optional(),
  settled: z.boolean(),
});
const facts = z.object({
  fence: z.int().nonnegative(),
  backend: z.string(),
  journal,
  exitCode: z.number().optional(),
  signal: z.string().optional(),
  logTail: z.string(),
  logUri: z.string().optional(),
});
const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: "is no name of an environment variable" });

export const INPUT_SCHEMAS = {
  createClearmlTask: z.object({
    job,
    config: jsonObject.optional(),
    configurations: texts.optional(),
    tags: z.array(text).optional(),
  }),
  executeTraining: z.object({
    job,
    taskId: text,
    command: z.array(z.string()).optional(),
    image: text.optional(),
    workingDirectory: text.optional(),
    env: z.record(variableName, z.string()).optional(),
    config: jsonObject.optional(),
    resources: z
      .object({
        cpus: z.number().positive().optional(),
        memoryBytes: z.number().positive().optional(),
        gpus: z.int().nonnegative().optional(),
      })
      .optional(),
    jobKey: text.optional(),
    stopGraceMs: z.number().nonnegative().optional(),
    progressSignal: text.optional(),
  }),
  finalizeTask: z.object({
    job,
    taskId: text,
    training: facts.extend({ outcome: z.enum(["completed", "stopped"]), message: z.string() }),
    required: z.object({ checkpoints: z.array(text).optional(), model: z.boolean().optional() }).optional(),
  }),
  failTask: z.object({
    job,
    taskId: text,
    failure: z.object({ type: text, message: z.string() }),
    training: facts.optional(),
    jobKey: text.optional(),
  }),
  stopTask: z.object({ job, taskId: text, reason: text, training: facts.optional(), jobKey: text.optional() }),
  registerModel: z.object({
    job,
    taskId: text,
    name: text,
    uri: text,
    framework: text.optional(),
    tags: z.array(text).optional(),
    comment: z.string().optional(),
    metadata: texts.optional(),
    labels: z.record(z.string(), z.number()).optional(),
    datasets: z.array(text).optional(),
    parentModelId: text.optional(),
    publish: z.boolean().optional(),
  }),
  syncOutbox: z.object({ job, journal: journal.optional() }),
} as const;

/** A heartbeat's details; what another version wrote is as good as none. */
export const HEARTBEAT_SCHEMA = z.object({
  v: z.literal(1),
  handle: z
    .object({
      v: z.literal(1),
      backend: z.string(),
      key: z.string(),
      fence: z.int().positive(),
      id: z.string(),
      host: z.string().optional(),
    })
    .optional(),
  /** When the worker had the trainer in view last. */
  seenAtMs: z.number(),
  progress: z
    .object({
      phase: z.enum(["queued", "starting", "running", "stopping"]),
      iteration: z.number().optional(),
      percent: z.number().optional(),
      atMs: z.number(),
    })
    .optional(),
});

/** What is beaten. */
export type HeartbeatDetails = z.output<typeof HEARTBEAT_SCHEMA>;
