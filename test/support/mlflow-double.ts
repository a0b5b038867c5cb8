/**
 * An MLflow server in the process, for faults that a real one cannot be made to have at a chosen request. It answers as the
 * real ones do on a database, traps included; the suites against the real server hold it to that.
 */
import { systemClock } from "../../src/base/clock.js";
import { FaultSwitches } from "../../src/devserver/faults.js";
import { readBytes, type WireHandler, type WireRequest, type WireResponse } from "../../src/protocol/handler.js";

interface Pair {
  readonly key: string;
  readonly value: string;
}

interface Point {
  readonly key: string;
  readonly value: unknown;
  readonly timestamp: number;
  readonly step: number;
}

export interface DoubleRun {
  readonly info: Record<string, unknown> & { run_id: string; experiment_id: string; status: string; lifecycle_stage: string };
  readonly params: Map<string, string>;
  readonly tags: Map<string, string>;
  readonly points: Point[];
}

interface DoubleExperiment {
  readonly experiment_id: string;
  readonly name: string;
  lifecycle_stage: string;
}

const NAMES = /^[/\p{L}\p{N}_.\- :]*$/u;

class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export class MlflowDouble {
  readonly experiments: DoubleExperiment[] = [{ experiment_id: "0", name: "Default", lifecycle_stage: "active" }];
  readonly runs: DoubleRun[] = [];
  readonly files = new Map<string, Buffer>();
  /** Method and path of each request that was let in. */
  readonly requests: string[] = [];
  /** Numbers that the real server would have stored as zeros, with the rest of their batch lost. */
  readonly malformed: unknown[] = [];
  version = "3.17.2";
  /** As 2.9 does: a batch with a NaN that is there is refused, whole. */
  refusesKnownNaN = false;
  /** What it says of parts: takes them, is over a store that has none, as is MLflow's default, or gives an address too few. */
  parts: "taken" | "501" | "short" = "501";
  /** Uploads in parts that were begun, by id; gone once they are completed or aborted. */
  readonly uploads = new Map<string, { readonly path: string; readonly parts: Map<number, Buffer> }>();
  /** Headers of the requests that put parts. */
  readonly partHeaders: WireRequest["headers"][] = [];
  /** Workspaces that it has; undefined: it was started without them. */
  workspaces: readonly string[] | undefined;
  /** The workspaces that requests named, each once; an empty text for none. */
  readonly named = new Set<string>();
  artifactRoot = "mlflow-artifacts:";
  /** What it lists of any folder. */
  listed: readonly string[] = [];

