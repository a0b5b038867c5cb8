/**
 * A small MLflow three times over: as a folder, as a database, behind REST. Part of what `test/interop/mlflow/programs/corpus.py`
 * writes with the real client, under the same names, so that one contract holds for these and for real ones.
 */
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { writeFiles } from "./tracking-folder.js";

const T = 1_700_000_000_000;

/** Ids of its runs, by the names that they have. */
export const SMALL_RUNS = { traps: "a".repeat(32), "deleted one": "b".repeat(32), "in a deleted experiment": "c".repeat(32) };

const experiments = [
  { id: 1, name: "vision/détecteur", stage: "active" },
  { id: 2, name: "gone", stage: "deleted" },
];
const runs = [
  { id: SMALL_RUNS.traps, name: "traps", experiment: 1, stage: "active" },
  { id: SMALL_RUNS["deleted one"], name: "deleted one", experiment: 1, stage: "deleted" },
  { id: SMALL_RUNS["in a deleted experiment"], name: "in a deleted experiment", experiment: 2, stage: "deleted" },
];
/** Of the run `traps`. Points are value, time and step, in the spelling of files. */
const metrics: Readonly<Record<string, readonly (readonly [string, number, string])[]>> = {
  "train/loss": [["2.0", T, "0"]],
  nonfinite: [
    ["nan", T, "0"],
    ["7.0", T + 3, "3"],
  ],
  "same step": [0, 1, 2, 3, 4, 5, 6].map((n) => [`${String(n)}.0`, T + n, "0"] as const),
  "huge step": [
    ["2.0", T, "1099511627776"],
    ["1.0", T + 1, "9007199254740993"],
  ],
};
const params = { lr: "0.1", lines: "a\nb", empty: "" };
const tags = { "mlflow.user": "ada", "mlflow.note.content": "# A note\nwith *lines*", empty: "" };
const files = { "plain.txt": "hello", "empty.bin": "", "deep/er/tree/x.json": "{}" };
const versions = [
  { version: "1", stage: "Production" },
  { version: "2", stage: "Deleted_Internal" },
  { version: "3", stage: "None" },
];

/** A tracking folder. @returns Its path. */
export async function smallFolder(folder: string): Promise<string> {
  const root = join(folder, "mlruns");
  for (const { id, name, stage } of experiments) {
    const home = join(root, ...(stage === "deleted" ? [".trash"] : []), String(id));
    const meta = {
      artifact_location: join(root, String(id)),
      creation_time: T + id,
      experiment_id: `'${String(id)}'`,
      lifecycle_stage: stage,
      name,
    };
    await writeFiles(home, { "meta.yaml": yaml(meta) });
    for (const run of runs.filter(({ experiment }) => experiment === id)) {
      const info = { run_id: run.id, run_name: run.name, experiment_id: `'${String(id)}'`, status: 3, start_time: T, end_time: T + 60_000 };
      const meta = { ...info, artifact_uri: join(root, String(id), run.id, "artifacts"), lifecycle_stage: run.stage, user_id: "ada" };
      await mkdir(join(home, run.id, "artifacts"), { recursive: true });
      await writeFiles(join(home, run.id), { "meta.yaml": yaml(meta) });
    }
  }
  const traps = join(root, "1", SMALL_RUNS.traps);
  for (const [place, content] of Object.entries({ params, tags, artifacts: files })) await writeFiles(join(traps, place), content);
  for (const [key, points] of Object.entries(metrics))
    await writeFiles(join(traps, "metrics"), { [key]: points.map(([value, time, step]) => `${String(time)} ${value} ${step}\n`).join("") });
  const detector = { "meta.yaml": "name: detector\n", "tags/team": "blue", "aliases/champion": "3" };
  await writeFiles(join(root, "models", "detector"), detector);
  for (const { version, stage } of versions)
    await writeFiles(join(root, "models", "detector", `version-${version}`), {
      "meta.yaml": yaml({
        name: "detector",
        version,
        current_stage: stage,
        source: join(traps, "artifacts", "deep"),
        run_id: SMALL_RUNS.traps,
      }),
    });
  return root;
}

