/**
 * The chaos bench: `npm run test:chaos`. Kills a trainer over and over, spoils the servers' answers meanwhile, and then
 * compares what arrived with what the trainer had been told was durable. Ends with one line; exit code 1 when not ok.
 */
import { mkdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundleChildren, startServers } from "./processes.ts";
import { runJob, type Bench } from "./run-job.ts";
import { CHANNELS, FAULTS, planOf, WINDOWS } from "./schedule.ts";
import { emptyCounts } from "./verify.ts";
import { KINDS, type Kind } from "./ledger.ts";

const HELP = `Usage: npm run test:chaos -- [options]

  --kills <n>   how many times the trainer is killed (default 200)
  --long        2,000 kills
  --seed <n>    of the schedule (default: from the clock, and printed); the same seed gives the same schedule
  --sabotage <name>
                break the code on purpose, in the bundle alone, and see the bench fail; any other name lists them
  --json        nothing but the last line on standard output
  --help
`;

/** From so many kills on, every window, fault and kind must have had its turn. */
const FULL_RUN_KILLS = 200;
/** Kills in each window, for each hundred. */
const MIN_PER_WINDOW = 4;
const MIN_PER_KIND = 50;
/** Of each kind, over all servers. */
const MIN_PER_FAULT = 10;
/** Kinds of fault that each server must have met. */
const MIN_FAULTS_PER_SERVER = 6;

const { values } = parseArgs({
  options: {
    kills: { type: "string" },
    long: { type: "boolean" },
    seed: { type: "string" },
    sabotage: { type: "string" },
    json: { type: "boolean" },
    help: { type: "boolean" },
  },
});
if (values.help === true) {
  process.stdout.write(HELP);
  process.exit(0);
}
const kills = whole("kills", values.kills ?? (values.long === true ? "2000" : "200"));
const seed = whole("seed", values.seed ?? String(Date.now() % 1_000_000));

const folder = fileURLToPath(new URL(`../../.cache/chaos/run-${String(process.pid)}`, import.meta.url));
await mkdir(folder, { recursive: true });
console.error(`chaos: ${String(kills)} kills, seed ${String(seed)}`);
await bundleChildren(values.sabotage);
const [platform, storage] = await Promise.all([startServers("platform"), startServers("storage")]);
const bench: Bench = { folder, platform, storage, windows: {}, faults: {}, powerCuts: 0, clockJumps: 0, kills: 0, maxKills: kills };
const byKind = emptyCounts();
const problems: string[] = [];
const startedAt = performance.now();
let jobs = 0;
try {
  // Twice as many as needed: a window that never opens lets a trainer live, and another dies for it.
  for (const plan of planOf(seed, kills * 2)) {
    if (bench.kills >= kills) break;
    jobs++;
    const verdict = await runJob(plan, bench);
    for (const kind of KINDS)
      for (const count of Object.keys(byKind[kind]) as (keyof (typeof byKind)[Kind])[]) byKind[kind][count] += verdict.byKind[kind][count];
    problems.push(...verdict.problems);
    for (const problem of verdict.problems) console.error(`chaos: ${problem}`);
    console.error(
      `chaos: ${plan.jobId} done, ${String(bench.kills)} of ${String(kills)} kills, ${String(Math.round((performance.now() - startedAt) / 1000))} s`,
    );
  }
} catch (error) {
  problems.push(error instanceof Error ? error.message : String(error));
  console.error(error);
} finally {
  platform.end();
  storage.end();
}

if (bench.kills < kills) problems.push(`only ${String(bench.kills)} of ${String(kills)} kills came about`);
if (kills >= FULL_RUN_KILLS) {
  for (const window of WINDOWS)
    if ((bench.windows[window] ?? 0) < (MIN_PER_WINDOW * kills) / 100)
      problems.push(`window ${window} was hit ${String(bench.windows[window] ?? 0)} times only`);
  for (const fault of FAULTS) {
    const hits = CHANNELS.map((channel) => bench.faults[`${channel}:${fault}`] ?? 0).reduce((sum, count) => sum + count, 0);
    if (hits < MIN_PER_FAULT) problems.push(`fault ${fault} hit ${String(hits)} requests only`);
  }
  for (const channel of CHANNELS) {
    const kinds = Object.keys(bench.faults).filter((name) => name.startsWith(`${channel}:`)).length;
    if (kinds < MIN_FAULTS_PER_SERVER) problems.push(`${channel} met ${String(kinds)} kinds of fault only`);
  }
  if (bench.clockJumps < MIN_PER_FAULT) problems.push(`the clock jumped ${String(bench.clockJumps)} times only`);
  for (const kind of KINDS)
    if (byKind[kind].durable < (kind === "final" || kind === "started" ? jobs / 2 : MIN_PER_KIND))
      problems.push(`only ${String(byKind[kind].durable)} of ${kind}`);
}
const total = (count: "durable" | "lost" | "doubled" | "resent" | "superseded"): number =>
  KINDS.reduce((sum, kind) => sum + byKind[kind][count], 0);
const ok = problems.length === 0 && total("lost") === 0 && total("doubled") === 0;
for (const problem of problems.slice(0, 20)) console.error(`chaos: ${problem}`);
if (ok) await rm(folder, { recursive: true, force: true });
else console.error(`chaos: ledgers and journals of what failed are kept in ${folder}`);
if (values.json !== true) console.log(`Seed ${String(seed)}: ${ok ? "nothing lost, nothing doubled" : "FAILED"}.`);
console.log(
  JSON.stringify({
    ok,
    seed,
    ...(values.sabotage === undefined ? {} : { sabotage: values.sabotage }),
    kills: bench.kills,
    jobs,
    durable: total("durable"),
    lost: total("lost"),
    doubled: total("doubled"),
    resent: total("resent"),
    superseded: total("superseded"),
    powerCuts: bench.powerCuts,
    clockJumps: bench.clockJumps,
    seconds: Math.round((performance.now() - startedAt) / 1000),
    byKind,
    faults: Object.fromEntries(Object.entries(bench.faults).sort(([one], [other]) => (one < other ? -1 : 1))),
    windows: bench.windows,
    problems: problems.length,
  }),
);
process.exitCode = ok ? 0 : 1;

function whole(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  console.error(`--${name} must be a whole number, not ${JSON.stringify(text)}.\n\n${HELP}`);
  process.exit(2);
}
