/**
 * What a test reads back: the servers' own memory, in plain values. Nothing here comes from the SDK under test.
 */
import type { FileStore } from "../devserver/files/file-store.js";
import { safePath } from "../devserver/files/file-store.js";
import type { ModelDocument, TaskDocument } from "../devserver/store/documents.js";
import type { EventRow, EventType, ReceivedCallback, Store } from "../devserver/store/store.js";
import { readBytes } from "../protocol/handler.js";
import { SINGLE_VALUE_ITERATION } from "../protocol/clearml/limits.js";
import type { S3Double, S3Object } from "./s3.js";

/** One point of a chart. */
export interface TestPoint {
  readonly iteration: number;
  readonly value: number;
}

/** One console line. */
export interface TestLine {
  /** As ClearML spells it: `info`, `warning`, ... */
  readonly level: string;
  readonly message: string;
}

/** One plot, as ClearML keeps it. */
export interface TestPlot {
  readonly iteration: number;
  /** The Plotly figure, parsed. */
  readonly figure: { readonly data: readonly Readonly<Record<string, unknown>>[]; readonly layout: Readonly<Record<string, unknown>> };
}

/** One debug sample: an image, a video, a sound, a page. */
export interface TestSample {
  readonly iteration: number;
  /** Where its bytes are; see {@link PlatformReader.contentOf}. */
  readonly url: string;
}

/** Reads what arrived. */
export interface PlatformReader {
  /** ClearML's tasks, oldest first, as the server keeps them. */
  tasks(): readonly TaskDocument[];
  /** The points of a task by `<title>/<series>`, by iteration. Single values are in {@link PlatformReader.singleValues}. */
  scalars(taskId: string): Readonly<Record<string, readonly TestPoint[]>>;
  /** A task's single values by name. */
  singleValues(taskId: string): Readonly<Record<string, number>>;
  /** The plots of a task by `<title>/<series>`, by iteration. */
  plots(taskId: string): Readonly<Record<string, readonly TestPlot[]>>;
  /** The debug samples of a task by `<title>/<series>`, by iteration. */
  samples(taskId: string): Readonly<Record<string, readonly TestSample[]>>;
  /** A task's console, in order. */
  lines(taskId: string): readonly TestLine[];
  /** A task's artifacts, as the server keeps them. */
  artifacts(taskId: string): NonNullable<TaskDocument["execution"]["artifacts"]>;
  /** Models, oldest first; of one task when it is named. */
  models(taskId?: string): readonly ModelDocument[];
  /** Callbacks in order of arrival; of one path, such as `/progress`, when it is named. */
  callbacks(path?: string): readonly ReceivedCallback[];
  /** What lies in the buckets, by bucket and key. */
  objects(): readonly S3Object[];
  /** The bytes behind an announced address, on S3 or ClearML's file server; undefined when there are none. */
  contentOf(uri: string): Promise<Uint8Array | undefined>;
}

/** Where the servers keep things, and their addresses. */
export interface PlatformSources {
  readonly store: Store;
  readonly files: FileStore;
  readonly s3: S3Double;
  readonly filesHost: string;
  readonly s3Host: string;
}

/** More than any test writes; the store wants a number. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

export function createPlatformReader({ store, files, s3, filesHost, s3Host }: PlatformSources): PlatformReader {
  const rowsOf = (entity: string, type: EventType): readonly EventRow[] =>
    store.events.byIteration({ entity, types: [type] }, { order: "asc", limit: NO_LIMIT });
  const scalarRows = (entity: string): readonly EventRow[] => rowsOf(entity, "training_stats_scalar");
  const byLine = <T>(rows: readonly EventRow[], read: (row: EventRow) => T): Record<string, T[]> => {
    const lines: Record<string, T[]> = {};
    for (const row of rows) (lines[`${row.metric}/${row.variant}`] ??= []).push(read(row));
    return lines;
  };
  return {
    tasks: () => [...store.tasks.values()],
    scalars(taskId) {
      const lines: Record<string, TestPoint[]> = {};
      for (const { metric, variant, iteration, value } of scalarRows(taskId)) {
        if (value === undefined || iteration === undefined || iteration === SINGLE_VALUE_ITERATION) continue;
        (lines[`${metric}/${variant}`] ??= []).push({ iteration, value });
      }
      return lines;
    },
    singleValues(taskId) {
      const single = scalarRows(taskId).filter(({ iteration }) => iteration === SINGLE_VALUE_ITERATION);
      return Object.fromEntries(single.flatMap(({ variant, value }) => (value === undefined ? [] : [[variant, value]])));
    },
    plots: (taskId) =>
      byLine(rowsOf(taskId, "plot"), ({ iteration = 0, extra }) => ({
        iteration,
        figure: JSON.parse(textOf(extra["plot_str"])) as TestPlot["figure"],
      })),
    samples: (taskId) =>
      byLine(rowsOf(taskId, "training_debug_image"), ({ iteration = 0, extra }) => ({ iteration, url: textOf(extra["url"]) })),
    lines(taskId) {
      const rows = store.events.logs({ entity: taskId }, { earlier: false, limit: NO_LIMIT });
      return rows.map(({ extra }) => ({ level: textOf(extra["level"]), message: textOf(extra["msg"]) }));
    },
    artifacts: (taskId) => store.tasks.get(taskId)?.execution.artifacts ?? [],
    models: (taskId) => [...store.models.values()].filter(({ task }) => taskId === undefined || task === taskId),
    callbacks: (path) => store.callbacks.list().filter((callback) => path === undefined || callback.path === path),
    objects: () => s3.objects(),
    async contentOf(uri) {
      const [, host, bucket = "", key = ""] = /^s3:\/\/([^/]+)\/([^/]+)\/(.*)$/.exec(uri) ?? [];
      // Keys stand in S3 addresses as they are, unescaped.
      if (host !== undefined) return host === s3Host ? s3.object(bucket, key)?.body : undefined;
      const url = new URL(uri);
      if (url.origin !== filesHost) return undefined;
      const path = safePath(decodeURIComponent(url.pathname));
      const file = path === undefined ? undefined : await files.open(path);
      return file === undefined ? undefined : readBytes(file.read(0, file.sizeBytes - 1));
    },
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
