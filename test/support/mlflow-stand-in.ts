/**
 * A stand-in for an MLflow server that answers what a test has prepared: for what a real one does rarely or never. That a real one is
 * understood is shown by `npm run test:interop -- mlflow`.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Text of an answer by path and query; what is missing answers 500, as MLflow does for a missing file, and 404 where it is a route that
 * MLflow 2.9 does not have.
 */
export type Answers = Record<string, string>;

/** Where time begins for it. */
export const T = 1_700_000_000_000;

export class MlflowStandIn {
  answers: Answers = {};
  /** Asked first: what it answers with instead, by status and text; `drop` closes the connection. */
  refuse: ((path: string) => { readonly status: number; readonly text: string } | "drop" | undefined) | undefined;
  /** Requests since it was started. */
  requests = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<MlflowStandIn> {
    const server = createServer((request, response) => {
      standIn.requests++;
      const url = new URL(request.url ?? "", "http://stand-in");
      const path = `${url.pathname.replace("/api/2.0/mlflow/", "")}${url.search}`;
      request.resume();
      const refusal = standIn.refuse?.(path);
      if (refusal === "drop") {
        request.socket.destroy();
        return;
      }
      if (refusal !== undefined) {
        response.writeHead(refusal.status).end(refusal.text);
        return;
      }
      const text = standIn.answers[path];
      const missing = /^(?:\/api\/3\.0\/mlflow\/|users\/)/.test(path) ? 404 : 500;
      response.writeHead(text === undefined ? missing : 200).end(text ?? '{"error_code":"INTERNAL_ERROR","message":"no such file"}');
    }).listen(0, "127.0.0.1");
    const standIn = new MlflowStandIn(server);
    await once(server, "listening");
    return standIn;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** One experiment with these runs; each with one metric, whose points are `history`. */
export function holding(runIds: readonly string[], histories: Answers): Answers {
  const runs = runIds.map((run_id) => ({
    info: { run_id, experiment_id: "1", run_name: `run ${run_id}`, status: "FINISHED", start_time: T, lifecycle_stage: "active" },
    // As in MLflow, a metric without a point is none.
    data: { metrics: histories[history(run_id)] === "{}" ? [] : [{ key: "loss", value: 1, timestamp: T, step: 0 }] },
  }));
  return {
    "/version": "2.9.0",
    "experiments/search": JSON.stringify({ experiments: [{ experiment_id: "1", name: "vision", lifecycle_stage: "active" }] }),
    "runs/search": JSON.stringify({ runs }),
    ...Object.fromEntries(runs.map((run) => [`runs/get?run_id=${run.info.run_id}`, JSON.stringify({ run })])),
    ...Object.fromEntries(runIds.map((id) => [`artifacts/list?run_id=${id}`, "{}"])),
    "registered-models/search?max_results=100": "{}",
    "logged-models/search": "{}",
    ...histories,
  };
}

/** The request for a page of two points. */
export const history = (runId: string, more = ""): string => `metrics/get-history?run_id=${runId}&metric_key=loss&max_results=2${more}`;
export const page = (points: string, token?: string): string =>
  `{"metrics":[${points}]${token === undefined ? "" : `,"next_page_token":"${token}"`}}`;
export const point = (value: string, timestamp: number, step: string): string =>
  `{"key":"loss","value":${value},"timestamp":${String(timestamp)},"step":${step}}`;
