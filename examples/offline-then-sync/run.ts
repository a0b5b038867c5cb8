/**
 * Two trainers run offline. One's journal is then delivered by `trainer-sdk sync`; the other's becomes an offline session, a
 * zip of the form that ClearML's own client records, and `sync` brings that. Ends with an error unless both tasks are whole.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createClearML } from "trainer-sdk/clearml";
import { startDevServer } from "trainer-sdk/devserver";

const run = promisify(execFile);
const program = await cliPath();
const folder = await mkdtemp(path.join(tmpdir(), "offline-then-sync-"));
try {
  // No server is up, and none is named.
  for (const job of ["journal", "session"])
    await run(process.execPath, [fileURLToPath(new URL("train.ts", import.meta.url))], {
      env: { ...withoutClearML(), CLEARML_OFFLINE_MODE: "1", JOB_ID: job, WORK_DIR: folder, TRAINER_JOURNAL_DIR: path.join(folder, job) },
      timeout: 60_000,
    });
  const { stdout } = await run(process.execPath, [program, "journal", "export", path.join(folder, "session"), "--out", folder, "--json"]);
  const session = /"([^"]+\.zip)"/.exec(stdout)?.[1];
  assert.ok(session, stdout);

  // Weeks later, on a machine that reaches a server.
  const server = await startDevServer();
  const clearml = createClearML({}, { ...server.env });
  try {
    const sync = async (place: string): Promise<string> =>
      (await run(process.execPath, [program, "sync", place], { env: { ...withoutClearML(), ...server.env }, timeout: 60_000 })).stdout;
    for (const place of [path.join(folder, "journal"), path.resolve(folder, session)]) {
      process.stdout.write(await sync(place));
      // Bringing it again adds nothing.
      process.stdout.write(await sync(place));
    }

    const { tasks } = await clearml.tasks.getPage({ only_fields: ["name", "status", "execution.artifacts"] });
    assert.deepEqual(tasks.map(({ name, status }) => [name, status]).sort(), [
      ["Training Job journal", "completed"],
      ["Training Job session", "completed"],
    ]);
    for (const task of tasks) {
      const charts = await clearml.reading.exactCharts(task.id, { metrics: [{ metric: "loss", variants: ["train"] }] });
      assert.deepEqual(charts[0]?.series[0]?.x, [1, 2, 3, 4, 5]);
      assert.deepEqual(
        charts[0].series[0].y,
        [1, 2, 3, 4, 5].map((epoch) => 1 / epoch),
      );
      const lines = (await clearml.reading.logTail(task.id, 100)).map(({ text }) => text).filter((text) => text.startsWith("epoch "));
      assert.deepEqual(
        lines,
        [1, 2, 3, 4, 5].map((epoch) => `epoch ${String(epoch)} of 5`),
      );
      const uri = task.execution?.artifacts?.find(({ key }) => key === "checkpoint_best")?.uri ?? "";
      // A delivered journal names files where they lie; a session brings them along.
      const copy = uri.startsWith("file:") ? fileURLToPath(uri) : path.join(folder, `${task.id}.json`);
      if (!uri.startsWith("file:")) await clearml.files.download(uri, copy);
      assert.deepEqual(JSON.parse(await readFile(copy, "utf8")), { weight: 0.2 });
    }
    console.log("Two jobs that no server saw are there, completed, each line and point once.");
  } finally {
    await clearml.close();
    await server.close();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

function withoutClearML(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:CLEARML|TRAINS|TRAINER|CHECKPOINT)_/.test(name)));
}

/** The program, by the package's own word; in a project of yours it is `npx trainer-sdk`. */
async function cliPath(): Promise<string> {
  const manifestUrl = import.meta.resolve("trainer-sdk/package.json");
  const manifest = JSON.parse(await readFile(new URL(manifestUrl), "utf8")) as { bin: Record<string, string> };
  return fileURLToPath(new URL(manifest.bin["trainer-sdk"] ?? "", manifestUrl));
}
