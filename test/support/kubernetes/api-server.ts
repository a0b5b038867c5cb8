/**
 * The HTTP face of the fake: Jobs, Pods, logs and watches of one namespace, for one token. Follows Kubernetes 1.35: verbs and
 * `Status` answers of `apimachinery/pkg/api/errors`, watches of `apiserver/pkg/storage/cacher` (a version that is too old is
 * told by an event of code 410), `registry/core/pod/rest/log.go` (a pod without a node has an empty log, one that waits a 400).
 */
import { once } from "node:events";
import { createServer, ServerResponse, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Kubelet } from "./kubelet.js";
import { Refusal, type Change, type Kind, type ObjectStore, type Thing } from "./object-store.js";

interface Call {
  readonly request: IncomingMessage;
  readonly body: Thing;
  readonly url: URL;
  readonly kind: Kind;
  readonly name: string | undefined;
  readonly isLog: string | undefined;
  readonly isWatch: boolean;
}

interface Watcher {
  readonly kind: Kind;
  readonly url: URL;
  readonly response: ServerResponse;
}

/** An outage: a call is not heard and answered with 503, or it is done and its answer is lost. */
export type Outage = "refuse" | "drop-answer";

export const TOKEN = "of-the-worker";

export class ApiServer implements AsyncDisposable {
  /** `verb resource`, as a Role names them. */
  readonly seen = new Set<string>();
  /** How often each was called. */
  readonly calls = new Map<string, number>();
  /** What is answered in the place of doing it: by `verb resource`. */
  readonly refusals = new Map<string, Refusal>();
  /** Every call is answered with 503. */
  isDown = false;
  /** Every watch is answered with an event of code 410. */
  watchesAreGone = false;
  readonly #outages = new Map<string, { readonly mode: Outage; readonly times: number; hits: number }>();
  readonly #store: ObjectStore;
  readonly #kubelet: Kubelet;
  readonly #server: Server = createServer();
  readonly #watchers = new Set<Watcher>();
  /** Changes what is asked to be created, as an admission webhook does. */
  admit: (kind: Kind, object: Thing) => void = () => undefined;

