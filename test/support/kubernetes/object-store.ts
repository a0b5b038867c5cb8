/**
 * What an API server keeps: objects with versions, their changes for watches, and deletion as it really goes: a grace, then
 * finalizers, then the end. Follows Kubernetes 1.35: `registry/rest/delete.go` (BeforeDelete), `registry/core/pod/strategy.go`
 * (CheckGracefulDelete), `registry/batch/job/strategy.go` (orphans pods by default), JSON merge patch.
 */
import { randomUUID } from "node:crypto";

/** The API's objects, as loose as they come. */
export type Thing = any;
export type Kind = "jobs" | "pods";
export interface Change {
  readonly kind: Kind;
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: Thing;
}

/** `DeleteOptions`, as far as anybody sends them. */
export interface Deletion {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Foreground" | "Background" | "Orphan";
  readonly preconditions?: { readonly uid?: string };
}

/** An answer that is no success. */
export class Refusal extends Error {
  readonly code: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: number, reason: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.headers = headers;
  }
}

const FOREGROUND = "foregroundDeletion";
const ORPHAN = "orphan";

export class ObjectStore {
  /** From oldest to newest. */
  readonly changes: Change[] = [];
  readonly #objects = { jobs: new Map<string, Thing>(), pods: new Map<string, Thing>() };
  readonly #listeners: ((change: Change) => void)[] = [];
  #version = 100;

  get version(): string {
    return String(this.#version);
  }

  onChange(listener: (change: Change) => void): void {
    this.#listeners.push(listener);
  }

  /** Copies: what is kept changes by `change` alone. */
  list(kind: Kind): Thing[] {
    return [...this.#objects[kind].values()].map((object) => structuredClone(object));
  }

  get(kind: Kind, name: string): Thing {
    const object = this.#objects[kind].get(name);
    return object === undefined ? undefined : structuredClone(object);
  }

  /** Of this uid; undefined when it is gone. */
  again(kind: Kind, { metadata }: Thing): Thing {
    const object = this.get(kind, metadata.name);
    return object?.metadata.uid === metadata.uid ? object : undefined;
  }

  /** @throws Refusal 409. */
  create(kind: Kind, given: Thing): Thing {
    const { name } = given.metadata;
    if (this.#objects[kind].has(name)) throw new Refusal(409, "AlreadyExists", `${kind} "${String(name)}" already exists`);
    const object = structuredClone(given);
    object.metadata = {
      annotations: {},
      labels: {},
      ...object.metadata,
      namespace: "trainings",
      uid: randomUUID(),
      creationTimestamp: timestamp(Date.now()),
    };
    object.status ??= {};
    this.#objects[kind].set(name, object);
    this.#tell(kind, object, "ADDED");
    return structuredClone(object);
  }

  /** Nothing happens to one that is gone. An object whose deletion waited for this change alone is gone with it. */
  change(kind: Kind, { metadata }: Thing, edit: (object: Thing) => void): Thing {
    const object = this.#objects[kind].get(metadata.name);
    if (object?.metadata.uid !== metadata.uid) return undefined;
    const before = JSON.stringify(object);
    edit(object);
    if (JSON.stringify(object) !== before) this.#tell(kind, object, "MODIFIED");
    this.#removeWhatIsFree(kind, object);
    return structuredClone(object);
  }

  /** @throws Refusal 409 when the uid is another one's. */
  patch(kind: Kind, object: Thing, patch: Thing): Thing {
    const uid: unknown = patch.metadata?.uid;
    if (uid !== undefined && uid !== object.metadata.uid)
      throw new Refusal(
        409,
        "Conflict",
        `Precondition failed: UID in precondition: ${String(uid)}, UID in object meta: ${String(object.metadata.uid)}`,
      );
    return this.change(kind, object, (kept) => {
      mergePatch(kept, patch);
    });
  }

  /** @throws Refusal 409 when the uid is another one's. */
  delete(kind: Kind, given: Thing, { gracePeriodSeconds, propagationPolicy, preconditions }: Deletion = {}): void {
    const uid = preconditions?.uid;
    if (uid !== undefined && uid !== given.metadata.uid)
      throw new Refusal(
        409,
        "Conflict",
        `the UID in the precondition (${uid}) does not match the UID in record (${String(given.metadata.uid)})`,
      );
    this.change(kind, given, (object) => {
      if (kind === "pods") setGrace(object, gracePeriodSeconds);
      else {
        // Of batch/v1 alone: who says nothing leaves the pods behind.
        const policy = propagationPolicy ?? "Orphan";
        const finalizers = new Set<string>(object.metadata.finalizers);
        if (policy !== "Background") finalizers.add(policy === "Foreground" ? FOREGROUND : ORPHAN);
        object.metadata.finalizers = [...finalizers];
        object.metadata.deletionTimestamp ??= timestamp(Date.now());
        object.metadata.deletionGracePeriodSeconds = 0;
      }
    });
  }

  #removeWhatIsFree(kind: Kind, { metadata }: Thing): void {
    const isOver = metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0;
    if (!isOver || (metadata.finalizers ?? []).length > 0) return;
    const object = this.#objects[kind].get(metadata.name);
    this.#objects[kind].delete(metadata.name);
    this.#tell(kind, object, "DELETED");
  }

  #tell(kind: Kind, object: Thing, type: Change["type"]): void {
    object.metadata.resourceVersion = String(++this.#version);
    const change: Change = { kind, version: this.#version, type, object: structuredClone(object) };
    this.changes.push(change);
    for (const listener of this.#listeners) listener(change);
  }
}

/** The API's times have whole seconds. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

/** The grace of a pod that goes already can only become shorter; one that runs nowhere has none. */
function setGrace({ metadata, spec, status }: Thing, asked: number | undefined): void {
  const isNowhere = (spec.nodeName ?? "") === "" || status.phase === "Failed" || status.phase === "Succeeded";
  const seconds: number = isNowhere ? 0 : (asked ?? spec.terminationGracePeriodSeconds ?? 30);
  if (metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds <= seconds) return;
  metadata.deletionTimestamp = timestamp(Date.now() + seconds * 1000);
  metadata.deletionGracePeriodSeconds = seconds;
}

function mergePatch(target: Thing, patch: Thing): void {
  for (const [key, value] of Object.entries<Thing>(patch)) {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- null takes a field away: RFC 7396
    if (value === null) delete target[key];
    else if (typeof value === "object" && !Array.isArray(value)) mergePatch((target[key] ??= {}), value);
    else target[key] = value;
  }
}
