/** A real MLflow server, filled by MLflow's own client, moved into the embedded ClearML by the program as users run it. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ClearML } from "../../../src/clearml/index.js";
import type { ExportReport, MigrationPlan, MigrationReport, VerificationReport } from "../../../src/migrate/index.js";
import type { LedgerLine } from "../../../src/migrate/ledger.js";
import { openServer, type PeerServer } from "../clearml/server.js";
import { Tally } from "../support/tally.js";
import { startMlflow, type MlflowServer } from "./mlflow-server.js";
import { MLFLOW_LINES, pythonOf } from "./tools.js";

const PROGRAM = fileURLToPath(new URL("../../../dist/cli/bin.cjs", import.meta.url));
/** More than one page of points, and enough runs to be killed among. */
const LONG_POINTS = 30_000;
const MANY_RUNS = 30;
/** Those of the corpus that are named. */
const NAMED_RUNS = 11;

describe.each(MLFLOW_LINES)("MLflow $version", (line) => {
  let mlflow: MlflowServer;
  let server: PeerServer;
  let clearml: ClearML;
  let folder: string;
  let ids: Readonly<Record<string, string>>;
  const tally = new Tally("mlflow", `MLflow ${line.version} into the embedded ClearML`);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "interop-migrate-"));
    server = await openServer();
    clearml = server.client();
    mlflow = await startMlflow(await pythonOf(line));
    ids = await mlflow.fill(LONG_POINTS, MANY_RUNS);
  });
  afterEach(async () => {
    tally.called((await server.newRequests()).length);
    tally.end();
  });
  afterAll(async () => {
    await clearml.close();
    await mlflow.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const environment = (): NodeJS.ProcessEnv => ({ ...process.env, ...server.env, MLFLOW_TRACKING_URI: mlflow.trackingUri });
  const ledgerPath = (): string => join(folder, "ledger.jsonl");
  const ledgerLines = async (): Promise<LedgerLine[]> => {
    const text = await readFile(ledgerPath(), "utf8").catch(() => "");
    // A line that a kill has torn is none.
    return text.split("\n").flatMap((line) => (line.endsWith("}") ? [JSON.parse(line) as LedgerLine] : []));
  };
  const runLines = async (): Promise<Extract<LedgerLine, { kind: "run" }>[]> => (await ledgerLines()).filter((line) => line.kind === "run");

  /** One command of the program; answers its exit code and report. */
  async function migrate(step: string, ...more: string[]): Promise<{ code: number; report: unknown }> {
    const args = [PROGRAM, "migrate", "mlflow", step, "--json", ...(step === "run" ? ["--ledger", ledgerPath()] : []), ...more];
    try {
      const { stdout } = await promisify(execFile)(process.execPath, args, { env: environment(), maxBuffer: 64 * 1024 ** 2 });
      return { code: 0, report: JSON.parse(stdout) as unknown };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      if (stdout === "") throw new Error(stderr, { cause: error });
      return { code, report: JSON.parse(stdout) as unknown };
    }
  }

  /** Starts a run and ends it by a signal once so many runs are done. */
  async function endAfter(runs: number, signal: NodeJS.Signals): Promise<number | null> {
    const args = [PROGRAM, "migrate", "mlflow", "run", "--json", "--ledger", ledgerPath(), "--concurrency", "2"];
    const child = spawn(process.execPath, args, { env: environment(), stdio: "ignore" });
    const exited = once(child, "exit") as Promise<[number | null]>;
    while ((await runLines()).length < runs && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill(signal);
    return (await exited)[0];
  }

  // Of the models of the corpus two have no files that MLflow lists.
  const run = async (...more: string[]) => (await migrate("run", "--accept-links", ...more)) as { code: number; report: MigrationReport };
  const verify = async (...more: string[]) =>
    (await migrate("verify", "--accept-links", ...more)) as { code: number; report: VerificationReport };
  const taskOf = async (name: string): Promise<string> => {
    const line = (await runLines()).find(({ runId }) => runId === ids[name]);
    if (!line) throw new Error(`the ledger does not know the run ${name}`);
    return line.taskId;
  };

  describe("a migration", () => {
    it("plans without writing anything, and says what ClearML cannot show", async () => {
      const { code, report } = (await migrate("plan")) as { code: number; report: MigrationPlan };
      tally.compare("exit code", code, 0);
      tally.compare("runs", report.runs, MANY_RUNS + NAMED_RUNS);
      const lossy = report.lossy.map(({ what }) => what).sort();
      tally.compare("lossy", lossy, [
        ...[
          "credentials",
          "datasets",
          "empty-experiment",
          "iso-value",
          ...(line.hasLoggedModels ? ["model-metrics"] : []),
          "no-model-files",
          "not-finite",
          "parent",
          "project",
          "renamed",
        ],
        ...["same-step", "step", "times", "too-large", "unended", "version-numbers"],
      ]);
      expect(report.estimate.runSeconds).toBeGreaterThan(report.estimate.measured.readSeconds);
      expect(report.estimate.measured.roundTripMs).toBeGreaterThan(0);
      expect(report.estimate.measured.fileBytesPerSecond).toBeGreaterThan(0);
      const { tasks } = await clearml.tasks.getPage({ tags: ["mlflow"], search_hidden: true });
      tally.compare("tasks after a plan", tasks.length, 0);
    });

    it("is killed, asked to stop, and killed again, and then moves every run once", async () => {
      await endAfter(2, "SIGKILL");
      tally.compare("exit code after Ctrl-C", await endAfter(6, "SIGINT"), 1);
      await endAfter(9, "SIGKILL");
      const before = (await runLines()).length;
      expect(before).toBeLessThan(MANY_RUNS + NAMED_RUNS);
      const { code, report } = await run();
      tally.compare("exit code", code, 0);
      tally.compare("failures", report.failures, []);
      tally.compare("runs", report.migrated + report.unchanged, MANY_RUNS + NAMED_RUNS);
      expect(report.unchanged).toBeGreaterThanOrEqual(before);
      const found: string[] = [];
      for await (const task of clearml.tasks.getAll({ tags: ["mlflow"], search_hidden: true })) found.push(task.id);
      tally.compare("tasks", found.length, MANY_RUNS + NAMED_RUNS);
      tally.compare("tasks of the ledger", new Set((await runLines()).map(({ taskId }) => taskId)), new Set(found));
    });

    it("is proved: every value of both sides, compared", async () => {
      const files = [join(folder, "report.html"), join(folder, "report.json"), join(folder, "report.txt")];
      const { code, report } = await verify("--report", ...files);
      tally.compare("differences", report.differences, []);
      tally.compare("exit code", code, 0);
      const [page, json, text] = await Promise.all(files.map((file) => readFile(file, "utf8")));
      tally.compare("report as JSON", JSON.parse(json ?? ""), report);
      tally.compare("verdict of the page", page?.includes("All of it is in ClearML, and equal"), true);
      tally.compare("verdict of the text", text?.includes("All of it is in ClearML, and equal"), true);
      tally.compare(
        "lines of runs",
        [report.runs.length, report.runs.filter(({ differences }) => differences > 0)],
        [report.runsInMlflow, []],
      );
      // Nothing was compared with models without files: that is no proof unless somebody says so.
      tally.compare("models without files", report.compared.modelsWithoutFiles, Number(ids["modelsWithoutFiles"]));
      tally.compare("exit code without a word", (await migrate("verify")).code, 1);
      const { runs, points, events, collapsed, notChartable } = report.compared;
      tally.compare("runs", runs, MANY_RUNS + NAMED_RUNS);
      tally.compare("points", points, events + collapsed + notChartable);
      // Of the traps, of the model's folder in its run, of two versions with that folder, of a logged model and its version.
      tally.compare("files", report.compared.files, 7 + 2 + 2 * 2 + (line.hasLoggedModels ? 2 : 0));
      tally.compare("models", report.compared.models, Number(ids["models"]));
      expect(points).toBeGreaterThan(LONG_POINTS + MANY_RUNS * 200);
      expect(report.compared.values).toBeGreaterThan(20 * runs);
    });

    it("shows runs as tasks: status, parent, note, and points with their own times", async () => {
      const { task: traps } = await clearml.tasks.getById({ task: await taskOf("traps") });
      tally.compareFields("traps", traps, { name: "traps", status: "completed", comment: "# A note\nwith *lines*", type: "training" });
      const repository = "https://host.example/team/repo.git";
      tally.compareFields("script", traps.script ?? {}, { version_num: "abc123", branch: "main", entry_point: "train.py", repository });
      tally.compare("the password of the repository", JSON.stringify(traps).includes("s3cret"), false);
      const { task: child } = await clearml.tasks.getById({ task: await taskOf("child") });
      tally.compareFields("child", child, { status: "failed", parent: await taskOf("parent") });
      const { task: deleted } = await clearml.tasks.getById({ task: await taskOf("deleted one") });
      tally.compare("a deleted run is archived", deleted.system_tags?.includes("archived"), true);
      const shown: unknown[] = [];
      const reading = { task: traps.id, type: "training_stats_scalar" as const, metrics: [{ metric: "loss", variants: ["train"] }] };
      for await (const { iter, timestamp, value } of clearml.events.iterateEvents(reading)) shown.push([iter, timestamp, value]);
      tally.compare("train/loss", shown, [[0, 1_700_000_000_000, 2]]);
    });

    it("shows versions as models with their stages and aliases, and the files of a logged model once", async () => {
      const { models } = await clearml.models.getPage({ tags: ["mlflow"], search_hidden: true });
      tally.compare("models", models.length, Number(ids["models"]));
      const of = (tag: string) => models.find(({ tags }) => tags?.includes(tag));
      tally.compare("tags of version 3", of("v3")?.tags?.toSorted(), ["alias:best", "alias:champion", "mlflow", "v3"]);
      tally.compare("stage of version 1", of("v1")?.tags?.includes("stage:Production"), true);
      tally.compareFields("version 3", of("v3") ?? {}, { comment: "Take 2\n\nFinds things.", task: await taskOf("parent") });
      tally.compareFields("version of a deleted run", of(line.hasLoggedModels ? "v6" : "v5") ?? {}, { task: await taskOf("deleted one") });
      tally.compareFields("version 4", of("v4") ?? {}, { uri: "gs://somewhere/else" });
      if (!line.hasLoggedModels) return;
      const net = models.find(({ tags, framework }) => tags?.includes("logged-model") && framework === "PyTorch");
      tally.compareFields("version 5", of("v5") ?? {}, { parent: net?.id, uri: net?.uri, framework: "PyTorch", design: net?.design });
    });

    it("changes nothing when it runs again", async () => {
      const { code, report } = await run();
      tally.compare("exit code", code, 0);
      tally.compare("unchanged", [report.migrated, report.unchanged], [0, MANY_RUNS + NAMED_RUNS]);
      tally.compare("models unchanged", [report.models.migrated, report.models.unchanged], [0, Number(ids["models"])]);
    });

    it.each([
      [
        "a point",
        async (task: string) => {
          const point = {
            type: "training_stats_scalar" as const,
            metric: "loss",
            variant: "metrics",
            iter: 77,
            timestamp: 1_700_000_000_077,
          };
          await clearml.events.addBatch([{ ...point, task, value: 11.000000000000002 }]);
        },
        /loss at step 77/,
      ],
      [
        "a user property",
        (task: string) =>
          clearml.tasks.editHyperParams({
            task,
            force: true,
            hyperparams: [{ section: "properties", name: "mlflow_user_id", value: "eve" }],
          }),
        /property mlflow_user_id/,
      ],
      ["a task's copy", (task: string) => clearml.tasks.edit({ task, force: true, execution: { artifacts: [] } }), /the copy/],
    ])("notices that %s was changed in ClearML, and repairs it when it is told to", async (_what, spoil, words) => {
      await spoil(await taskOf("run 0"));
      const { code, report } = await verify();
      tally.compare("exit code", code, 1);
      tally.compare("runs that differ", [...new Set(report.differences.map(({ runId }) => runId))], [ids["run 0"]]);
      expect(report.differences[0]?.what).toMatch(words);
      tally.compare("exit code of the repair", (await run("--redo", "--experiment", "many")).code, 0);
      tally.compare("exit code after it", (await verify()).code, 0);
    });

    it("is undone on paper: MLflow reads what was exported from ClearML alone as it reads its own server", async () => {
      const target = join(folder, "mlruns");
      const args = [PROGRAM, "migrate", "export", target, "--json"];
      // Nobody tells it where MLflow is.
      const options = { env: { ...process.env, ...server.env }, maxBuffer: 64 * 1024 ** 2 };
      const { code, stdout } = await promisify(execFile)(process.execPath, args, options).then(
        (done) => ({ code: 0, ...done }),
        (error: unknown) => error as { code: number; stdout: string },
      );
      const report = JSON.parse(stdout) as ExportReport;
      tally.compare("runs", [report.runs, report.failures], [MANY_RUNS + NAMED_RUNS, []]);
      // A folder cannot hold `loss` beside `loss/train`, and that is no secret.
      tally.compare("not in the folder", [code, report.notFiled], [1, [{ runId: ids["traps"], what: "metric loss/train" }]]);
      const all = [...new Set((await runLines()).map(({ runId }) => runId))];
      const original = await mlflow.read(all);
      const rebuilt = await mlflow.read(all, target);
      delete (original.runs[ids["traps"] ?? ""]?.["points"] as Record<string, unknown>)["loss/train"];
      tally.compare("runs of the folder", Object.keys(rebuilt.runs).length, all.length);
      tally.compareFields("experiments", { ...rebuilt.experiments }, { ...original.experiments });
      for (const id of all) tally.compareFields(`run ${id}`, { ...rebuilt.runs[id] }, { ...original.runs[id] });

      const { models } = report;
      tally.compare("models", [models.failures, models.notFiled, models.linked], [[], [], []]);
      tally.compare("count of models", models.versions + models.logged + 1, Number(ids["models"]));
      // The version of a run's folder, the logged model and its version need no second copy of the files.
      tally.compare("files of models", models.files, line.hasLoggedModels ? 1 : 0);
      const [there, here] = [await mlflow.readModels(), await mlflow.readModels(target)];
      tally.compare("registered models", here.registered, there.registered);
      tally.compare("aliases", here.registered[0]?.aliases, { best: "3", champion: "3" });
      const numbers = here.versions.map(({ version }) => Number(version)).sort((one, other) => one - other);
      tally.compare("numbers of versions, with their gap", numbers, line.hasLoggedModels ? [1, 3, 4, 5, 6] : [1, 3, 4, 5]);
      for (const version of there.versions) {
        const same = here.versions.find((other) => other.version === version.version);
        tally.compareFields(`version ${version.version}`, { ...same }, { ...version });
      }
      tally.compare("logged models", here.logged.length, there.logged.length);
      for (const model of there.logged)
        tally.compareFields(`logged model ${model.id}`, { ...here.logged.find(({ id }) => id === model.id) }, { ...model });
      tally.compare("models that runs have read and made", here.links, there.links);
      tally.compare("runs with models", Object.keys(there.links).length, line.hasLoggedModels ? 2 : 0);
    });
  });
});
