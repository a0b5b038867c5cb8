/**
 * `trainer-sdk journal export`: what a journal owes to ClearML, as an offline session. The journal is delivered from a
 * copy into an embedded server that lives for that long, and the session is written from there: so it holds exactly
 * what a real server would have got. The journal itself stays as it is.
 */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { keptUp } from "../base/background.js";
import { createClearML, type ClearML } from "../clearml/create-clearml.js";
import { exportOfflineSession } from "../clearml/offline/export-session.js";
import { startDevServer, type DevServer } from "../devserver/index.js";
import { drainJournal } from "../trainer/drain-journal.js";
import { surveyJournal } from "../outbox/survey-journal.js";
import { theJournal } from "./find-journals.js";
import { EXIT, type ExitCode, type Terminal } from "./terminal.js";

export interface ExportOptions {
  /** Folder of the zip. Default: the working directory. */
  readonly out?: string;
  readonly json?: boolean;
}

/** Long enough for a journal at its limit; nothing here leaves this machine but the files of a store of its own. */
const DEADLINE_MS = 30 * 60_000;

/** Writes `<offline id>.zip`; 0 when it holds all, 1 when it could not be written. */
export function runJournalExport(
  folder: string,
  options: ExportOptions,
  env: Readonly<Record<string, string | undefined>>,
  terminal: Terminal,
): Promise<ExitCode> {
  return keptUp(theJournal(folder).then((directory) => exportJournal(directory, options, env, terminal)));
}

async function exportJournal(
  directory: string,
  options: ExportOptions,
  env: Readonly<Record<string, string | undefined>>,
  terminal: Terminal,
): Promise<ExitCode> {
  const { runId, pending } = await surveyJournal(directory);
  if (runId === undefined) throw new Error(`there is no record in the journal in ${directory}`);
  if (!pending["clearml"])
    throw new Error(
      `the journal in ${directory} owes nothing to ClearML: it was delivered already, or the job ran without ClearML. To record a job without a server, start it with CLEARML_OFFLINE_MODE=1`,
    );
  const work = await mkdtemp(path.join(tmpdir(), "trainer-sdk-export-"));
  const server = await startDevServer({ dataDir: path.join(work, "server") });
  const clearml = createClearML({}, { ...server.env });
  try {
    const taskId = await delivered(directory, path.join(work, "journal"), { server, clearml, env, terminal });
    const zip = path.resolve(options.out ?? ".", `offline-${taskId}.zip`);
    const written = await exportOfflineSession(clearml, taskId, {
      file: zip,
      signal: terminal.stop,
      onProgress: ({ events, files }) => {
        if (!options.json) terminal.error(`\r${String(events)} events, ${String(files)} files `);
      },
    });
    if (options.json) terminal.out(`${JSON.stringify(written)}\n`);
    else {
      terminal.error("\n");
      terminal.out(`${written.file}: ${String(written.events)} events, ${String(written.files)} files, ${String(written.models)} models\n`);
    }
    return EXIT.ok;
  } finally {
    await clearml.close();
    await server.close();
    await rm(work, { recursive: true, force: true });
  }
}

interface Surroundings {
  readonly server: DevServer;
  readonly clearml: ClearML;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly terminal: Terminal;
}

/** The task that the journal became on the server. */
async function delivered(directory: string, copy: string, { server, clearml, env, terminal }: Surroundings): Promise<string> {
  await cp(directory, copy, { recursive: true });
  const report = await drainJournal({
    directory: copy,
    env: {
      ...env,
      ...server.env,
      CALLBACK_URL: undefined,
      CALLBACK_TOKEN: undefined,
      TRAINER_SINKS: "clearml",
      CLEARML_TASK_ID: undefined,
    },
    deadlineMs: DEADLINE_MS,
    signal: terminal.stop,
  });
  const owed = report.receipt?.sinks["clearml"];
  if (owed === undefined || owed.pending > 0) {
    const why = report.lastErrors["clearml"] ?? report.unreachable["clearml"] ?? report.unreachable["upload"] ?? "it was stopped";
    throw new Error(`${String(owed?.pending ?? "some")} records could not be put into the session: ${why}`);
  }
  if (owed.rejected > 0) terminal.error(`${String(owed.rejected)} records were refused, as ClearML itself would refuse them.\n`);
  for await (const { id } of clearml.tasks.getAll({ search_hidden: true, only_fields: ["id"] })) return id;
  throw new Error("the journal became no task");
}
