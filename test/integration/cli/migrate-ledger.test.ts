/** `trainer-sdk migrate mlflow ledger`, from a file of lines to a script; and what `--report` takes for a mistake. */
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runMigrate } from "../../../src/cli/migrate-command.js";
import { runLedger } from "../../../src/cli/migrate-ledger-command.js";
import type { Terminal } from "../../../src/cli/terminal.js";

let folder: string;
let ledger: string;
let printed: string;
const terminal: Terminal = {
  out: (text) => {
    printed += text;
  },
  error: () => undefined,
  stop: new AbortController().signal,
};

beforeEach(async () => {
  printed = "";
  folder = await mkdtemp(join(tmpdir(), "migrate-ledger-"));
  ledger = join(folder, "ledger.jsonl");
  await writeFile(ledger, '{"kind":"run","runId":"a","taskId":"t-a","experimentId":"1","runName":"job-7"}\n');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the command `migrate mlflow ledger`", () => {
  it("prints a script of what the ledger knows, and leaves out a line that a crash has torn", async () => {
    await appendFile(ledger, '{"kind":"run","runId":"torn","task');
    expect(await runLedger({ sql: "apply", ledger }, terminal)).toBe(0);
    expect(printed).toContain("('run', 'a', 't-a')");
    expect(printed).not.toContain("torn");
    expect(printed).toMatch(/^BEGIN;\n[\s\S]*\nCOMMIT;\n$/);
    expect(printed).toContain('UPDATE "training_jobs"');
    expect(printed).toContain('UPDATE "experiments"');
  });

  it("takes other tables, and leaves out what is not wanted", async () => {
    await runLedger({ sql: "apply", ledger, runs: "app.jobs.clearml=mlflow", experiments: "none", jobsByName: true }, terminal);
    expect(printed).toContain('UPDATE "app"."jobs" SET "clearml"');
    expect(printed).toContain("('job', '7', 't-a')");
    expect(printed).not.toContain('"experiments"');
  });

  it.each([
    [{ runs: "jobs" }, /--runs must be table.column=key/],
    [{ ledger: "/no/such/ledger" }, /cannot be read: run `migrate mlflow run` first/],
  ])("says what is wrong with %j", async (options, words) => {
    await expect(runLedger({ sql: "undo", ledger, ...options }, terminal)).rejects.toThrow(words);
    expect(printed).toBe("");
  });

  it("makes no script of a ledger without a line: it would run well and set nothing", async () => {
    await writeFile(ledger, "");
    await expect(runLedger({ sql: "apply", ledger }, terminal)).rejects.toThrow(/holds no line of a migration/);
  });
});

describe("the commands `migrate mlflow plan` and `run`", () => {
  it.each(["plan", "run"] as const)("refuse a page as the report of %s before they begin", async (step) => {
    await expect(runMigrate(step, { from: ".", report: ["x.json", "x.html"] }, {}, terminal)).rejects.toThrow(/of a verification alone/);
  });
});
