/**
 * Where the program meets its process: arguments in, exit code out, and a first SIGINT or SIGTERM as a request to stop.
 * The commands themselves are in `program.ts`. Nothing happens at import.
 */
import { readFile } from "node:fs/promises";
import { runCommandLine } from "./program.js";

/**
 * Runs the command line of this process and sets its exit code. The first SIGINT or SIGTERM asks the command to stop;
 * a second one ends the process at once with code 130.
 */
export async function runProgram(): Promise<void> {
  hideSqliteWarning();
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    process.exitCode = await runCommandLine(process.argv.slice(2), await ownVersion(), {
      out: (text) => void process.stdout.write(text),
      error: (text) => void process.stderr.write(text),
      stop: stop.signal,
      interactive: process.stderr.isTTY,
      columns: process.stderr.columns,
    });
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

/** Node 22 calls its SQLite experimental whenever it is loaded; whoever runs `dev --data` can do nothing about that. */
function hideSqliteWarning(): void {
  const listeners = process.listeners("warning");
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (warning.name === "ExperimentalWarning" && warning.message.includes("SQLite")) return;
    for (const listener of listeners) listener(warning);
  });
}

async function ownVersion(): Promise<string> {
  // Two levels up both in the sources and in the published files.
  const manifest = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  return manifest.version;
}
