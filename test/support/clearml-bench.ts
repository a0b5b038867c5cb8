/** An embedded ClearML, a client at it, and a folder; all gone at the end. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClearML, type ClearML, type ClearMLSessionOptions } from "../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../src/devserver/index.js";

export interface ClearMLBench extends AsyncDisposable {
  readonly server: DevServer;
  readonly clearml: ClearML;
  readonly folder: string;
  /** Another client at the same server. */
  client(options?: ClearMLSessionOptions, env?: Readonly<Record<string, string>>): ClearML;
  /** Answered requests to an endpoint, by the server's own count. */
  arrived(endpoint: string): number;
}

export async function clearmlBench(env: Readonly<Record<string, string>> = {}): Promise<ClearMLBench> {
  const folder = await mkdtemp(join(tmpdir(), "clearml-bench-"));
  const server = await startDevServer();
  const clients: ClearML[] = [];
  const client: ClearMLBench["client"] = (options = {}, more = {}) => {
    const made = createClearML(options, { ...server.env, ...env, ...more });
    clients.push(made);
    return made;
  };
  return {
    server,
    clearml: client(),
    folder,
    client,
    arrived: (endpoint) => server.requests.entries({ channel: "api" }).filter(({ path }) => path.endsWith(endpoint)).length,
    [Symbol.asyncDispose]: async () => {
      for (const one of clients) await one.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What a promise failed with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error("it was expected to fail");
    },
    (error: unknown) => error,
  );
}

/** All of an iteration. */
export async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const row of rows) read.push(row);
  return read;
}
