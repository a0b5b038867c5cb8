/**
 * The ClearML task of a trainer: what it looks like when it is made, and what is read of it. One task for each number of
 * a key, so that a new attempt deletes nothing; none of them is the job's task, to which the trainer itself reports. Pure.
 */
import { createHash } from "node:crypto";
import * as z from "zod";
import type { RequestOf } from "../../protocol/clearml/endpoints.js";
import type { TaskDocument } from "../../protocol/clearml/task-document.js";
import { specHash } from "../spec-hash.js";
import { BACKENDS, type StartRequest, type TrainingHandle, type TrainingSpec } from "../training-manager.js";
import { launcherScript, RUNTIME_KEYS } from "./launcher-script.js";

/** System tag of every trainer's task. */
export const RUN_TAG = "trainer-sdk-trainer";
/** System tag of those that were put into a queue: without it, one of status `created` waits for that still. */
export const QUEUED_TAG = "trainer-sdk-queued";
const ARCHIVED_TAG = "archived";
const CONFIGURATION = "trainer_sdk";
/** The agent kills so long after the launcher was to be done. */
const AGENT_MARGIN_SECONDS = 30;
/** Of the runtime: set by the agent that takes a task. */
const AGENT_HOST_KEY = "_exec_agent_hostname";
const ENTRY_POINT = "trainer_sdk_launch.sh";

/** What the manager's options say about tasks. */
export interface RunTemplate {
  readonly image?: string | undefined;
  readonly dockerArguments?: readonly string[] | undefined;
  readonly setupShellScript?: string | undefined;
  readonly launcherPollIntervalMs: number;
  readonly terminationGraceMs: number;
  readonly memoryEventsFile?: string | undefined;
}

const identitySchema = z.object({
  v: z.literal(1),
  key: z.string(),
  fence: z.number(),
  specHash: z.string(),
  labels: z.record(z.string(), z.string()),
});
const stopSchema = z.object({ reason: z.string(), graceMs: z.number() });
const endSchema = z.object({
  code: z.number().optional(),
  signal: z.string().optional(),
  oom: z.boolean().optional(),
  startError: z.string().optional(),
  neverStarted: z.boolean().optional(),
  /** Somebody asked for the end through ClearML. */
  stopRequested: z.boolean().optional(),
  /** The launcher itself was told to end. */
  interrupted: z.boolean().optional(),
  /** The agent was gone. */
  agentLost: z.boolean().optional(),
});

/** Somebody's wish that the trainer end. */
export type StopMark = z.output<typeof stopSchema>;
/** How a trainer ended, by its launcher's word. */
export type LaunchEnd = z.output<typeof endSchema>;

/** A trainer's task, read. */
export interface RunTask {
  readonly id: string;
  readonly created: string | undefined;
  readonly key: string;
  readonly fence: number;
  readonly specHash: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly systemTags: readonly string[];
  readonly status: string;
  readonly message: string;
  readonly reason: string;
  /** Changes with every word of agent or launcher. */
  readonly lastUpdate: string;
  readonly queue: string | undefined;
  /** An agent has it. */
  readonly isTaken: boolean;
  /** The launcher runs, or ran. */
  readonly isLaunched: boolean;
  /** How long its agent waits before it kills, seconds. */
  readonly agentPatience: number;
  readonly stop: StopMark | undefined;
  readonly end: LaunchEnd | undefined;
}

/** What must be asked for. */
export const RUN_FIELDS = [
  "id",
  "created",
  "status",
  "status_message",
  "status_reason",
  "last_update",
  "system_tags",
  "execution.queue",
  "runtime",
  "configuration",
];

/** The system tag by which all tasks of a key are found, or that of one number. */
export function keyTag(key: string, fence?: number): string {
  const hash = createHash("sha256").update(key).digest("hex").slice(0, 24);
  return `${RUN_TAG}:${hash}${fence === undefined ? "" : `:${String(fence)}`}`;
}

/** How long the agent waits for a launcher that has this grace, seconds. */
export function agentPatience(graceMs: number): number {
  return Math.ceil(graceMs / 1000) + AGENT_MARGIN_SECONDS;
}

