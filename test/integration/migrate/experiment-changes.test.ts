/** Another name, note or other tags of an experiment whose runs have not changed: the next run brings project and tasks up to date, cheaply. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ClearML } from "../../../src/clearml/index.js";
import { exportMigration, runMigration, verifyMigration, type MlflowClient } from "../../../src/migrate/index.js";
import { history, holding, page, point, T, type MlflowStandIn } from "../../support/mlflow-stand-in.js";
import { migrationBench, type MigrationBench } from "../../support/migration-bench.js";

let bench: MigrationBench;
let standIn: MlflowStandIn;
let clearml: ClearML;
let mlflow: MlflowClient;

beforeEach(async () => {
  bench = await migrationBench();
  ({ standIn, clearml, mlflow } = bench);
  standIn.answers = holding(["a", "b"], {
    [history("a")]: page(`${point("1", T, "0")},${point("-0.0", T + 1, "9007199254740993")}`),
    [history("b")]: "{}",
  });
});
afterEach(() => bench[Symbol.asyncDispose]());

const set = (more: object): void => {
  const experiment = { experiment_id: "1", name: "vision", lifecycle_stage: "active", last_update_time: T, ...more };
  standIn.answers["experiments/search"] = JSON.stringify({ experiments: [experiment] });
};
const tags = (...values: string[]): { key: string; value: string }[] => [
  { key: "mlflow.note.content", value: values[0] ?? "" },
  { key: "team", value: values[1] ?? "" },
];
const differing = async (): Promise<readonly string[]> => (await verifyMigration({ mlflow, clearml })).differences.map(({ what }) => what);

describe("an experiment that changed", () => {
  it("is in its project and in the copies of its runs after the next run, without its points being moved again", async () => {
    set({ tags: tags("the first note", "blue") });
    expect(await runMigration({ mlflow, clearml })).toMatchObject({ migrated: 2, refreshed: 0, failures: [] });
    expect(await differing()).toEqual([]);
    // Of the time alone nothing depends: it moves with every run.
    set({ tags: tags("the first note", "blue"), last_update_time: T + 5 });
    expect(await runMigration({ mlflow, clearml })).toMatchObject({ migrated: 0, unchanged: 2, refreshed: 0 });

    set({ tags: tags("the second note", "red") });
    const description = "description of project vision";
    const copy = "the experiment in the copy";
    expect((await differing()).toSorted()).toEqual([description, description, copy, copy]);
    standIn.refuse = (path) => (path.startsWith("metrics/") ? { status: 500, text: "no points" } : undefined);
    expect(await runMigration({ mlflow, clearml })).toMatchObject({ migrated: 0, unchanged: 2, refreshed: 2, points: 0, failures: [] });
    standIn.refuse = undefined;
    expect(await differing()).toEqual([]);
    expect((await clearml.projects.find("vision"))?.description).toMatch(/\n\nthe second note\n\nteam = red$/);
    expect(await runMigration({ mlflow, clearml })).toMatchObject({ unchanged: 2, refreshed: 0 });
  });

  it("takes its tasks along under another name", async () => {
    await runMigration({ mlflow, clearml });
    set({ name: "hearing" });
    expect(await differing()).not.toEqual([]);
    expect(await runMigration({ mlflow, clearml })).toMatchObject({ unchanged: 2, refreshed: 2, failures: [] });
    expect(await differing()).toEqual([]);
    const project = await clearml.projects.find("hearing");
    expect((await clearml.tasks.getPage({ project: project ? [project.id] : [] })).tasks).toHaveLength(2);
  });

  it("leaves what somebody wrote into its project since, until everything is done again", async () => {
    set({ tags: tags("a note", "blue") });
    await runMigration({ mlflow, clearml });
    const project = await clearml.projects.find("vision");
    await clearml.projects.update({ project: project?.id ?? "", description: "mine" });
    set({ tags: tags("another note", "blue") });
    await runMigration({ mlflow, clearml });
    expect((await clearml.projects.find("vision"))?.description).toBe("mine");
    expect(new Set(await differing())).toEqual(new Set(["description of project vision"]));
    await runMigration({ mlflow, clearml, redo: true });
    expect(await differing()).toEqual([]);
  });

  it("leaves a project alone that was there before", async () => {
    await clearml.projects.create({ name: "vision", description: "mine" });
    set({ tags: tags("a note", "blue") });
    await runMigration({ mlflow, clearml });
    expect(await differing()).toEqual([]);
    expect((await clearml.projects.find("vision"))?.description).toBe("mine");
  });
});

describe("an experiment that was deleted after its runs were moved", () => {
  /** As MLflow shows it: a run goes with its experiment, and is gone for good where somebody has swept up. */
  const remove = (): void => {
    standIn.answers = holding(["b"], { [history("b")]: "{}" });
    set({ lifecycle_stage: "deleted" });
    for (const path of ["runs/search", "runs/get?run_id=b"])
      standIn.answers[path] = (standIn.answers[path] ?? "").replace('"lifecycle_stage":"active"', '"lifecycle_stage":"deleted"');
  };
  /** Paths of all that a file store would take for an experiment or a run. */
  const documents = async (folder: string): Promise<string[]> =>
    (await readdir(folder, { recursive: true })).filter((path) => path.endsWith("meta.yaml")).toSorted();

  it("is written back as one, with the runs that were moved before that and after", async () => {
    set({});
    await runMigration({ mlflow, clearml });
    const earlier = join(bench.folder, "earlier");
    await exportMigration({ clearml, folder: earlier });
    expect(await documents(earlier)).toEqual(["1/a/meta.yaml", "1/b/meta.yaml", "1/meta.yaml"]);
    remove();
    expect(await runMigration({ mlflow, clearml })).toMatchObject({ runs: 1, migrated: 1, failures: [] });
    // Where an experiment was it stays, with all that is its own; in a new folder the first of its runs says where that is.
    expect(await exportMigration({ clearml, folder: earlier })).toMatchObject({ ok: true, runs: 2, unchanged: 1 });
    expect(await documents(earlier)).toEqual(["1/a/meta.yaml", "1/b/meta.yaml", "1/meta.yaml"]);
    const later = join(bench.folder, "later");
    expect(await exportMigration({ clearml, folder: later })).toMatchObject({ ok: true, runs: 2, failures: [] });
    const found = await documents(later);
    const home = found.at(-1)?.replace(/1\/meta\.yaml$/, "") ?? "";
    expect(found).toEqual(["1/a/meta.yaml", "1/b/meta.yaml", "1/meta.yaml"].map((path) => `${home}${path}`));
    expect(await readFile(join(later, home, "1/meta.yaml"), "utf8")).toContain(home === "" ? '"active"' : '"deleted"');
  });
});
