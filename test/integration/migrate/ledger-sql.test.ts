/** The ledger's SQL, run by the databases that it is written for: SQLite, and PostgreSQL as it is compiled to run in this process. */
import { DatabaseSync } from "node:sqlite";
import { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ledgerSql, type LedgerLine, type LedgerSqlOptions } from "../../../src/migrate/index.js";

interface Database {
  run(script: string): Promise<void>;
  rows(query: string): Promise<readonly Record<string, unknown>[]>;
  close(): Promise<void>;
}

const ENGINES: readonly (readonly [string, () => Promise<Database>])[] = [
  [
    "SQLite",
    async () => {
      const database = new DatabaseSync(":memory:");
      return {
        run: async (script) => {
          database.exec(script);
        },
        rows: async (query) =>
          database
            .prepare(query)
            .all()
            .map((row) => ({ ...row })),
        close: async () => {
          database.close();
        },
      };
    },
  ],
  [
    "PostgreSQL",
    async () => {
      const database = await PGlite.create();
      return {
        run: async (script) => {
          await database.exec(script);
        },
        rows: async (query) => (await database.query<Record<string, unknown>>(query)).rows,
        close: () => database.close(),
      };
    },
  ],
];

const LEDGER: readonly LedgerLine[] = [
  { kind: "experiment", experimentId: "1", projectId: "p1", experimentName: "O'Hara's \"vision\"", project: "vision" },
  { kind: "run", runId: "a", taskId: "old", experimentId: "1", runName: "job-1", startMs: 10 },
  { kind: "run", runId: "a", taskId: "t-a", experimentId: "1", runName: "job-1", startMs: 10 },
  { kind: "run", runId: "b'; DROP TABLE training_jobs; --", taskId: "t-b", experimentId: "1", runName: "job-2", startMs: 10 },
  { kind: "run", runId: "c", taskId: "t-c", experimentId: "1", runName: "job-2", startMs: 20 },
  { kind: "run", runId: "d", taskId: "t-d", experimentId: "1", runName: "by hand" },
  { kind: "model", model: "version:O'Hara:1", modelId: "m1" },
];
/** On a busy machine; idle it takes a second. */
const START_LIMIT_MS = 60_000;
const TABLES = ["training_jobs", "experiments", '"registry ""models"""', "trainer_sdk_mlflow_ids", "trainer_sdk_mlflow_applied"];
const PLATFORM = `
  ${TABLES.map((table) => `DROP TABLE IF EXISTS ${table};`).join(" ")}
  CREATE TABLE training_jobs (id integer PRIMARY KEY, mlflow_run_id varchar(100), clearml_task_id varchar(200));
  CREATE TABLE experiments (id integer PRIMARY KEY, mlflow_experiment_id varchar(100) UNIQUE, clearml_project_id varchar(200));
  CREATE TABLE "registry ""models""" (id integer PRIMARY KEY, "mlflow model" varchar(200), clearml_model_id varchar(200));
  INSERT INTO training_jobs VALUES (1, 'a', NULL), (2, 'b''; DROP TABLE training_jobs; --', ''), (3, 'c', 'their own'), (4, NULL, NULL), (5, 'd', 't-d');
  INSERT INTO experiments VALUES (1, '1', NULL), (2, '2', NULL);
  INSERT INTO "registry ""models""" VALUES (1, 'version:O''Hara:1', NULL);`;
const MODELS = { models: { table: 'registry "models"', column: "clearml_model_id", key: "mlflow model" } } as const;

