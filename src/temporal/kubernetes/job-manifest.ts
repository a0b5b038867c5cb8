/**
 * The Kubernetes Job of a trainer: its name, its marks and its body. One name for each key and no time in it, so that the
 * API server itself refuses a second trainer. Pure; no secret is ever written into it.
 */
import { createHash } from "node:crypto";
import { specHash } from "../spec-hash.js";
import type { StartRequest, TrainingResources } from "../training-manager.js";

/** What the manifest takes from the manager's options. */
export interface JobTemplate {
  /** Image of jobs that name none. */
  readonly image?: string;
  /** Secrets and ConfigMaps of the namespace whose entries become variables of the trainer: the way for keys and tokens. */
  readonly envFrom?: readonly ({ readonly secret: string } | { readonly configMap: string })[];
  /** The volume claim that journals lie on. Outlives pods; `directory` of the activities' `journal` lies below `mountPath`. */
  readonly journalVolume?: { readonly claimName: string; readonly mountPath: string };
  /** Further fields of the pod's spec, as in the API: `serviceAccountName`, `nodeSelector`, `tolerations`, `volumes`. */
  readonly pod?: Readonly<Record<string, unknown>>;
  /** Further fields of the trainer's container, as in the API: `volumeMounts`, `securityContext`. */
  readonly container?: Readonly<Record<string, unknown>>;
  /** Further labels of Job and pod, such as `kueue.x-k8s.io/queue-name`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** From SIGTERM to SIGKILL when nobody says otherwise: eviction, preemption. Default 60 s. */
  readonly terminationGraceMs?: number;
  /** A net for lost workers: the Job ends itself after so long. Default: none. */
  readonly activeDeadlineMs?: number;
  /** How long an ended Job stays to be read. Longer than the longest time without a worker. Default 7 days. */
  readonly keepEndedMs?: number;
}

/** Name of the trainer's container. */
export const CONTAINER = "trainer";
/** Marks of our Jobs. The prefix of a mark is this package's name. */
export const MARKS = {
  managedBy: "app.kubernetes.io/managed-by",
  /** Label: hash of the key. */
  keyHash: "trainer-sdk/key-hash",
  /** Label: the trainer's number. */
  fence: "trainer-sdk/fence",
  key: "trainer-sdk/key",
  specHash: "trainer-sdk/spec-hash",
  labels: "trainer-sdk/labels",
  /** Annotation: somebody asked for the end, and why. JSON. */
  stop: "trainer-sdk/stop",
  /** Annotation: how it ended, where the pod is gone. JSON. */
  end: "trainer-sdk/end",
} as const;
export const MANAGER_NAME = "trainer-sdk";

/** A Job's name may have 63 characters, and its pods' names are longer. */
const MAX_SLUG = 36;
const DAY_MS = 86_400_000;

export function keyHash(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 12);
}

/** Readable, and unlike that of any other key. */
export function jobName(key: string): string {
  const slug = key
    .toLowerCase()
    .replace(/%[0-9a-f]{2}|[^a-z0-9]+/g, "-")
    .replace(/-+/g, "-")
    .slice(0, MAX_SLUG)
    .replace(/^-|-$/g, "");
  return `${slug === "" ? "training" : slug}-${keyHash(key)}`;
}

/** The body of the Job. */
export function jobManifest(request: StartRequest, image: string, template: JobTemplate): Record<string, unknown> {
  const { key, fence, spec } = request;
  const { pod = {}, container = {}, journalVolume } = template;
  const labels = {
    ...template.labels,
    [MARKS.managedBy]: MANAGER_NAME,
    [MARKS.keyHash]: keyHash(key),
    [MARKS.fence]: String(fence),
  };
  const seconds = (ms: number): number => Math.ceil(ms / 1000);
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: jobName(key),
      labels,
      annotations: { [MARKS.key]: key, [MARKS.specHash]: specHash(spec), [MARKS.labels]: JSON.stringify(request.labels) },
    },
    spec: {
      // Whether to try again is the workflow's to say.
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      podReplacementPolicy: "Failed",
      ttlSecondsAfterFinished: seconds(template.keepEndedMs ?? 7 * DAY_MS),
      ...(template.activeDeadlineMs === undefined ? {} : { activeDeadlineSeconds: seconds(template.activeDeadlineMs) }),
      template: {
        metadata: { labels },
        spec: {
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: seconds(template.terminationGraceMs ?? 60_000),
          ...pod,
          restartPolicy: "Never",
          volumes: [
            ...list(pod["volumes"]),
            ...(journalVolume ? [{ name: "journal", persistentVolumeClaim: { claimName: journalVolume.claimName } }] : []),
          ],
          containers: [
            {
              ...container,
              name: CONTAINER,
              image,
              ...(spec.command.length === 0 ? {} : { command: [...spec.command] }),
              ...(spec.workingDirectory === undefined ? {} : { workingDir: spec.workingDirectory }),
              env: [...list(container["env"]), ...Object.entries(spec.env).map(([name, value]) => ({ name, value: literal(value) }))],
              envFrom: [
                ...list(container["envFrom"]),
                ...(template.envFrom ?? []).map((from) =>
                  "secret" in from ? { secretRef: { name: from.secret } } : { configMapRef: { name: from.configMap } },
                ),
              ],
              volumeMounts: [
                ...list(container["volumeMounts"]),
                ...(journalVolume ? [{ name: "journal", mountPath: journalVolume.mountPath }] : []),
              ],
              resources: spec.resources === undefined ? (container["resources"] ?? {}) : resourcesOf(spec.resources),
            },
            ...list(pod["containers"]),
          ],
        },
      },
    },
  };
}

/** `$(NAME)` in a value would be replaced by the kubelet; `$$` is a dollar. */
function literal(value: string): string {
  return value.replaceAll("$(", "$$$$(");
}

/** A GPU is asked for by its limit alone. */
function resourcesOf({ cpus, memoryBytes, gpus }: TrainingResources): Record<string, unknown> {
  const shared = {
    ...(cpus === undefined ? {} : { cpu: String(cpus) }),
    ...(memoryBytes === undefined ? {} : { memory: String(memoryBytes) }),
  };
  return {
    requests: shared,
    limits: {
      ...(memoryBytes === undefined ? {} : { memory: String(memoryBytes) }),
      ...(gpus === undefined ? {} : { "nvidia.com/gpu": String(gpus) }),
    },
  };
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
