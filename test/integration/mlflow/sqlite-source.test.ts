/** Files that are no MLflow database, and what is told of places that no one can read. That real ones are read shows the interop suite. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { historyQuery } from "../../../src/mlflow/history-query.js";
import { SqliteTables } from "../../../src/mlflow/sqlite-tables.js";
import { MlflowClient, openMlflowSource, type MlflowSource } from "../../../src/migrate/index.js";
import { smallDatabase } from "../../support/small-mlflow.js";

let folder: string;
const signal = new AbortController().signal;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sqlite-source-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function database(artifactUri: string): string {
  const path = join(folder, "mlflow.db");
  const made = new DatabaseSync(path);
  made.exec(`CREATE TABLE experiments (experiment_id INTEGER, name TEXT, artifact_location TEXT, lifecycle_stage TEXT);
    CREATE TABLE runs (run_uuid TEXT, name TEXT, status TEXT, start_time INT, end_time INT, lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INT);
    CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN);
    CREATE TABLE latest_metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN);
    CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT); CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
    CREATE TABLE registered_models (name TEXT);
    CREATE TABLE model_versions (name TEXT, version INT, current_stage TEXT, source TEXT, run_id TEXT);
    INSERT INTO experiments VALUES (1, 'vision', 'x', 'active');
    INSERT INTO metrics VALUES ('loss', 0, 5, 'a', 9007199254740993, 1), ('loss', 2, 4, 'a', -3, 0);`);
  made.prepare("INSERT INTO runs VALUES ('a', 'one', 'FINISHED', 1, 2, 'active', ?, 1)").run(artifactUri);
  made.close();
  return path;
}

const filesOf = async (source: MlflowSource): Promise<string[]> => {
  const paths: string[] = [];
  for await (const { path } of source.artifacts("a", { signal })) paths.push(path);
  return paths;
};

describe("an MLflow database", () => {
  it.each([
    ["2.9", "CREATE INDEX index_metrics_run_uuid ON metrics (run_uuid)", "USING INDEX index_metrics_run_uuid (run_uuid=?)"],
    [
      "3.x",
      "CREATE INDEX index_metrics_run_uuid ON metrics (run_uuid); CREATE INDEX by_run_and_key ON metrics (run_uuid, key, step)",
      "USING INDEX by_run_and_key (run_uuid=? AND key=?)",
    ],
  ])("of %s is read for a run's points by the index of runs, not along the points of all runs", async (_version, indexes, way) => {
    const path = database("x");
    const made = new DatabaseSync(path);
    // As MLflow makes it: its key begins with the metric's name and tempts by its order.
    made.exec(`DROP TABLE metrics; CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN,
      PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan)); ${indexes}`);
    const tables = await SqliteTables.open(path);
    const plan = made.prepare(`EXPLAIN QUERY PLAN ${historyQuery(tables)}`).all("a", "loss");
    tables.close();
    made.close();
    expect(String(plan[0]?.["detail"])).toContain(way);
  });

  it("keeps NaN, and steps beyond what a number holds", async () => {
    await using source = await openMlflowSource({ trackingUri: database("x") }, {});
    const pages = [];
    for await (const page of source.history("a", "loss", { signal })) pages.push(page);
    expect(pages).toEqual([
      [
        { value: 2, timestamp: 4, step: -3 },
        { value: Number.NaN, timestamp: 5, step: 9007199254740993n },
      ],
    ]);
  });

  it.each([
    ["mlflow-artifacts:/1/a/artifacts", /--artifacts-root is needed/],
    ["/no/such/machine/1/a/artifacts", /not on this machine: there is no \/no\/such\/machine/],
    ["gs://bucket/a", /cannot be read: folders and s3:/],
  ])("says of files at %s why they cannot be read", async (uri, words) => {
    await using source = await openMlflowSource({ trackingUri: database(uri) }, {});
    await expect(filesOf(source)).rejects.toThrow(words);
  });

  it.each(["ftp://ada:s3cret@host/1/a/artifacts", "s3://ada:s3cret@bucket/a", "abfss://files@host/a?sig=s3cret"])(
    "tells nobody the secret in the address %s",
    async (uri) => {
      await using source = await openMlflowSource({ trackingUri: database(uri) }, {});
      const told = await filesOf(source).catch(String);
      expect(told).toMatch(/^NotFoundError.*(ftp|s3|abfss):\/\/(host|bucket)/);
      expect(told).not.toContain("s3cret");
    },
  );

  it.each(["mysql+pymysql://ada:s3cret@host/tracking.db", "postgresql://ada:s3cret@host/tracking"])(
    "on another machine, %s, is no file of this one, and its password is not told",
    async (trackingUri) => {
      const told = await openMlflowSource({ trackingUri }, {}).catch(String);
      expect(told).toMatch(/for other databases start `mlflow server` on them/);
      expect(told).not.toContain("s3cret");
    },
  );

  it("is refused when it is something else", async () => {
    const path = join(folder, "other.db");
    await writeFile(path, "no database at all, but long enough for a header".repeat(50));
    await expect(openMlflowSource({ trackingUri: path }, {})).rejects.toThrow(/cannot be read as an MLflow database/);
    new DatabaseSync(join(folder, "empty.db")).close();
    await expect(openMlflowSource({ trackingUri: join(folder, "empty.db") }, {})).rejects.toThrow(/it has no experiments.experiment_id/);
    await expect(openMlflowSource({ trackingUri: join(folder, "missing.db") }, {})).rejects.toThrow(/missing.db cannot be read/);
  });

  it("is told from a server by how it is named", async () => {
    const path = database("x");
    for (const trackingUri of [path, `sqlite:///${path}`]) {
      await using source = await openMlflowSource({ trackingUri }, {});
      expect(source.address).toBe(path);
    }
    await using server = await openMlflowSource({}, { MLFLOW_TRACKING_URI: "http://host:5000" });
    expect(server).toBeInstanceOf(MlflowClient);
  });
});

describe("a database with workspaces", () => {
  /** The small MLflow, and beside it a workspace with an experiment and a model of the same names. */
  async function withWorkspaces(): Promise<string> {
    const path = await smallDatabase(folder);
    const made = new DatabaseSync(path);
    const registry = ["registered_models", "registered_model_tags", "registered_model_aliases", "model_versions", "model_version_tags"];
    for (const table of ["experiments", ...registry])
      made.exec(`ALTER TABLE ${table} ADD COLUMN workspace TEXT NOT NULL DEFAULT 'default'`);
    made.exec(`CREATE TABLE workspaces (name TEXT); INSERT INTO workspaces VALUES ('default'), ('empty'), ('team-a');
      INSERT INTO experiments VALUES (3, 'vision/détecteur', 'x', 'active', 1, 1, 'team-a');
      INSERT INTO registered_models VALUES ('detector', 'team-a'); INSERT INTO registered_model_tags VALUES ('team', 'red', 'detector', 'team-a');
      INSERT INTO registered_model_aliases VALUES ('champion', 1, 'detector', 'team-a');
      INSERT INTO model_versions VALUES ('detector', 1, 'Staging', '${join(folder, "elsewhere")}', NULL, 'team-a');`);
    made.close();
    return path;
  }

  it("tells experiments and models of one name apart, and their versions, tags and files", async () => {
    await using source = await openMlflowSource({ trackingUri: await withWorkspaces() }, {});
    expect(await source.scope?.({ signal })).toEqual({ workspaces: ["default", "empty", "team-a"], limits: [] });
    const experiments: unknown[] = [];
    for await (const { name, workspace } of source.experiments({ signal })) experiments.push([name, workspace]);
    expect(experiments).toEqual(
      expect.arrayContaining([
        ["vision/détecteur", undefined],
        ["vision/détecteur", "team-a"],
      ]),
    );
    const models: unknown[] = [];
    for await (const { name, workspace } of source.registeredModels({ signal })) {
      const { tags, aliases } = await source.registeredModel(name, { signal, workspace });
      const versions: unknown[] = [];
      for await (const { version, current_stage } of source.modelVersions(name, { signal, workspace }))
        versions.push([version, current_stage]);
      models.push([name, workspace, tags.map(({ value }) => value), aliases.map(({ version }) => version), versions]);
    }
    expect(models).toEqual([
      [
        "detector",
        undefined,
        ["blue"],
        ["3"],
        [
          ["1", "Production"],
          ["3", "None"],
        ],
      ],
      ["detector", "team-a", ["red"], ["1"], [["1", "Staging"]]],
    ]);
    const filesOfVersion = async (workspace: string | undefined): Promise<string[]> => {
      const paths: string[] = [];
      for await (const { path } of source.artifacts({ name: "detector", version: "1", workspace }, { signal })) paths.push(path);
      return paths;
    };
    expect(await filesOfVersion(undefined)).toEqual(["er/tree/x.json"]);
    expect(await filesOfVersion("team-a")).toEqual([]);
  });
});