describe.each(ENGINES)("the ledger as SQL, in %s", (_name, open) => {
  let database: Database;
  const state = async (): Promise<unknown[]> => [
    (await database.rows("SELECT clearml_task_id AS value FROM training_jobs ORDER BY id")).map(({ value }) => value),
    (await database.rows("SELECT clearml_project_id AS value FROM experiments ORDER BY id")).map(({ value }) => value),
    (await database.rows('SELECT clearml_model_id AS value FROM "registry ""models""" ORDER BY id')).map(({ value }) => value),
  ];
  const start = async (): Promise<unknown[]> => {
    await database.run(PLATFORM);
    return state();
  };
  const script = (way: "apply" | "undo", lines: readonly LedgerLine[] = LEDGER, more: LedgerSqlOptions = {}): Promise<void> =>
    database.run(ledgerSql(lines, way, { ...MODELS, ...more }));
  // One for all tests: PostgreSQL takes its time to begin.
  beforeAll(async () => {
    database = await open();
  }, START_LIMIT_MS);
  afterAll(() => database.close());

  it("sets what is empty, leaves what others set, and is as good twice as once", async () => {
    await start();
    const set = [["t-a", "t-b", "their own", null, "t-d"], ["p1", null], ["m1"]];
    await script("apply");
    expect(await state()).toEqual(set);
    await script("apply");
    expect(await state()).toEqual(set);
    expect(await database.rows("SELECT clearml_id FROM trainer_sdk_mlflow_ids WHERE kind = 'model'")).toEqual([{ clearml_id: "m1" }]);
  });

  it("takes back what it set and only that: not a value that was there, nor one that was changed since", async () => {
    const before = await start();
    await script("apply");
    await script("undo");
    expect(await state()).toEqual(before);
    await script("undo");
    expect(await state()).toEqual(before);
    await script("apply");
    await database.run("UPDATE training_jobs SET clearml_task_id = 'changed' WHERE id = 1");
    await script("undo");
    expect(await state()).toEqual([["changed", "", "their own", null, "t-d"], [null, null], [null]]);
  });

  it("follows a task that was made anew, and still takes it back", async () => {
    const before = await start();
    await script("apply");
    await script("apply", [...LEDGER, { kind: "run", runId: "a", taskId: "t-a2", experimentId: "1" }]);
    expect(((await state())[0] as unknown[])[0]).toBe("t-a2");
    await script("undo");
    expect(await state()).toEqual(before);
  });

  it("is taken back a part at a time, and clears nothing that it no longer knows", async () => {
    await start();
    await script("apply");
    await script("undo", LEDGER, { runs: null });
    expect(await state()).toEqual([["t-a", "t-b", "their own", null, "t-d"], [null, null], [null]]);
    await script("apply", [{ kind: "run", runId: "other", taskId: "t-o", experimentId: "1" }]);
    expect((await state())[0]).toEqual(["t-a", "t-b", "their own", null, "t-d"]);
    await script("undo");
    expect((await state())[0]).toEqual([null, "", "their own", null, "t-d"]);
  });

  it("finds jobs by the names of their runs, the latest of several", async () => {
    await start();
    await script("apply", LEDGER, { jobsByName: true, runs: { table: "training_jobs", column: "clearml_task_id", key: "id" } });
    expect((await state())[0]).toEqual(["t-a", "t-c", "their own", null, "t-d"]);
  });

  it("sets nothing at all when one part of it cannot be done", async () => {
    const before = await start();
    const wrong = { experiments: { table: "experiments", column: "no_such_column", key: "mlflow_experiment_id" } };
    const late = { runs: { table: "no_such_table", column: "x", key: "y" } };
    for (const more of [wrong, late]) {
      await expect(script("apply", LEDGER, more)).rejects.toThrow(/no_such/);
      await database.run("ROLLBACK");
      expect(await state()).toEqual(before);
    }
  });

  it("carries as many ids as there are", async () => {
    await start();
    const lines = Array.from({ length: 1201 }, (_, at): LedgerLine => ({
      kind: "run",
      runId: `r${String(at)}`,
      taskId: `t${String(at)}`,
      experimentId: "1",
    }));
    await script("apply", lines);
    expect(Number((await database.rows("SELECT count(*) AS count FROM trainer_sdk_mlflow_ids"))[0]?.["count"])).toBe(1201);
  });
});

describe("names for the ledger's SQL", () => {
  it.each(["", "a..b", "x\ny"])("are refused when they are none: %j", (table) => {
    expect(() => ledgerSql(LEDGER, "apply", { runs: { table, column: "c", key: "k" } })).toThrow(/no name of a table or column/);
  });
});
