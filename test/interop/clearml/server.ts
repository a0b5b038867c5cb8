/**
 * The server that both sides talk to: the embedded one as users start it, `trainer-sdk dev` in a process of its own, or
 * with `--server env` the one that CLEARML_API_HOST and its companions name. Of the first the requests are known.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createClearML, type ClearML } from "../../../src/clearml/index.js";
import type { Tally } from "../support/tally.js";

const PROGRAM = fileURLToPath(new URL("../../../dist/cli/bin.cjs", import.meta.url));
const VARIABLES = [
  "CLEARML_API_HOST",
  "CLEARML_WEB_HOST",
  "CLEARML_FILES_HOST",
  "CLEARML_API_ACCESS_KEY",
  "CLEARML_API_SECRET_KEY",
] as const;

type ServerEnvironment = Readonly<Record<(typeof VARIABLES)[number], string>>;

/** A request as the server saw it. */
export interface SeenRequest {
  readonly channel: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** A server that is there for a whole test file. */
export interface PeerServer {
  readonly kind: "embedded" | "env";
  /** What points an SDK at it. */
  readonly env: ServerEnvironment;
  /** Our client for it. */
  client(): ClearML;
  /** Requests since the last call of this; none for a server that is not ours. */
  newRequests(): Promise<readonly SeenRequest[]>;
  close(): Promise<void>;
}

/** Opens the server that the script was asked for. */
export async function openServer(): Promise<PeerServer> {
  return process.env["INTEROP_SERVER"] === "env" ? namedByEnvironment() : startEmbedded();
}

function namedByEnvironment(): PeerServer {
  const missing = VARIABLES.filter((name) => !process.env[name]);
  if (missing.length > 0) throw new Error(`--server env needs ${missing.join(", ")}.`);
  const env = Object.fromEntries(VARIABLES.map((name) => [name, process.env[name] ?? ""])) as ServerEnvironment;
  console.warn(
    `${env.CLEARML_API_HOST} keeps no list of requests for us: calls are not counted, and a refused one shows by what the SDK says.`,
  );
  return { kind: "env", env, client: () => createClearML({}, env), newRequests: async () => [], close: async () => undefined };
}

async function startEmbedded(): Promise<PeerServer> {
  const child = spawn(process.execPath, [PROGRAM, "dev", "--json", "--fault-control"], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), "line"),
    exited.then(() => Promise.reject(new Error("the server did not start"))),
  ])) as [string];
  const { env } = JSON.parse(line) as { env: ServerEnvironment };
  let known = 0;
  return {
    kind: "embedded",
    env,
    client: () => createClearML({}, env),
    newRequests: async () => {
      const answer = await fetch(`${env.CLEARML_WEB_HOST}/__requests`);
      const { total, requests } = (await answer.json()) as { total: number; requests: SeenRequest[] };
      const fresh = requests.slice(Math.max(0, requests.length - (total - known)));
      known = total;
      return fresh;
    },
    close: async () => {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** Counts the requests since the last count, and notes each that the server refused, but for those of `provoked` endpoints. */
export async function countRequests(server: PeerServer, tally: Tally, provoked: readonly string[] = []): Promise<void> {
  const requests = await server.newRequests();
  tally.called(requests.length);
  for (const { channel, method, path, status } of requests) {
    if (status >= 400 && !provoked.some((endpoint) => path.endsWith(`/${endpoint}`)))
      tally.differ(`${channel} ${method} ${path} was answered ${String(status)}`);
  }
}
