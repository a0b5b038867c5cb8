/** One job from its first start to its verdict: killed as its plan says, then left to finish with all faults gone. */
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { readLedger, saidIn } from "./ledger.ts";
import { startChild, type ServersChild } from "./processes.ts";
import type { JobPlan, Start } from "./schedule.ts";
import type { PlatformDump, StorageDump, Trap } from "./servers-child.ts";
import type { TrainerOrders } from "./trainer-child.ts";
import { verifyJob, type Verdict } from "./verify.ts";

/** A window that does not open is not waited for longer; the kill then counts as a random one. */
const MAX_LIFE_MS = 2_500;
/** With no fault in the way. */
const MAX_FINISH_MS = 60_000;

export interface Bench {
  readonly folder: string;
  readonly platform: ServersChild;
  readonly storage: ServersChild;
  /** Where kills struck. */
  readonly windows: Record<string, number>;
  /** Requests hit, by `channel:fault`. */
  readonly faults: Record<string, number>;
  powerCuts: number;
  /** Of the trainers' wall clocks. */
  clockJumps: number;
  kills: number;
  readonly maxKills: number;
}

export async function runJob(plan: JobPlan, bench: Bench): Promise<Verdict> {
  const ledger = join(bench.folder, `${plan.jobId}.ndjson`);
  const folder = join(bench.folder, plan.jobId);
  await mkdir(folder, { recursive: true });
  const env = {
    ...bench.platform.env,
    ...bench.storage.env,
    JOB_ID: plan.jobId,
    PROJECT_ID: plan.projectId,
    ...(plan.storage === "clearml" ? { CHECKPOINT_URI: "clearml" } : {}),
  };
  const orders: Omit<TrainerOrders, "mode" | "kill" | "powerCut" | "clockJumps"> = {
    jobId: plan.jobId,
    ending: plan.ending,
    env,
    folder,
    ledger,
  };
  for (const start of plan.starts) {
    if (bench.kills >= bench.maxKills) break;
    const hasEnd = saidIn(readLedger(ledger)).some(({ kind }) => kind === "final");
    const mode = hasEnd ? "deliver" : start.kill.at === "in-final-barrier" ? "end" : "work";
    await live({ ...orders, mode, kill: start.kill, powerCut: start.powerCut, clockJumps: start.clockJumps }, start, plan, bench);
  }
  const quiet = { kill: undefined, powerCut: false, clockJumps: [] };
  await finish({ ...orders, ...quiet, mode: "deliver" });
  let read = await readBack(plan, bench);
  // A trainer that was killed before its end was durable says it again, unless the platform has heard of it.
  if (!read.platform.callbacks.some(({ path }) => path === `/${plan.ending}`)) {
    await finish({ ...orders, ...quiet, mode: "finish" });
    read = await readBack(plan, bench);
  }
  const lines = readLedger(ledger);
  bench.clockJumps += lines.filter(({ t }) => t === "jump").length;
  const verdict = verifyJob(plan.jobId, plan.ending, lines, read.platform, read.storage);
  const closed = lines.findLast((line) => line.t === "closed");
  const problems =
    closed?.complete === true
      ? verdict.problems
      : [...verdict.problems, `${plan.jobId}: not delivered at the end: ${JSON.stringify(closed ?? "never closed")}`];
  if (problems.length === 0) await rm(folder, { recursive: true, force: true });
  return { ...verdict, problems };
}