  constructor(store: ObjectStore, kubelet: Kubelet) {
    this.#store = store;
    this.#kubelet = kubelet;
    store.onChange((change) => {
      for (const watcher of this.#watchers) tell(watcher, change);
    });
    this.#server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      void this.#answer(request, response).catch((error: unknown) => {
        const { code, reason, message, headers } =
          error instanceof Refusal ? error : new Refusal(500, "InternalError", `Internal error occurred: ${String(error)}`);
        send(response, code, { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message }, headers);
      });
    });
  }

  get watches(): number {
    return this.#watchers.size;
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** So many of the next calls of a `verb resource`. @returns how often it has happened. */
  cutOff(verb: string, mode: Outage, times = 1): () => number {
    const outage = { mode, times, hits: 0 };
    this.#outages.set(verb, outage);
    return () => outage.hits;
  }

  dropWatches(): void {
    for (const { response } of this.#watchers) response.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const body: Thing = text === "" ? {} : JSON.parse(text);
    const url = new URL(request.url ?? "/", "http://fake");
    const match = /^\/(?:apis\/batch\/v1|api\/v1)\/namespaces\/trainings\/(jobs|pods)(?:\/([^/]+))?(\/log)?$/.exec(url.pathname);
    if (this.isDown) throw unavailable();
    if (request.headers.authorization !== `Bearer ${TOKEN}`) throw new Refusal(401, "Unauthorized", "Unauthorized");
    if (!match) throw new Refusal(404, "NotFound", "the server could not find the requested resource");
    const [, kind, name, isLog] = match as unknown as [string, Kind, string | undefined, string | undefined];
    const isWatch = url.searchParams.get("watch") === "true";
    const verb = isLog ? "get pods/log" : `${verbOf(request.method, name, isWatch)} ${kind}`;
    this.seen.add(verb);
    this.calls.set(verb, (this.calls.get(verb) ?? 0) + 1);
    const refusal = this.refusals.get(verb);
    if (refusal) throw refusal;
    const outage = this.#outages.get(verb);
    if (outage === undefined || outage.hits >= outage.times) return this.#do({ request, body, url, kind, name, isLog, isWatch }, response);
    outage.hits++;
    if (outage.mode === "refuse") throw unavailable();
    this.#do({ request, body, url, kind, name, isLog, isWatch }, new ServerResponse(request));
    response.destroy();
  }

  #do({ request, body, url, kind, name, isLog, isWatch }: Call, response: ServerResponse): void {
    if (isWatch) return this.#watch(kind, url, response);
    if (request.method === "POST") {
      const given = withDefaults(kind, body);
      this.admit(kind, given);
      return send(response, 201, this.#store.create(kind, given));
    }
    if (name === undefined) {
      const items = this.#store.list(kind).filter((object) => isSelected(object, url));
      return send(response, 200, {
        kind: kind === "jobs" ? "JobList" : "PodList",
        metadata: { resourceVersion: this.#store.version },
        items,
      });
    }
    const object = this.#store.get(kind, name);
    if (object === undefined) throw new Refusal(404, "NotFound", `${kind} "${name}" not found`);
    if (isLog) return this.#log(object, url, response);
    if (request.method === "PATCH") return send(response, 200, this.#store.patch(kind, object, body));
    if (request.method === "DELETE") this.#store.delete(kind, object, body);
    send(response, 200, object);
  }

  #log(pod: Thing, url: URL, response: ServerResponse): void {
    if ((pod.spec.nodeName ?? "") === "") return void response.writeHead(204).end();
    if (this.#kubelet.isCutOff) throw new Refusal(500, "InternalError", "Internal error occurred: dial tcp 10.0.0.1:10250: i/o timeout");
    const number = (name: string): number | undefined => (url.searchParams.has(name) ? Number(url.searchParams.get(name)) : undefined);
    const { code, text } = this.#kubelet.log(pod, number("tailLines"), number("limitBytes"));
    if (code !== 200) throw new Refusal(code, "BadRequest", text);
    response.writeHead(200, { "content-type": "text/plain" }).end(text);
  }

  #watch(kind: Kind, url: URL, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" });
    if (this.watchesAreGone) {
      const status = { kind: "Status", status: "Failure", code: 410, reason: "Expired", message: "too old resource version" };
      response.end(`${JSON.stringify({ type: "ERROR", object: status })}\n`);
      return;
    }
    response.flushHeaders();
    const watcher = { kind, url, response };
    this.#watchers.add(watcher);
    response.on("close", () => this.#watchers.delete(watcher));
    const from = Number(url.searchParams.get("resourceVersion"));
    for (const change of this.#store.changes) if (change.version > from) tell(watcher, change);
  }
}

function unavailable(): Refusal {
  return new Refusal(503, "ServiceUnavailable", "the server is currently unable to handle the request");
}

function send(response: ServerResponse, code: number, object: Thing, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(code, { "content-type": "application/json", ...headers }).end(JSON.stringify(object));
}

/** As the API server fills in what was not said. */
function withDefaults(kind: Kind, object: Thing): Thing {
  if (kind === "jobs" && object.spec?.template !== undefined) {
    object.spec = { parallelism: 1, completions: 1, backoffLimit: 6, suspend: false, completionMode: "NonIndexed", ...object.spec };
    object.spec.template.spec = { terminationGracePeriodSeconds: 30, ...object.spec.template.spec };
  }
  return object;
}

function verbOf(method: string | undefined, name: string | undefined, isWatch: boolean): string {
  if (isWatch) return "watch";
  if (method === "GET") return name === undefined ? "list" : "get";
  return { POST: "create", PATCH: "patch", DELETE: "delete" }[method ?? ""] ?? "";
}

function isSelected(object: Thing, url: URL): boolean {
  const name = /^metadata\.name=(.*)$/.exec(url.searchParams.get("fieldSelector") ?? "")?.[1];
  const labels = (url.searchParams.get("labelSelector") ?? "").split(",").filter((part) => part !== "");
  return (
    (name === undefined || object.metadata.name === name) &&
    labels.every((part) => object.metadata.labels?.[part.slice(0, part.indexOf("="))] === part.slice(part.indexOf("=") + 1))
  );
}

function tell({ kind, url, response }: Watcher, change: Change): void {
  if (change.kind === kind && isSelected(change.object, url))
    response.write(`${JSON.stringify({ type: change.type, object: change.object })}\n`);
}