/** The task to be made. */
export function runRequest(request: StartRequest, template: RunTemplate, project: string): RequestOf<"tasks.create"> {
  const { key, fence, spec, labels } = request;
  const identity = { v: 1, key, fence, specHash: specHash(spec), labels };
  const image = spec.image ?? template.image;
  const parent = spec.env["CLEARML_TASK_ID"];
  return {
    name: `Trainer ${String(fence)} of ${labels["job-id"] === undefined ? key : `job ${labels["job-id"]}`}`,
    type: "custom",
    project,
    ...(parent === undefined ? {} : { parent }),
    comment: "Runs a trainer for trainer-sdk. What the trainer reports is at its parent; here are its console and its end.",
    system_tags: [RUN_TAG, keyTag(key), keyTag(key, fence)],
    script: {
      // Not Python: an agent would build an environment for it first.
      binary: "/bin/bash",
      entry_point: ENTRY_POINT,
      working_dir: ".",
      diff: launcherScript({
        fence,
        command: spec.command,
        workingDirectory: spec.workingDirectory,
        env: spec.env,
        pollSeconds: template.launcherPollIntervalMs / 1000,
        graceSeconds: template.terminationGraceMs / 1000,
        memoryEventsFile: template.memoryEventsFile,
      }),
    },
    configuration: { [CONFIGURATION]: { name: CONFIGURATION, type: "json", value: JSON.stringify(identity) } },
    runtime: { [RUNTIME_KEYS.agentPatience]: String(agentPatience(template.terminationGraceMs)) },
    ...(image === undefined
      ? {}
      : {
          container: {
            image,
            arguments: [...dockerResources(spec), ...(template.dockerArguments ?? [])].join(" "),
            ...(template.setupShellScript === undefined ? {} : { setup_shell_script: template.setupShellScript }),
          },
        }),
  };
}

/** GPUs are the agent's to give: those that it was started with. */
function dockerResources({ resources }: TrainingSpec): string[] {
  const { cpus, memoryBytes } = resources ?? {};
  return [
    ...(cpus === undefined ? [] : [`--cpus=${String(cpus)}`]),
    ...(memoryBytes === undefined ? [] : [`--memory=${String(memoryBytes)}`]),
  ];
}

/** Undefined for a task that is not ours, or of another version. */
export function readRun(task: TaskDocument): RunTask | undefined {
  const identity = parsed(identitySchema, task.configuration?.[CONFIGURATION]?.value);
  if (identity === undefined) return undefined;
  const runtime = task.runtime ?? {};
  return {
    id: task.id,
    created: task.created ?? undefined,
    ...identity,
    systemTags: task.system_tags ?? [],
    status: task.status ?? "unknown",
    message: task.status_message ?? "",
    reason: task.status_reason ?? "",
    lastUpdate: task.last_update ?? "",
    queue: task.execution?.queue ?? undefined,
    isTaken: runtime[AGENT_HOST_KEY] !== undefined || runtime[RUNTIME_KEYS.started] !== undefined,
    isLaunched: runtime[RUNTIME_KEYS.started] !== undefined,
    agentPatience: Number(runtime[RUNTIME_KEYS.agentPatience] ?? 0),
    stop: parsed(stopSchema, runtime[RUNTIME_KEYS.stop]),
    end: parsed(endSchema, runtime[RUNTIME_KEYS.end]),
  };
}

export function handleOf({ id, key, fence }: RunTask): TrainingHandle {
  return { v: 1, backend: BACKENDS.queue, key, fence, id };
}

/** It was made, and never put into a queue: whoever made it died on the way. */
export function isPristine(run: RunTask): boolean {
  return run.status === "created" && !wasMarkedQueued(run);
}

export function wasMarkedQueued({ systemTags }: RunTask): boolean {
  return systemTags.includes(QUEUED_TAG);
}

/** The tags of a task that no search of ours finds any more; people find it in the archive. */
export function forgottenTags({ systemTags }: RunTask): string[] {
  return [...systemTags.filter((tag) => !tag.startsWith(RUN_TAG) && tag !== QUEUED_TAG && tag !== ARCHIVED_TAG), ARCHIVED_TAG];
}

function parsed<T>(schema: z.ZodType<T>, text: unknown): T | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const result = schema.safeParse(JSON.parse(text));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}