/** One life: faults on, trainer up, trainer killed, faults off. */
async function live(orders: TrainerOrders, start: Start, plan: JobPlan, bench: Bench): Promise<void> {
  const { platform, storage } = bench;
  const strikesBefore = strikes(orders.ledger);
  await platform.ask({ t: "faults", faults: start.faults.filter(({ channel }) => channel !== "s3") });
  await storage.ask({ t: "faults", faults: start.faults.filter(({ channel }) => channel === "s3") });
  const trap = trapOf(start, plan, orders.mode);
  if (start.kill.at === "in-final-barrier" && start.kill.variant === 3 && orders.mode === "end")
    await (plan.storage === "s3" ? storage : platform).ask({
      t: "faults",
      faults: [{ channel: plan.storage === "s3" ? "s3" : "files", fault: "503", skip: 0, times: 1_000 }],
    });
  const servers = trap?.channel === "s3" ? storage : platform;
  let held = false as boolean;
  const child = startChild("trainer-child", JSON.stringify(orders));
  const kill = (): void => void child.kill("SIGKILL");
  servers.onHeld = () => {
    held = true;
    kill();
  };
  if (trap) await servers.ask({ t: "trap", trap });
  const limit = setTimeout(kill, MAX_LIFE_MS);
  let timer: NodeJS.Timeout | undefined;
  const { kill: order } = start;
  if (order.at === "random" && order.from === "spawn") timer = setTimeout(kill, order.afterMs);
  child.on("message", () => {
    if (order.at === "random" && order.from === "ready") timer = setTimeout(kill, order.afterMs);
  });
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  clearTimeout(limit);
  clearTimeout(timer);
  servers.onHeld = () => undefined;
  await clearFaults(bench);
  if (signal !== "SIGKILL") {
    if (code !== 0) throw new Error(`${plan.jobId}: the trainer ended with ${String(code ?? signal)}`);
    return;
  }
  bench.kills++;
  if (start.powerCut) bench.powerCuts++;
  const window = held || strikes(orders.ledger) > strikesBefore ? order.at : "random";
  bench.windows[window] = (bench.windows[window] ?? 0) + 1;
}

async function finish(orders: TrainerOrders): Promise<void> {
  const child = startChild("trainer-child", JSON.stringify(orders));
  const limit = setTimeout(() => void child.kill("SIGKILL"), MAX_FINISH_MS);
  const [code] = (await once(child, "exit")) as [number | null];
  clearTimeout(limit);
  if (code !== 0) throw new Error(`${orders.jobId}: the trainer did not finish within ${String(MAX_FINISH_MS)} ms (${String(code)})`);
}

async function clearFaults({ platform, storage, faults }: Bench): Promise<void> {
  for (const { hits } of [await platform.ask({ t: "clear" }), await storage.ask({ t: "clear" })] as { hits: Record<string, number> }[])
    Object.assign(faults, hits);
}

async function readBack(plan: JobPlan, { platform, storage }: Bench): Promise<{ platform: PlatformDump; storage: StorageDump }> {
  const request = { t: "read", jobId: plan.jobId, projectId: plan.projectId } as const;
  return { platform: (await platform.ask(request)).dump as PlatformDump, storage: (await storage.ask(request)).dump as StorageDump };
}

function strikes(ledger: string): number {
  return readLedger(ledger).filter(({ t }) => t === "strike").length;
}

/** Where a server must hold a request for the window to be open. */
function trapOf({ kill }: Start, plan: JobPlan, mode: TrainerOrders["mode"]): Trap | undefined {
  if (kill.at === "after-upload-before-announcement") {
    if (kill.variant === 0 || kill.variant === 3)
      return plan.storage === "s3"
        ? { channel: "s3", methods: ["PUT"], paths: ["/checkpoints/", "/models/"], when: "after" }
        : { channel: "files", methods: ["POST"], paths: ["/"], when: "after" };
    if (kill.variant === 1) return { channel: "api", methods: ["POST"], paths: ["add_or_update_artifacts"], when: "before" };
    return { channel: "callbacks", methods: ["POST"], paths: ["/checkpoint"], when: "before" };
  }
  if (kill.at !== "in-final-barrier") return undefined;
  const api = ["tasks.completed", "tasks.failed", "tasks.stopped"];
  const callbacks = ["/completed", "/failed", "/stopped"];
  if (mode === "end" && kill.variant === 3) return undefined;
  if (kill.variant === 0) return { channel: "api", methods: ["POST"], paths: api, when: "before" };
  if (kill.variant === 1) return { channel: "callbacks", methods: ["POST"], paths: callbacks, when: "before" };
  if (kill.variant === 2) return { channel: "api", methods: ["POST"], paths: api, when: "after" };
  return { channel: "callbacks", methods: ["POST"], paths: callbacks, when: "after" };
}
