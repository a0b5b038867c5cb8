/** `trainer-sdk dev`: runs the embedded ClearML in the foreground and says how to reach it. */
import { resolve } from "node:path";
import { describeError } from "../base/errors.js";
import { startDevServer, type DevServer } from "../devserver/index.js";
import { EXIT, type ExitCode, type Terminal } from "./terminal.js";

/** Options as the command line gives them. */
export interface DevOptions {
  /** The dashboard's; absent or 0: free ports. */
  readonly port?: number;
  /** Folder that outlives the server; absent: memory. */
  readonly data?: string;
  readonly json?: boolean;
  readonly faultControl?: boolean;
}

/** Serves until `terminal.stop` is aborted; then closes and gives 0, or 1 when the server did not start. */
export async function runDev(options: DevOptions, version: string, terminal: Terminal): Promise<ExitCode> {
  let server: DevServer;
  try {
    server = await startDevServer({
      ...(options.port === undefined ? {} : { port: options.port }),
      ...(options.data === undefined ? {} : { dataDir: options.data }),
      ...(options.faultControl === undefined ? {} : { faultControl: options.faultControl }),
    });
  } catch (error) {
    terminal.error(`${explainStartFailure(error, options)}\n`);
    return EXIT.failed;
  }
  try {
    terminal.out(options.json ? `${JSON.stringify({ env: server.env })}\n` : welcome(server, options, version));
    await aborted(terminal.stop);
  } finally {
    await server.close();
  }
  if (!options.json) terminal.out("\nStopped.\n");
  return EXIT.ok;
}

function welcome(server: DevServer, options: DevOptions, version: string): string {
  const lines = Object.entries(server.env).map(([name, value]) => `export ${name}=${value}`);
  return `trainer-sdk dev ${version}: a ClearML-compatible server for this machine only

  Dashboard  ${server.webUrl}
  Data       ${options.data === undefined ? "in memory, gone when the server stops (keep it with --data <folder>)" : resolve(options.data)}

Set these where the training runs:

${lines.join("\n")}

Stop with Ctrl+C.
`;
}

function explainStartFailure(error: unknown, options: DevOptions): string {
  const busy = findCause(error, "EADDRINUSE");
  if (busy) {
    const port = busy.port ?? options.port;
    return `trainer-sdk dev did not start: port ${String(port)} is in use. Choose others with --port <number>, or leave --port out and free ones are found.`;
  }
  return `trainer-sdk dev did not start: ${describeError(error)}`;
}

/** The error in the chain of causes that carries this system code. */
function findCause(error: unknown, code: string): { readonly port?: number } | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ((current as NodeJS.ErrnoException).code === code) return current as { port?: number };
  }
  return undefined;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
