/**
 * What a job left at the servers against what its ledger says: value by value, kind by kind. `lost`: told durable and not
 * there, or there with another value. `doubled`: seen twice by whoever reads. `resent`: accepted twice and seen once, which
 * the design allows for points and callbacks. Pure.
 */
import { KINDS, saidIn, type Kind, type LedgerLine, type Said } from "./ledger.ts";
import type { PlatformDump, StorageDump } from "./servers-child.ts";

export interface KindCount {
  durable: number;
  lost: number;
  doubled: number;
  resent: number;
  /** Checkpoints of the kind "last" that a newer one had overtaken while they waited: allowed, and counted apart. */
  superseded: number;
}

export interface Verdict {
  readonly byKind: Record<Kind, KindCount>;
  /** Every fault in words, for whoever has to find it. */
  readonly problems: readonly string[];
}

export function emptyCounts(): Record<Kind, KindCount> {
  return Object.fromEntries(KINDS.map((kind) => [kind, { durable: 0, lost: 0, doubled: 0, resent: 0, superseded: 0 }])) as Record<
    Kind,
    KindCount
  >;
}

type Callback = PlatformDump["callbacks"][number];

export function verifyJob(
  jobId: string,
  ending: string,
  lines: readonly LedgerLine[],
  platform: PlatformDump,
  storage: StorageDump,
): Verdict {
  const byKind = emptyCounts();
  const problems: string[] = [];
  const lost = (kind: Kind, what: string): void => {
    byKind[kind].lost++;
    problems.push(`${jobId}: lost ${kind}: ${what}`);
  };
  const doubled = (kind: Kind, what: string): void => {
    byKind[kind].doubled++;
    problems.push(`${jobId}: doubled ${kind}: ${what}`);
  };
  const said = saidIn(lines);
  const durable = said.filter(({ answer }) => answer?.status === "durable");
  for (const { kind } of durable) byKind[kind].durable++;
  for (const { kind, answer } of said)
    if (answer && answer.status !== "durable") problems.push(`${jobId}: ${kind} was answered ${answer.status}: ${answer.reason ?? ""}`);
  const of = (kind: Kind): Said[] => durable.filter((one) => one.kind === kind);
  const files: Readonly<Record<string, string>> = { ...platform.files, ...storage.files };

  // One of each.
  if (platform.tasks.length === 0) problems.push(`${jobId}: there is no task`);
  if (platform.tasks.length > 1) doubled("started", `${String(platform.tasks.length)} tasks`);
  if (platform.projects !== 1) problems.push(`${jobId}: ${String(platform.projects)} projects instead of one`);
  const [task] = platform.tasks;

  // The callbacks: by record.
  const callbacks = new Map<string, Callback[]>();
  for (const callback of platform.callbacks) callbacks.set(callback.key, [...(callbacks.get(callback.key) ?? []), callback]);
  for (const [key, same] of callbacks) {
    const kind = kindOf(same[0]!);
    if (kind && same.length > 1) byKind[kind].resent += same.length - 1;
    const told = new Set(same.map(({ path, body: { task_id: _, ...body } }) => `${path} ${JSON.stringify(body)}`));
    if (told.size > 1) problems.push(`${jobId}: callback ${key} said different things: ${[...told].join(" | ")}`);
  }
  // Two records for one thing that was said once.
  const identities = new Map<string, Set<string>>();
  for (const callback of platform.callbacks) {
    const kind = kindOf(callback);
    const identity = identityOf(kind, callback);
    if (kind && identity !== undefined)
      identities.set(`${kind} ${identity}`, (identities.get(`${kind} ${identity}`) ?? new Set()).add(callback.key));
  }
  for (const [identity, keys] of identities)
    if (keys.size > 1) doubled(identity.split(" ")[0] as Kind, `${identity} in ${[...keys].join(", ")}`);
  const callbackOf = (one: Said): Callback | undefined => callbacks.get(one.answer?.recordId ?? "")?.[0];
  const expectCallback = (one: Said, path: string, matches: (body: any) => boolean): boolean => {
    const callback = callbackOf(one);
    if (!callback) lost(one.kind, `number ${String(one.number)} (${one.answer?.recordId ?? ""}) never reached the backend`);
    else if (callback.path !== path || callback.body.sequence !== one.answer?.sequence || !matches(callback.body))
      lost(one.kind, `number ${String(one.number)} reached the backend as ${callback.path} ${JSON.stringify(callback.body)}`);
    else return true;
    return false;
  };

  // Points.
  const points = new Map<string, number[]>();
  for (const { line, iteration, value } of platform.scalars)
    points.set(`${line}@${String(iteration)}`, [...(points.get(`${line}@${String(iteration)}`) ?? []), value]);
  const expectPoint = (one: Said, line: string, value: number): void => {
    const name = `${line}@${String(one.number)}`;
    const there = points.get(name) ?? [];
    if (there.length > 1) doubled(one.kind, `point ${name}`);
    if (!there.some((found) => Math.fround(found) === Math.fround(value)))
      lost(one.kind, `point ${name}: ${JSON.stringify(there)} instead of ${String(value)}`);
    byKind[one.kind].resent += Math.max(0, (platform.acceptedPoints[name] ?? 0) - 1);
  };
  for (const one of of("progress")) {
    const metrics = one.value as Record<string, number>;
    if (expectCallback(one, "/progress", (body) => same(body.metrics, metrics) && body.iteration === one.number)) {
      expectPoint(one, "loss/train", metrics["train_loss"]!);
      expectPoint(one, "accuracy/val", metrics["val/accuracy"]!);
    }
  }
  for (const one of of("validation")) {
    const metrics = one.value as Record<string, number>;
    if (expectCallback(one, "/validation", (body) => same(body.metrics, metrics))) expectPoint(one, "f1/test", metrics["test_f1"]!);
  }
  for (const one of of("scalar")) expectPoint(one, "lr/group 0", one.value as number);
  const known = new Set(["loss/train", "accuracy/val", "f1/test", "lr/group 0"]);
  for (const { line, iteration } of platform.scalars) {
    // Final figures, and the SDK's own chart of what it gave up.
    if (!known.has(line) && !line.startsWith("Summary/") && !line.startsWith("trainer-sdk/"))
      doubled("scalar", `a point on a line that nobody drew: ${line}@${String(iteration)}`);
  }

  // Plots, by iteration; samples, by iteration and by what their addresses hold.
  for (const one of of("plot")) {
    const there = platform.plots.filter(({ iteration }) => iteration === one.number);
    if (there.length > 1) doubled("plot", String(one.number));
    if (there[0]?.value !== one.value)
      lost("plot", `number ${String(one.number)} shows ${String(there[0]?.value)} instead of ${String(one.value)}`);
  }
  for (const { url } of platform.samples) if (files[url] === undefined) lost("sample", `${url} was announced and holds nothing`);
  for (const one of of("sample")) {
    const { sha256 } = one.value as { sha256: string };
    const there = platform.samples.filter(({ iteration }) => iteration === one.number);
    if (there.length > 1) doubled("sample", String(one.number));
    if (files[there[0]?.url ?? ""] !== sha256) lost("sample", `number ${String(one.number)} is at ${there[0]?.url ?? "no address"}`);
  }

  // Console.
  const consoleLines = new Map<string, number>();
  for (const { message } of platform.console) consoleLines.set(message, (consoleLines.get(message) ?? 0) + 1);
  for (const [message, count] of consoleLines)
    if (count > 1) doubled("log", `${String(count)} console lines ${JSON.stringify(message.slice(0, 60))}`);
  for (const one of of("log")) {
    if (expectCallback(one, "/log", (body) => body.message === one.value) && !consoleLines.has(one.value as string))
      lost("log", `console line ${String(one.number)}`);
  }
  const disorder = platform.console.findIndex(({ record }, at) => at > 0 && record < platform.console[at - 1]!.record);
  if (disorder >= 0)
    problems.push(
      `${jobId}: console line of record ${String(platform.console[disorder]!.record)} came after that of ${String(platform.console[disorder - 1]!.record)}`,
    );

  // Files: what is announced holds what was said.
  const fileOk = (one: Said, uri: string | undefined, sha256: string): boolean => {
    if (uri !== undefined && files[uri] === sha256) return true;
    lost(
      one.kind,
      `number ${String(one.number)}: ${uri ?? "no address"} holds ${uri === undefined ? "nothing" : (files[uri] ?? "nothing")} instead of ${sha256}`,
    );
    return false;
  };
  const announced = (type: string) => platform.callbacks.filter(({ path, body }) => path === "/checkpoint" && body.type === type);
  for (const { body } of [...announced("last"), ...announced("best")])
    if (files[body.uri] !== body.sha256)
      lost(`checkpoint-${body.type as "last" | "best"}`, `${String(body.uri)} was announced and holds ${files[body.uri] ?? "nothing"}`);
  for (const type of ["last", "best"] as const) {
    const newest = Math.max(0, ...announced(type).map(({ body }) => Number(body.sequence)));
    for (const one of of(`checkpoint-${type}`)) {
      const { sha256 } = one.value as { sha256: string };
      if (type === "last" && !callbackOf(one) && (one.answer?.sequence ?? 0) < newest) byKind[`checkpoint-${type}`].superseded++;
      else if (expectCallback(one, "/checkpoint", (body) => body.sha256 === sha256 && body.uri === one.answer?.uri))
        fileOk(one, one.answer?.uri, sha256);
    }
    const inTask = task?.artifacts.filter(({ key }) => key === `checkpoint_${type}`) ?? [];
    const wanted = announced(type).find(({ body }) => body.sequence === newest)?.body.uri;
    if (inTask.length > 1) doubled(`checkpoint-${type}`, "two artifacts of one key");
    if (wanted !== undefined && inTask[0]?.uri !== wanted)
      lost(`checkpoint-${type}`, `the task's artifact is ${inTask[0]?.uri ?? "absent"} instead of ${String(wanted)}`);
    const models = platform.models.filter(({ name }) => name.endsWith(`checkpoint_${type}`));
    if (models.length > 1) doubled(`checkpoint-${type}`, `${String(models.length)} models`);
    if (type === "best" && wanted !== undefined && models[0]?.uri !== wanted)
      lost("checkpoint-best", `the model points to ${models[0]?.uri ?? "nothing"} instead of ${String(wanted)}`);
  }
  for (const one of of("model")) {
    const { name, sha256 } = one.value as { name: string; sha256: string };
    const there = platform.models.filter((model) => model.name === name);
    if (there.length === 0) lost("model", `${name} is not in ClearML`);
    else if (expectCallback(one, "/model", (body) => body.name === name && body.sha256 === sha256)) fileOk(one, there[0]?.uri, sha256);
  }
  for (const name of new Set(platform.models.map((model) => model.name)))
    if (platform.models.filter((model) => model.name === name).length > 1) doubled("model", name);
  for (const one of of("artifact")) {
    const { name, sha256 } = one.value as { name: string; sha256: string };
    const there = task?.artifacts.filter(({ key }) => key === name) ?? [];
    if (there.length > 1) doubled("artifact", name);
    if (there[0]?.hash !== sha256) lost("artifact", `${name} is ${there[0]?.hash ?? "absent"}`);
    else fileOk(one, there[0].uri, sha256);
  }

  // Edits of the task.
  for (const one of of("tags")) {
    const count = task?.tags.filter((tag) => tag === one.value).length ?? 0;
    if (count === 0) lost("tags", String(one.value));
    if (count > 1) doubled("tags", String(one.value));
  }
  for (const one of of("hyperparameters"))
    if (task?.hyperparameters[`step-${String(one.number)}`] !== String(one.value)) lost("hyperparameters", `step-${String(one.number)}`);
  for (const one of of("configuration"))
    if (task?.configuration[`configuration-${String(one.number)}`] !== one.value)
      lost("configuration", `configuration-${String(one.number)}`);
  for (const one of of("started")) expectCallback(one, "/started", (body) => body.total_epochs === 100);

  // The end: one, the last, and nothing after it.
  for (const one of of("final")) expectCallback(one, `/${ending}`, () => true);
  const ends = new Set(platform.callbacks.filter(isEnd).map(({ key }) => key));
  if (ends.size === 0) lost("final", "the backend heard of no end");
  if (ends.size > 1) doubled("final", [...ends].join(", "));
  if (task?.status !== ending) lost("final", `the task is ${task?.status ?? "absent"} instead of ${ending}`);
  const firstEnd = platform.callbacks.findIndex(isEnd);
  const after = platform.callbacks.slice(firstEnd + 1).filter((callback) => firstEnd >= 0 && !isEnd(callback));
  for (const { path, key } of after) problems.push(`${jobId}: ${path} ${key} came after the end`);
  byKind.final.resent += Math.max(0, platform.endsAccepted - 1);
  if (platform.eventsAfterEnd > 0) problems.push(`${jobId}: ${String(platform.eventsAfterEnd)} events after ClearML had the end`);
  return { byKind, problems };
}

const isEnd = ({ path }: Callback): boolean => ["/completed", "/failed", "/stopped"].includes(path);

function kindOf({ path, body }: Callback): Kind | undefined {
  switch (path) {
    case "/started":
      return "started";
    case "/progress":
      return "progress";
    case "/validation":
      return "validation";
    case "/log":
      return "log";
    case "/checkpoint":
      return body.type === "best" ? "checkpoint-best" : "checkpoint-last";
    case "/model":
      return "model";
    default:
      return path === "/completed" || path === "/failed" || path === "/stopped" ? "final" : undefined;
  }
}

/** What was said, apart from the record that says it. */
function identityOf(kind: Kind | undefined, { body }: Callback): string | undefined {
  switch (kind) {
    case "started":
      return "";
    case "progress":
    case "validation":
      return String(body.iteration);
    case "log":
      return String(body.message);
    case "checkpoint-last":
    case "checkpoint-best":
      return String(body.epoch);
    case "model":
      return String(body.name);
    default:
      return undefined;
  }
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