  readonly faults = new FaultSwitches({ clock: systemClock, expireTokens: () => undefined });
  readonly handler: WireHandler = this.faults.wrap("mlflow", (request) => this.#answer(request));

  activeRuns(): readonly DoubleRun[] {
    return this.runs.filter(({ info }) => info.lifecycle_stage === "active");
  }

  async #answer(request: WireRequest): Promise<WireResponse> {
    const { method, url } = request;
    const body = Buffer.from(await readBytes(request.body));
    this.requests.push(`${method} ${url.pathname}`);
    const json = (status: number, value: unknown): WireResponse => ({
      status,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(value),
    });
    const workspace = request.headers["x-mlflow-workspace"] ?? "";
    try {
      if (url.pathname === "/api/3.0/mlflow/server-info") return json(200, { workspaces_enabled: this.workspaces !== undefined });
      if (workspace !== "" && this.workspaces === undefined) throw new Refusal(500, "FEATURE_DISABLED", "Workspace APIs are not available");
      if (workspace !== "" && this.workspaces?.includes(workspace) === false)
        throw new Refusal(404, "RESOURCE_DOES_NOT_EXIST", `Workspace '${workspace}' not found`);
      this.named.add(workspace);
      if (url.pathname === "/api/3.0/mlflow/workspaces")
        return json(200, { workspaces: (this.workspaces ?? []).map((name) => ({ name })) });
      if (url.pathname === "/version") return { status: 200, headers: { "content-type": "text/plain" }, body: this.version };
      const file = /^\/api\/2\.0\/mlflow-artifacts\/artifacts\/(.+)$/.exec(url.pathname);
      if (file && method === "PUT") {
        const declared = Number(request.headers["content-length"]);
        if (declared !== body.length) throw new Refusal(500, "INTERNAL_ERROR", "the body ended early");
        this.files.set(decodeURIComponent(file[1] ?? ""), body);
        return json(200, {});
      }
      if (url.pathname === "/get-artifact") {
        const { info } = this.#run(url.searchParams.get("run_uuid"));
        const bytes = this.files.get(`${info.experiment_id}/${info.run_id}/artifacts/${url.searchParams.get("path") ?? ""}`);
        return { status: bytes ? 200 : 500, headers: {}, body: bytes ?? "" };
      }
      const part = /^\/store\/(\d+)\/(\d+)$/.exec(url.pathname);
      if (part && method === "PUT") {
        this.partHeaders.push(request.headers);
        this.uploads.get(part[1] ?? "")?.parts.set(Number(part[2]), body);
        return { status: 200, headers: { etag: `"tag-${part[2] ?? ""}"` }, body: "" };
      }
      const [, step, folder] = /^\/api\/2\.0\/mlflow-artifacts\/mpu\/(create|complete|abort)\/(.+)$/.exec(url.pathname) ?? [];
      if (step !== undefined)
        return json(200, this.#multipart(step, decodeURIComponent(folder ?? ""), JSON.parse(body.toString()), url.origin));
      const name = url.pathname.replace("/api/2.0/mlflow/", "");
      const input = (method === "POST" ? JSON.parse(body.toString()) : Object.fromEntries(url.searchParams)) as Record<string, unknown>;
      return json(200, this.#call(name, input));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return json(error.status, { error_code: error.code, message: error.message });
    }
  }

  #call(name: string, input: Record<string, unknown>): object {
    switch (name) {
      case "experiments/get-by-name":
        return { experiment: found(this.experiments.find((each) => each.name === input["experiment_name"])) };
      case "experiments/get":
        return { experiment: found(this.experiments.find((each) => each.experiment_id === input["experiment_id"])) };
      case "experiments/create": {
        if (this.experiments.some((each) => each.name === input["name"]))
          throw new Refusal(400, "RESOURCE_ALREADY_EXISTS", "(sqlite3) UNIQUE");
        const experiment = { experiment_id: String(this.experiments.length), name: String(input["name"]), lifecycle_stage: "active" };
        this.experiments.push(experiment);
        return { experiment_id: experiment.experiment_id };
      }
      case "experiments/search":
        return { experiments: this.experiments };
      case "registered-models/search":
      case "logged-models/search":
      case "artifacts/list":
        return this.#files(name, input);
      case "metrics/get-history": {
        const run = this.#run(input["run_id"]);
        return { metrics: run.points.filter(({ key }) => key === input["metric_key"]).toSorted(byTime) };
      }
      case "runs/search": {
        if (input["filter"] === undefined) {
          const runs = this.runs.filter(({ info }) => (input["experiment_ids"] as string[]).includes(info.experiment_id));
          return runs.length === 0 ? {} : { runs: runs.map(documentOf) };
        }
        const [, key, value] = /^tags\.`([^`]+)` = '([^']*)'$/.exec(String(input["filter"])) ?? [];
        const ids = input["experiment_ids"] as string[];
        const runs = this.activeRuns().filter((run) => ids.includes(run.info.experiment_id) && run.tags.get(key ?? "") === value);
        return runs.length === 0 ? {} : { runs: runs.map(documentOf) };
      }
      case "runs/get":
        return { run: documentOf(this.#run(input["run_id"])) };
      case "runs/create":
        return { run: documentOf(this.#create(input)) };
      case "runs/update": {
        const { info } = this.#active(input["run_id"]);
        if (["RUNNING", "FINISHED", "FAILED", "KILLED"].includes(String(input["status"]))) info.status = String(input["status"]);
        if (input["end_time"] !== undefined) info["end_time"] = input["end_time"];
        return { run_info: info };
      }
      case "runs/delete":
        this.#run(input["run_id"]).info.lifecycle_stage = "deleted";
        return {};
      case "runs/delete-tag":
        if (!this.#active(input["run_id"]).tags.delete(String(input["key"]))) throw new Refusal(404, "RESOURCE_DOES_NOT_EXIST", "No tag");
        return {};
      case "runs/log-batch":
        this.#logBatch(input);
        return {};
      default:
        throw new Refusal(404, "ENDPOINT_NOT_FOUND", name);
    }
  }

  #multipart(step: string, folder: string, input: unknown, origin: string): object {
    if (this.parts === "501") throw new Refusal(501, "NOT_IMPLEMENTED", "Multipart upload is not supported");
    const { path, num_parts, upload_id, parts } = input as {
      readonly path: string;
      readonly num_parts: number;
      readonly upload_id: string;
      readonly parts: readonly { readonly part_number: number; readonly etag: string }[];
    };
    if (step === "create") {
      const id = String(this.uploads.size + 1);
      this.uploads.set(id, { path: `${folder}/${path}`, parts: new Map() });
      const credentials = Array.from({ length: this.parts === "short" ? num_parts - 1 : num_parts }, (_, at) => ({
        url: `${origin}/store/${id}/${String(at + 1)}?X-Amz-Signature=s3cret`,
        part_number: at + 1,
      }));
      return { upload_id: id, credentials };
    }
    const upload = found(this.uploads.get(upload_id));
    this.uploads.delete(upload_id);
    if (step === "abort") return {};
    const pieces = parts.map(({ part_number: number, etag }) => {
      if (etag !== `"tag-${String(number)}"`) throw new Refusal(400, "BAD_REQUEST", "InvalidPart");
      return found(upload.parts.get(number));
    });
    this.files.set(upload.path, Buffer.concat(pieces));
    return {};
  }

  /** Of a run, each by its whole path: there are no folders here. */
  #files(name: string, input: Record<string, unknown>): object {
    if (name !== "artifacts/list") return {};
    const { info } = this.#run(input["run_id"]);
    const root = `${info.experiment_id}/${info.run_id}/artifacts/`;
    const files = [...this.files].filter(([path]) => path.startsWith(root));
    const listed = [
      ...files.map(([path, bytes]) => ({ path: path.slice(root.length), is_dir: false, file_size: bytes.length })),
      ...this.listed.map((path) => ({ path, is_dir: false, file_size: 1 })),
    ];
    return listed.length === 0 ? {} : { files: listed };
  }

  #create(input: Record<string, unknown>): DoubleRun {
    const experiment = found(this.experiments.find((each) => each.experiment_id === input["experiment_id"]));
    if (experiment.lifecycle_stage !== "active") throw new Refusal(400, "INVALID_PARAMETER_VALUE", "must be in the 'active' state");
    const runId = (this.runs.length + 1).toString(16).padStart(32, "0");
    const run: DoubleRun = {
      info: {
        run_id: runId,
        experiment_id: experiment.experiment_id,
        run_name: input["run_name"],
        user_id: input["user_id"],
        status: "RUNNING",
        start_time: input["start_time"] ?? 0,
        artifact_uri: `${this.artifactRoot}/${experiment.experiment_id}/${runId}/artifacts`,
        lifecycle_stage: "active",
      },
      params: new Map(),
      tags: new Map((input["tags"] as Pair[]).map(({ key, value }) => [key, value])),
      points: [],
    };
    this.runs.push(run);
    return run;
  }

  #logBatch(input: Record<string, unknown>): void {
    const run = this.#active(input["run_id"]);
    const [metrics, params, tags] = [input["metrics"] ?? [], input["params"] ?? [], input["tags"] ?? []] as [Point[], Pair[], Pair[]];
    if (metrics.length > 1000 || params.length > 100 || tags.length > 100) throw new Refusal(400, "INVALID_PARAMETER_VALUE", "too many");
    for (const { key } of [...metrics, ...params, ...tags]) {
      if (!NAMES.test(key) || key.length > 250 || /^\/|\/\/|(^|\/)\.{1,2}(\/|$)|\/$/.test(key) || key === "")
        throw new Refusal(400, "INVALID_PARAMETER_VALUE", `Invalid name: '${key}'`);
    }
    if (new Set(params.map(({ key }) => key)).size < params.length)
      throw new Refusal(400, "INVALID_PARAMETER_VALUE", "Duplicate parameter keys");
    for (const { key, value } of params) {
      if (value.length > 6000 || (run.params.has(key) && run.params.get(key) !== value))
        throw new Refusal(400, "INVALID_PARAMETER_VALUE", "Changing param values is not allowed");
    }
    const before = run.points.length;
    for (const point of metrics) {
      const isRight = typeof point.value === "number" || ["NaN", "Infinity", "-Infinity"].includes(String(point.value));
      if (!isRight || !Number.isSafeInteger(point.timestamp) || !Number.isSafeInteger(point.step)) {
        this.malformed.push(point);
        return;
      }
      const isThere = run.points.some(
        (other) =>
          other.key === point.key && other.timestamp === point.timestamp && other.step === point.step && other.value === point.value,
      );
      if (isThere && point.value === "NaN" && this.refusesKnownNaN) {
        run.points.splice(before);
        throw new Refusal(400, "BAD_REQUEST", "(sqlite3.IntegrityError) UNIQUE constraint failed: metrics.key, metrics.timestamp");
      }
      if (!isThere) run.points.push(point);
    }
    for (const { key, value } of params) run.params.set(key, value);
    for (const { key, value } of tags) run.tags.set(key, value);
  }

  #run(runId: unknown): DoubleRun {
    return found(this.runs.find(({ info }) => info.run_id === runId));
  }

  #active(runId: unknown): DoubleRun {
    const run = this.#run(runId);
    if (run.info.lifecycle_stage !== "active") throw new Refusal(400, "INVALID_PARAMETER_VALUE", "The run must be in the 'active' state");
    return run;
  }
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Refusal(404, "RESOURCE_DOES_NOT_EXIST", "none of this id or name");
  return value;
}

/** In the order of databases. */
function byTime(one: Point, other: Point): number {
  return one.timestamp - other.timestamp || one.step - other.step || Number(one.value) - Number(other.value);
}

/** Empty lists are absent, as in the real answers. */
function documentOf({ info, params, tags, points }: DoubleRun): object {
  const metrics = [...new Map(points.toSorted(byTime).map((point) => [point.key, point])).values()];
  const pairs = (map: ReadonlyMap<string, string>): Pair[] => [...map].map(([key, value]) => ({ key, value }));
  return {
    info,
    data: {
      ...(metrics.length === 0 ? {} : { metrics }),
      ...(params.size === 0 ? {} : { params: pairs(params) }),
      ...(tags.size === 0 ? {} : { tags: pairs(tags) }),
    },
  };
}
