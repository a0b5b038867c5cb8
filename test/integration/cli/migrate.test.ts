/** `trainer-sdk migrate mlflow` on tracking folders: the three steps, what is said of a damaged one, and places that are none. */
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCommandLine } from "../../../src/cli/program.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import { smallFolder } from "../../support/small-mlflow.js";
import { runMeta, writeFiles } from "../../support/tracking-folder.js";

let folder: string;
let root: string;
let server: DevServer;
const before = { ...process.env };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-migrate-"));
  root = await smallFolder(folder);
  server = await startDevServer();
  Object.assign(process.env, server.env);
  delete process.env["MLFLOW_TRACKING_URI"];
});
afterEach(async () => {
  process.env = before;
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

function migrate(step: string, ...more: string[]): Promise<{ code: number; out: string; error: string }> {
  const ledger = step === "run" ? ["--ledger", join(folder, "ledger.jsonl")] : [];
  return run("migrate", "mlflow", step, "--from", root, ...ledger, ...more);
}

async function run(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  let out = "";
  let error = "";
  const code = await runCommandLine(args, "1.2.3", {
    out: (text) => (out += text),
    error: (text) => (error += text),
    stop: new AbortController().signal,
  });
  return { code, out, error };
}

describe("migrate mlflow --from a tracking folder", () => {
  it("plans, moves and proves it", async () => {
    const plan = await migrate("plan");
    expect([plan.code, plan.error]).toEqual([0, ""]);
    expect(plan.out).toContain(`MLflow tracking folder at ${root}`);
    expect(plan.out).toContain("2 experiments, 3 runs (2 deleted)");
    expect(plan.out).toContain("4 metrics with 12 points");
    expect((await migrate("run")).code).toBe(0);
    const proof = await migrate("verify");
    expect(proof.out).toContain("All of it is in ClearML, and equal.");
    expect(proof.code).toBe(0);
  });

  it("tells what of it is damaged with every step, and ends with 1 until that is accepted", async () => {
    const traps = join(root, "1", "a".repeat(32));
    await appendFile(join(traps, "metrics", "train", "loss"), "not a point\n");
    await writeFiles(root, { "1/strange/x.txt": "x" });
    for (const step of ["plan", "run", "verify"]) {
      const { code, out } = await migrate(step);
      expect([step, code]).toEqual([step, 1]);
      expect(out).toContain(`DAMAGED: ${join(traps, "metrics", "train", "loss")}: 1 line is no point, the first of them line 2`);
      expect(out).toContain(`NOTE: ${join(root, "1", "strange")}: it has no meta.yaml`);
    }
    const accepted = await migrate("verify", "--accept-damage");
    expect(accepted.code).toBe(0);
    expect(accepted.out).toContain("DAMAGED");
    const page = join(folder, "proof.html");
    await migrate("verify", "--report", page);
    expect(await readFile(page, "utf8")).toMatch(/the rest is damaged in MLflow[^]*Damaged in MLflow[^]*1 line is no point/);
    const { troubles } = JSON.parse((await migrate("verify", "--json")).out) as { troubles: unknown[] };
    expect(troubles).toHaveLength(2);
  });

  it("moves a run again once what was missing of it is back", async () => {
    const other = "d".repeat(32);
    await writeFiles(join(root, "1", other), { "meta.yaml": runMeta("1", other, { artifactUri: join(root, "1", other, "artifacts") }) });
    await writeFiles(join(root, "1", other), { "artifacts/weights": "1", "inputs/i/meta.yaml": "source_type: DATASET\nsource_id: gone\n" });
    const first = await migrate("run", "--json");
    expect(first.code).toBe(1);
    const report = JSON.parse(first.out) as { migrated: number; failures: unknown[]; troubles: { what: string }[] };
    expect(report).toMatchObject({ migrated: 4, failures: [] });
    expect(report.troubles.map(({ what }) => what).join()).toMatch(/names a data set that is not among those/);
    await writeFiles(root, { "1/datasets/gone/meta.yaml": "name: cats\ndigest: 1234e567\nsource_type: local\nsource: here\n" });
    const again = await migrate("run", "--json");
    expect(again.code).toBe(0);
    expect(JSON.parse(again.out)).toMatchObject({ migrated: 1, unchanged: 3, troubles: [] });
    expect((await migrate("verify")).code).toBe(0);
  });
});

describe("migrate export and rollback", () => {
  it("say in words what came back and what would go, and when there is nothing of a source", async () => {
    await migrate("run", "--source-id", "here");
    expect((await run("migrate", "export", join(folder, "back"))).out).toMatch(
      /^3 runs \(0 there before\), 12 points, 3 files \(7 bytes\) in \S+\n1 registered model with 2 versions, 0 logged models/,
    );
    const nobody = await run("migrate", "rollback", "--source-id", "there");
    expect(nobody.out).toBe("ClearML has nothing of a migration from there. Leave out --source-id to hear what it has.\n");
    expect((await run("migrate", "rollback")).out).toMatch(/^would remove 3 tasks with files, .* of here\n[^]*Add --yes to remove it.\n$/);
    expect((await run("migrate", "rollback", "--yes")).out).toMatch(/^removed 3 tasks with files/);
    expect((await run("migrate", "rollback")).out).toBe("ClearML has nothing of a migration.\n");
  });

  it("claim nothing of what is there when they are stopped before they have seen it", async () => {
    let out = "";
    const terminal = { out: (text: string) => (out += text), error: () => undefined, stop: AbortSignal.abort() };
    await runCommandLine(["migrate", "rollback"], "1.2.3", terminal);
    expect(out).toBe("INTERRUPTED: start it again, and it goes on.\n");
  });
});

describe("migrate mlflow --from something else", () => {
  it.each([
    ["a folder without experiments", async () => folder, /perhaps .*mlruns is meant/],
    [
      "a file that is no database",
      async () => {
        await writeFile(join(folder, "notes.txt"), "no database at all, but long enough for a header".repeat(50));
        return join(folder, "notes.txt");
      },
      /notes.txt cannot be read as an MLflow database/,
    ],
    ["nothing", async () => join(folder, "none"), /there is no \S+\/none: name a tracking folder \(mlruns\) or a SQLite file that is here/],
  ])("ends with 1 and a word on what it may be: %s", async (_what, place, words) => {
    root = await place();
    const { code, out, error } = await migrate("plan");
    expect([code, out]).toEqual([1, ""]);
    expect(error).toMatch(words);
    expect(error.trim().split("\n")).toHaveLength(1);
  });
});

describe("a command line of migrate mlflow that is wrong", () => {
  it.each<{ args: string[]; says: RegExp }>([
    { args: ["plan"], says: /--from is missing: .*MLFLOW_TRACKING_URI/ },
    {
      args: ["verify", "--from", ".", "--report", "proof.pdf"],
      says: /--report takes files that end in .json, .txt or .html, not proof.pdf/,
    },
    {
      args: ["run", "--from", ".", "--report", "moved.json", "moved.html"],
      says: /--report makes a page \(.html\) of a verification alone/,
    },
    { args: ["verify", "--from", ".", "--report", "/no/such/proof.html"], says: /cannot write \S+: there is no folder \/no\/such/ },
    { args: ["ledger", "--sql", "apply", "--runs", "jobs"], says: /--runs must be table.column=key/ },
  ])("ends with 2 before anything is read, and points to the help: $args", async ({ args, says }) => {
    let error = "";
    const code = await runCommandLine(["migrate", "mlflow", ...args], "1.2.3", {
      out: () => expect.fail("nothing is to be printed"),
      error: (text) => (error += text),
      stop: new AbortController().signal,
    });
    expect(code).toBe(2);
    expect(error).toMatch(says);
    expect(error).toMatch(/^error: .*\nAdd --help for what is possible\.\n$/);
  });
});

describe("migrate, while a server does not answer", () => {
  it.each([
    [
      "ClearML, for a move",
      (_gone: string) => ["mlflow", "run", "--from", root, "--ledger", join(folder, "ledger.jsonl")],
      /auth\.login: .*ECONNREFUSED.*up to 5 min\.\n/,
    ],
    ["MLflow, for a plan", (gone: string) => ["mlflow", "plan", "--from", gone], /ECONNREFUSED.*Trying again, for up to 5 min\.\n/],
    ["ClearML, for a way back", (_gone: string) => ["rollback"], /ECONNREFUSED.*Trying again, for up to 60 s\.\n/],
    ["ClearML, for an export", (_gone: string) => ["export", join(folder, "out")], /ECONNREFUSED.*Trying again, for up to 60 s\.\n/],
  ])("says at once that it is tried again, and ends with a word when it is stopped: %s", async (_what, args, notice) => {
    const gone = server.webUrl;
    await server.close();
    const stop = new AbortController();
    let out = "";
    let said = "";
    const code = await runCommandLine(["migrate", ...args(gone)], "1.2.3", {
      out: (text) => (out += text),
      error: (text) => {
        said += text;
        if (notice.test(said)) stop.abort();
      },
      stop: stop.signal,
    });
    expect(code).toBe(1);
    expect(said).toMatch(notice);
    // A report says so itself; where there is none yet, the last line does.
    expect(`${out}${said}`).toMatch(/^INTERRUPTED: |\ntrainer-sdk: interrupted\n$/m);
    expect(said).not.toContain("aborted");
  });
});