/** A database, with its files beside it. @returns Its path. */
export async function smallDatabase(folder: string): Promise<string> {
  const path = join(folder, "mlflow.db");
  const traps = join(folder, "files", "1", SMALL_RUNS.traps, "artifacts");
  const made = new DatabaseSync(path);
  made.exec(`CREATE TABLE experiments (experiment_id INTEGER, name TEXT, artifact_location TEXT, lifecycle_stage TEXT, creation_time BIGINT, last_update_time BIGINT);
    CREATE TABLE experiment_tags (key TEXT, value TEXT, experiment_id INTEGER);
    CREATE TABLE runs (run_uuid TEXT, name TEXT, status TEXT, start_time INT, end_time INT, lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INT, user_id TEXT);
    CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN);
    CREATE TABLE latest_metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN);
    CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT); CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
    CREATE TABLE registered_models (name TEXT); CREATE TABLE registered_model_tags (key TEXT, value TEXT, name TEXT);
    CREATE TABLE registered_model_aliases (alias TEXT, version INT, name TEXT);
    CREATE TABLE model_versions (name TEXT, version INT, current_stage TEXT, source TEXT, run_id TEXT);
    CREATE TABLE model_version_tags (key TEXT, value TEXT, name TEXT, version INT);
    INSERT INTO registered_models VALUES ('detector'); INSERT INTO registered_model_tags VALUES ('team', 'blue', 'detector');
    INSERT INTO registered_model_aliases VALUES ('champion', 3, 'detector');`);
  const insert = (table: string, ...values: (string | number | bigint)[]): void => {
    made.prepare(`INSERT INTO ${table} VALUES (${values.map(() => "?").join(", ")})`).run(...values);
  };
  for (const { id, name, stage } of experiments) insert("experiments", id, name, join(folder, String(id)), stage, T + id, T + id);
  for (const { id, name, experiment, stage } of runs)
    insert(
      "runs",
      id,
      name,
      "FINISHED",
      T,
      T + 60_000,
      stage,
      join(folder, "files", String(experiment), id, "artifacts"),
      experiment,
      "ada",
    );
  for (const [key, value] of Object.entries(params)) insert("params", key, value, SMALL_RUNS.traps);
  for (const [key, value] of Object.entries(tags)) insert("tags", key, value, SMALL_RUNS.traps);
  for (const [key, points] of Object.entries(metrics))
    for (const [index, [value, time, step]] of points.entries()) {
      const row = [key, value === "nan" ? 0 : Number(value), time, SMALL_RUNS.traps, BigInt(step), value === "nan" ? 1 : 0] as const;
      insert("metrics", ...row);
      if (index === points.length - 1) insert("latest_metrics", ...row);
    }
  for (const { version, stage } of versions)
    insert("model_versions", "detector", Number(version), stage, join(traps, "deep"), SMALL_RUNS.traps);
  made.close();
  await mkdir(join(folder, "files", "1"), { recursive: true });
  await writeFiles(traps, files);
  return path;
}

/** A server as a test wants it. */
export interface SmallServerOptions {
  /** The `authorization` header that is let in; every request is asked. Default: none is needed. */
  readonly authorization?: () => string;
  /** Told of each request that was not let in. */
  readonly onRefusal?: () => void;
  /** Makes it one of https. */
  readonly certificate?: { readonly key: string; readonly cert: string };
}

