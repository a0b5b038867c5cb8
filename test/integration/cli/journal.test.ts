/** `trainer-sdk journal` on folders that real trainers left or hold. */
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCommandLine } from "../../../src/cli/program.js";
import { Outbox } from "../../../src/outbox/outbox.js";
import type { Delivery } from "../../../src/outbox/sink.js";
import { TrainerSDK } from "../../../src/trainer/trainer-sdk.js";
import { MemorySink } from "../../support/memory-sink.js";
import { eventually } from "../../support/fake-clock.js";
import { released } from "../../support/released.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trainer-journal-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function run(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  let [out, error] = ["", ""];
  const code = await runCommandLine(["journal", ...args], "1.2.3", {
    out: (text) => void (out += text),
    error: (text) => void (error += text),
    stop: new AbortController().signal,
  });
  return { code, out, error };
}

const lines = (out: string): Record<string, unknown>[] =>
  out
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Names, contents and times of everything in the folder. */
async function fingerprint(): Promise<Record<string, string>> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const entries = files.map(async ({ parentPath, name }) => {
    const at = path.join(parentPath, name);
    return [at, `${String((await stat(at)).mtimeMs)} ${await readFile(at, "utf8")}`] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** A trainer of two sinks, one of which takes nothing but refuses log lines. */
async function aTrainer(job = "7"): Promise<{ sdk: TrainerSDK; directory: string }> {
  const picky = new MemorySink({ name: "picky", limits: { maxRecords: 1, maxBytes: 1e6 } });
  picky.answer = ([record]): Delivery =>
    record?.fact.kind === "log"
      ? { status: "rejected", reason: "no lines here" }
      : { status: "retry", cause: "unreachable", reason: "down" };
  const directory = path.join(folder, "journals", job);
  const sdk = await TrainerSDK.init({
    env: { JOB_ID: job, TRAINER_JOURNAL_DIR: directory },
    batchAgeMs: 1,
    extraSinks: [picky, new MemorySink({ name: "fine" })],
  });
  await sdk.log("warning", "a line that is refused");
  await eventually(() => (sdk.stats().outbox?.losses.refused ?? 0) === 1);
  await sdk.reportProgress({ epoch: 1, metrics: { loss: 0.5 } });
  await sdk.reportValidation({ epoch: 1, metrics: { map: 0.25 } });
  await eventually(() => sdk.stats().outbox?.sinks["fine"]?.pending === 0);
  return { sdk, directory };
}

describe("journal ls, show and dead-letters", () => {
  it("tell of a journal that its trainer holds, and change not a byte", async () => {
    const { sdk, directory } = await aTrainer();
    await sdk.flush({ deadlineMs: 1 });
    const before = await fingerprint();
    const ls = await run("ls", "--json", path.join(folder, "journals"));
    expect(JSON.parse(ls.out)).toMatchObject({
      journals: [
        { directory, jobId: "7", runId: sdk.runId, pending: { picky: 3, fine: 0 }, deadLetters: 1, corruptLines: 0, pendingUploads: 0 },
      ],
    });
    const text = await run("ls", directory);
    expect(text.out).toMatch(
      /job 7, run [0-9a-f]{32}\n {2}\d+ records, pending: picky 3, fine 0\n {2}0 uploads waiting, 0 B pinned, 1 dead letters\n/,
    );
    expect(text.out).toContain("journal-00000001.ndjson");

    const shown = lines((await run("show", "--json", "--pending", directory)).out);
    expect(shown).toMatchObject([
      // What was given up is drawn, as the SDK does.
      { sequence: 2, fact: { kind: "scalar", title: "trainer-sdk", series: "refused", value: 1 } },
      { sequence: 3, fact: { kind: "progress", epoch: 1 }, deliveries: { picky: "pending", fine: "settled" }, upload: "stored" },
      { sequence: 4, fact: { kind: "validation" }, deliveries: { picky: "pending" } },
    ]);
    expect((await run("show", "--pending", "--sink", "fine", directory)).out).toBe("");
    expect((await run("show", "--kind", "validation", "--sink", "picky", directory)).out).toMatch(
      /^#4 \d{4}-\S+Z validation \{"epoch":1,"metrics":\{"map":0.25\}\} {2}\[pending: picky\]\n$/,
    );
    expect((await run("show", "--since", "2000-01-01", "--kind", "progress", directory)).out).toContain("#3 ");
    expect((await run("show", "--since", "2999-01-01", directory)).out).toBe("");
    expect(lines((await run("show", "--json", "--since", "1h", directory)).out).length).toBeGreaterThanOrEqual(2);

    const letters = await run("dead-letters", directory);
    expect(letters.out).toMatch(/^#1 picky refused \S+ log \{.*a line that is refused.*\}\n {4}[0-9a-f]{32}-1: no lines here\n$/);
    expect(lines((await run("dead-letters", "--json", "--sink", "picky", directory)).out)).toMatchObject([
      { sink: "picky", reason: "refused", record: { sequence: 1 } },
    ]);
    expect(await run("show", "--kind", "model", directory)).toEqual({ code: 0, out: "", error: "No record fits.\n" });
    expect(await run("dead-letters", "--sink", "fine", directory)).toEqual({ code: 0, out: "", error: "There are no dead letters.\n" });
    expect(await fingerprint()).toEqual(before);
    await sdk.close({ deadlineMs: 0 });
  });

  it("say what is wrong with what they were given", async () => {
    expect(await run("ls", path.join(folder, "nowhere"))).toMatchObject({
      code: 1,
      error: expect.stringContaining("there is no ") as string,
    });
    expect(await run("show", folder)).toMatchObject({
      code: 1,
      error: expect.stringContaining("there is no journal and no offline session in ") as string,
    });
    expect(await run("show", "--since", "yesterday", folder)).toMatchObject({
      code: 2,
      error: expect.stringContaining("Give a time") as string,
    });
    expect(await run("show", "--kind", "log,progres", folder)).toMatchObject({
      code: 2,
      error: expect.stringMatching(/progres is no kind of fact: there are started, progress, /) as string,
    });
    for (const job of ["1", "2"]) await (await aTrainer(job)).sdk.close({ deadlineMs: 0 });
    expect(await run("show", folder)).toMatchObject({ code: 1, error: expect.stringContaining("holds 2 journals") as string });
  });
});

describe("journal replay", () => {
  it("puts letters back in line for the sink that refused them, and whoever delivers next delivers them", async () => {
    const { sdk, directory } = await aTrainer();
    await sdk.close({ deadlineMs: 0 });
    await released(directory);
    expect(await run("replay", directory)).toMatchObject({ code: 2, error: expect.stringContaining("--all") as string });
    expect(await run("replay", "--sink", "fine", directory)).toMatchObject({ code: 1, out: "0 put back in line, 1 left.\n" });
    await released(directory);
    expect(await run("replay", "--id", "99", directory)).toMatchObject({ code: 1 });
    await released(directory);
    const replayed = await run("replay", "--json", "--id", "1", directory);
    expect(replayed).toEqual({ code: 0, out: '{"replayed":1,"left":0}\n', error: "" });
    expect(
      lines((await run("show", "--json", "--pending", "--sink", "picky", directory)).out)
        .map(({ sequence }) => sequence)
        .sort(),
    ).toEqual([1, 2, 3, 4]);

    await released(directory);
    const [picky, fine] = [new MemorySink({ name: "picky" }), new MemorySink({ name: "fine" })];
    const outbox = await Outbox.open({ directory, sinks: [picky, fine], strict: true });
    expect(await outbox.close()).toMatchObject({ complete: true });
    expect(picky.sequences).toEqual([1, 2, 3, 4]);
    expect(fine.sequences).toEqual([]);
  });

  it("leaves a folder alone that a trainer holds", async () => {
    const { sdk, directory } = await aTrainer();
    const refused = await run("replay", "--all", directory);
    expect(refused).toMatchObject({ code: 1, out: "", error: expect.stringContaining("is in use by process") as string });
    await sdk.close({ deadlineMs: 0 });
    await released(directory);
    expect(await run("replay", "--all", directory)).toMatchObject({ code: 0 });
  });
});
