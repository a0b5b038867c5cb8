/** A real Temporal server for development, in memory, on a free port of the loopback. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "@temporalio/client";
import { temporalProgram } from "./tools.js";

export interface TemporalServer extends AsyncDisposable {
  readonly address: string;
  readonly connection: Connection;
}

export async function startTemporalServer(): Promise<TemporalServer> {
  const port = await freePort();
  const address = `127.0.0.1:${String(port)}`;
  const parameters = ["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", String(port), "--log-level", "error"];
  const server = spawn(await temporalProgram(), parameters, { stdio: "ignore" });
  const connection = await connected(address, server);
  return {
    address,
    connection,
    async [Symbol.asyncDispose]() {
      await connection.close();
      const ended = once(server, "exit");
      server.kill("SIGKILL");
      await ended;
    },
  };
}

async function connected(address: string, server: ChildProcess): Promise<Connection> {
  for (;;) {
    if (server.exitCode !== null) throw new Error(`the Temporal server ended with code ${String(server.exitCode)}`);
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1_000 });
      await connection.workflowService.describeNamespace({ namespace: "default" });
      return connection;
    } catch {
      await sleep(100);
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