/** A server that answers as MLflow does: full pages with a token, absent keys for empty lists, words for what is not finite. */
export async function smallServer(options: SmallServerOptions = {}): Promise<{ readonly url: string; close(): void }> {
  const listener: RequestListener = (request, response) => {
    if (options.authorization !== undefined && request.headers.authorization !== options.authorization()) {
      options.onRefusal?.();
      // In plain text, as MLflow's own authentication answers.
      response.writeHead(401, { "www-authenticate": 'Basic realm="mlflow"' }).end("You are not authenticated.");
      return;
    }
    const url = new URL(request.url ?? "", "http://stand-in");
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const text = answer(url, body === "" ? {} : (JSON.parse(body) as Record<string, unknown>));
      response.writeHead(text === undefined ? 404 : 200);
      response.end(text ?? '{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"there is no such thing"}');
    });
  };
  const server = options.certificate ? createSecureServer(options.certificate, listener) : createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `${options.certificate ? "https://localhost" : "http://127.0.0.1"}:${String((server.address() as AddressInfo).port)}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer({ pathname, searchParams }: URL, body: Record<string, unknown>): string | undefined {
  const asked = (name: string): string => searchParams.get(name) ?? "";
  const path = asked("path");
  const runDocuments = runs.map(({ id, name, experiment, stage }) => {
    const info = { run_id: id, run_name: name, experiment_id: String(experiment), lifecycle_stage: stage };
    const isTraps = id === SMALL_RUNS.traps;
    const pairs = (of: object): object[] => (isTraps ? Object.entries(of).map(([key, value]) => ({ key, value: value as string })) : []);
    const latest = isTraps ? Object.entries(metrics).map(([key, points]) => pointJson(key, points.at(-1))) : [];
    const data = `{"params":${JSON.stringify(pairs(params))},"tags":${JSON.stringify(pairs(tags))},"metrics":[${latest.join(",")}]}`;
    const times = { status: "FINISHED", start_time: T, end_time: T + 60_000, user_id: "ada", artifact_uri: `s3://b/${name}` };
    return { id, experiment: String(experiment), text: `{"info":${JSON.stringify({ ...info, ...times })},"data":${data},"inputs":{}}` };
  });
  switch (pathname.replace("/api/2.0/mlflow/", "")) {
    case "/version":
      return "2.17.0";
    case "experiments/search":
      return JSON.stringify({
        experiments: experiments.map(({ id, name, stage }) => ({
          experiment_id: String(id),
          name,
          lifecycle_stage: stage,
          creation_time: T + id,
        })),
      });
    case "runs/search": {
      // A page of one, so that each is exactly full.
      const found = runDocuments.filter(({ experiment }) => (body["experiment_ids"] as string[]).includes(experiment));
      const at = Number(body["page_token"] ?? 0);
      const [row] = found.slice(at);
      return row ? `{"runs":[${row.text}],"next_page_token":"${String(at + 1)}"}` : "{}";
    }
    case "runs/get": {
      const run = runDocuments.find(({ id }) => id === asked("run_id"));
      return run && `{"run":${run.text}}`;
    }
    case "metrics/get-history": {
      const points = asked("run_id") === SMALL_RUNS.traps ? (metrics[asked("metric_key")] ?? []) : [];
      const [at, size] = [Number(asked("page_token")), Number(asked("max_results"))];
      const page = points.slice(at, at + size).map((point) => pointJson(asked("metric_key"), point));
      const token = at + size < points.length ? `,"next_page_token":"${String(at + size)}"` : "";
      return page.length === 0 ? "{}" : `{"metrics":[${page.join(",")}]${token}}`;
    }
    case "artifacts/list":
      return asked("run_id") === SMALL_RUNS.traps ? JSON.stringify({ files: listing(path) }) : "{}";
    case "/get-artifact":
      return files[path as keyof typeof files];
    case "registered-models/search":
      return JSON.stringify({ registered_models: [{ name: "detector" }] });
    case "registered-models/get": {
      const model = { name: "detector", tags: [{ key: "team", value: "blue" }], aliases: [{ alias: "champion", version: "3" }] };
      return asked("name") === "detector" ? JSON.stringify({ registered_model: model }) : undefined;
    }
    case "model-versions/search": {
      const found = versions.filter(({ stage }) => stage !== "Deleted_Internal");
      const documents = found.map(({ version, stage }) => ({
        name: "detector",
        version,
        current_stage: stage,
        source: "s3://b/traps/deep",
        run_id: SMALL_RUNS.traps,
      }));
      return JSON.stringify({ model_versions: documents });
    }
    case "model-versions/get-download-uri":
      return '{"artifact_uri":"s3://b/traps/deep"}';
    case "model-versions/get":
      return JSON.stringify({ model_version: { name: "detector", version: asked("version"), run_id: SMALL_RUNS.traps } });
    default:
      return undefined;
  }
}

function pointJson(key: string, point: readonly [string, number, string] | undefined): string {
  const [value = "", time = 0, step = ""] = point ?? [];
  return `{"key":${JSON.stringify(key)},"value":${value === "nan" ? '"NaN"' : value},"timestamp":${String(time)},"step":${step}}`;
}

/** One level, as MLflow lists: a folder once, an empty file without a size. */
function listing(folder: string): object[] {
  const start = folder === "" ? "" : `${folder}/`;
  const found = new Map<string, object>();
  for (const [path, content] of Object.entries(files)) {
    if (!path.startsWith(start)) continue;
    const [name = "", ...below] = path.slice(start.length).split("/");
    const size = content.length === 0 ? {} : { file_size: content.length };
    found.set(name, below.length > 0 ? { path: `${start}${name}`, is_dir: true } : { path: `${start}${name}`, is_dir: false, ...size });
  }
  return [...found.values()];
}

function yaml(fields: Readonly<Record<string, string | number>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${String(value)}\n`)
    .join("");
}
