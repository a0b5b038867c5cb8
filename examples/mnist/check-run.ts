/**
 * The demo's verdict: what the servers hold, and everything that is not as it should be. Every figure comes from an
 * answer of a server or from downloaded bytes; the only outside knowledge is how many epochs were asked for.
 */
import { loadTestDigits } from "./digits.ts";
import type { ArtifactDocument, Download, ReceivedCallback, ServerReader, TaskDocument } from "./server-reader.ts";
import { evaluate, networkOf } from "./training-run.ts";
import { parseWeights } from "./weights-file.ts";

/** What the demo prints with `--json`. */
export interface DemoReport {
  readonly ok: boolean;
  readonly task: { readonly id: string; readonly status: string };
  /** Points by `<title>/<series>`. */
  readonly scalars: Readonly<Record<string, number>>;
  /** The task's checkpoints; size and digest are those of the bytes that were downloaded. */
  readonly checkpoints: readonly { readonly type: string; readonly uri: string; readonly bytes: number; readonly sha256: string }[];
  /** The accuracy that a fresh network with the downloaded weights has on the test digits. */
  readonly model: { readonly id: string; readonly uri: string; readonly accuracy: number };
  /** Different callbacks received, by their Idempotency-Key. */
  readonly callbacks: Readonly<Record<"progress" | "checkpoint" | "model" | "completed", number>>;
}

export interface Verdict {
  readonly report: DemoReport;
  /** In words; empty when `report.ok`. */
  readonly problems: readonly string[];
}

/** The lines that an epoch adds one point to. */
const EPOCH_SERIES = ["loss/train", "accuracy/train", "learning_rate/metrics", "loss/val", "accuracy/val"];

/** Reads everything back. @throws Error when there is not exactly one task, or a server does not answer. */
export async function checkRun(
  reader: ServerReader,
  expected: { readonly jobId: string; readonly taskName: string; readonly epochs: number },
): Promise<Verdict> {
  const problems: string[] = [];
  const expect = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(problem);
  };

  const task = await onlyTask(reader, expected.taskName);
  expect(task.status === "completed", `the task is ${task.status}, not completed`);

  const scalars = await reader.scalars(task.id);
  const epochs = Array.from({ length: expected.epochs }, (_, index) => index + 1);
  for (const name of EPOCH_SERIES) {
    expect(
      scalars.get(name)?.x.join() === epochs.join(),
      `${name} has points at [${scalars.get(name)?.x.join() ?? ""}], not one for each of ${String(epochs.length)} epochs`,
    );
  }
  expect((scalars.get("batch loss/train")?.x.length ?? 0) > 0, "there is no chart of steps");

  const lines = await reader.log(task.id);
  for (const epoch of epochs)
    expect(
      lines.some(({ msg }) => msg.startsWith(`epoch ${String(epoch)}/`)),
      `the console lacks epoch ${String(epoch)}`,
    );
  expect(Object.keys(task.hyperparams ?? {}).length > 0, "the task has no hyperparameters");

  const callbacks = distinct(await reader.callbacks(expected.jobId));
  const count = (kind: string): number => callbacks.filter((callback) => callback.kind === kind).length;
  expect(count("progress") === expected.epochs, `${String(count("progress"))} progress callbacks for ${String(expected.epochs)} epochs`);
  expect(count("completed") === 1 && callbacks.at(-1)?.kind === "completed", "the callbacks do not end with one completed");
  expect(count("model") === 1, `${String(count("model"))} model callbacks`);
  for (const { kind, body } of callbacks) if (kind === "checkpoint") await checkDownload(reader, body, expect);

  const checkpoints = [];
  let best: Download | undefined;
  for (const type of ["last", "best"]) {
    const artifact = task.execution?.artifacts?.find(({ key }) => key === `checkpoint_${type}`);
    if (artifact?.uri === undefined) {
      problems.push(`the task has no artifact checkpoint_${type}`);
      continue;
    }
    const download = await checkArtifact(reader, artifact, callbacks, type, expect);
    if (type === "best") best = download;
    checkpoints.push({ type, uri: artifact.uri, bytes: download.bytes.length, sha256: download.sha256 });
  }

  const models = (await reader.models(task.id)).filter(({ tags }) => tags?.includes("mnist"));
  const model = models[0];
  expect(models.length === 1, `${String(models.length)} registered models`);
  expect(
    model !== undefined && best !== undefined && (await reader.download(model.uri)).sha256 === best.sha256,
    "the registered model's bytes are not those of the best checkpoint",
  );

  const accuracy =
    best === undefined
      ? 0
      : (await evaluate(networkOf(parseWeights(best.bytes, "the downloaded best checkpoint")), await loadTestDigits())).accuracy;
  const reported = (await reader.singleValues(task.id)).get("test_accuracy");
  // ClearML's index keeps 32-bit floats.
  expect(
    reported !== undefined && Math.fround(reported) === Math.fround(accuracy),
    `the best checkpoint's accuracy is ${String(accuracy)}, the reported one ${String(reported)}`,
  );
  const told = callbacks.find(({ kind }) => kind === "completed")?.body["final_metrics"] as { test_accuracy?: number } | undefined;
  expect(told?.test_accuracy === accuracy, `the backend was told an accuracy of ${String(told?.test_accuracy)}`);

  return {
    problems,
    report: {
      ok: problems.length === 0,
      task: { id: task.id, status: task.status },
      scalars: Object.fromEntries([...scalars].map(([name, { x }]) => [name, x.length])),
      checkpoints,
      model: { id: model?.id ?? "", uri: model?.uri ?? "", accuracy },
      callbacks: { progress: count("progress"), checkpoint: count("checkpoint"), model: count("model"), completed: count("completed") },
    },
  };
}

type Expect = (holds: boolean, problem: string) => void;

async function onlyTask(reader: ServerReader, name: string): Promise<TaskDocument> {
  const tasks = await reader.tasksNamed(name);
  const [task] = tasks;
  if (task === undefined || tasks.length > 1) throw new Error(`ClearML holds ${String(tasks.length)} tasks named ${name}, not one.`);
  return task;
}

/** A callback may come twice; its key tells. */
function distinct(callbacks: readonly ReceivedCallback[]): readonly ReceivedCallback[] {
  return [...new Map(callbacks.map((callback) => [callback.idempotencyKey, callback])).values()];
}

/** What a checkpoint callback announced is what is there. */
async function checkDownload(reader: ServerReader, body: ReceivedCallback["body"], expect: Expect): Promise<void> {
  const uri = String(body["uri"]);
  const { bytes, sha256 } = await reader.download(uri);
  expect(bytes.length === body["size_bytes"] && sha256 === body["sha256"], `the bytes at ${uri} are not those that were announced`);
}

/** ClearML's artifact agrees with its bytes, and with the newest callback of the same type. */
async function checkArtifact(
  reader: ServerReader,
  artifact: ArtifactDocument,
  callbacks: readonly ReceivedCallback[],
  type: string,
  expect: Expect,
): Promise<Download> {
  const uri = artifact.uri ?? "";
  const download = await reader.download(uri);
  expect(
    download.sha256 === artifact.hash && download.bytes.length === artifact.content_size,
    `the bytes of checkpoint_${type} are not those in ClearML's entry`,
  );
  const newest = callbacks.findLast(({ kind, body }) => kind === "checkpoint" && body["type"] === type);
  expect(newest?.body["uri"] === uri, `ClearML's checkpoint_${type} is at ${uri}; the backend was told ${String(newest?.body["uri"])}`);
  return download;
}
