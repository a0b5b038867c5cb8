/** `trainer-sdk doctor`: looks at everything that a trainer in this environment would need, and says what to do. Leaves nothing behind. */
import { keptUp } from "../base/background.js";
import { withConfEnvironment } from "../base/conf-environment.js";
import { counted } from "../base/counted.js";
import { describeError } from "../base/errors.js";
import { checkCallback } from "./doctor/callback-check.js";
import { checkClearML } from "./doctor/clearml-checks.js";
import { worst, type Examination, type Finding, type Setting } from "./doctor/finding.js";
import { checkJournal } from "./doctor/journal-check.js";
import { checkClocks, versions } from "./doctor/machine-checks.js";
import { examineSettings } from "./doctor/settings.js";
import { checkMlflow } from "./doctor/mlflow-check.js";
import { checkAwsPackages, installedVersion } from "./doctor/package-checks.js";
import type { PlaceReport } from "./doctor/place-checks.js";
import { checkHandOver, checkStorage } from "./doctor/storage-check.js";
import { EXIT, type ExitCode, type Terminal } from "./terminal.js";

/** Options as the command line gives them. */
export interface DoctorOptions {
  readonly json?: boolean;
  /** In seconds, of all checks together. Default {@link DEFAULT_TIMEOUT_SECONDS}. */
  readonly timeout?: number;
}

/** Default of {@link DoctorOptions.timeout}. */
export const DEFAULT_TIMEOUT_SECONDS = 30;

interface Section {
  readonly title: string;
  readonly findings: readonly Finding[];
}

const MARKS = { ok: "ok     ", note: "note   ", warning: "WARNING", error: "ERROR  " } as const;

/** 0: nothing that a person must do; 1: warnings; 2: errors. */
export async function runDoctor(
  options: DoctorOptions,
  env: Readonly<Record<string, string | undefined>>,
  version: string,
  terminal: Terminal,
): Promise<ExitCode> {
  const timeoutSeconds = options.timeout ?? DEFAULT_TIMEOUT_SECONDS;
  const limit = AbortSignal.timeout(timeoutSeconds * 1000);
  const examination: Examination = {
    env: withConfEnvironment(env),
    workingDirectory: process.cwd(),
    signal: AbortSignal.any([limit, terminal.stop]),
    clocks: [],
  };
  const { sections, settings } = await keptUp(examine(examination, version, timeoutSeconds, terminal));
  const severity = worst(sections.flatMap(({ findings }) => findings));
  const code = severity === "error" ? EXIT.usage : severity === "warning" ? EXIT.failed : EXIT.ok;
  if (options.json) {
    const findings = sections.flatMap(({ title, findings: own }) => own.map((finding) => ({ section: title, ...finding })));
    terminal.out(`${JSON.stringify({ severity, version, settings, findings })}\n`);
    return code;
  }
  terminal.out(report(sections, settings));
  return code;
}

async function examine(
  examination: Examination,
  version: string,
  timeoutSeconds: number,
  terminal: Terminal,
): Promise<{ readonly sections: readonly Section[]; readonly settings: readonly Setting[] }> {
  const configuration = examineSettings(examination);
  const { resolved, clearml, mlflow, storage, settings: own, findings } = configuration;
  const sections: Section[] = [
    { title: "Versions", findings: [...versions(version), ...checkAwsPackages(installedVersion)] },
    { title: "Configuration", findings },
  ];
  const settings = [...own];
  const wantsClearML = (resolved.sinks?.includes("clearml") ?? true) || storage?.uri === "clearml";
  const wantsPlatform = resolved.sinks?.includes("platform") ?? true;
  const { options } = clearml;
  const { handover } = resolved;
  const place = async (report: Promise<PlaceReport>): Promise<readonly Finding[]> => {
    const { findings: found, settings: more } = await report;
    settings.push(...more);
    return found;
  };
  const work: { readonly title: string; readonly run: () => Promise<readonly Finding[]> }[] = [
    ...(options && wantsClearML ? [{ title: "ClearML", run: () => checkClearML(options, examination) }] : []),
    ...(mlflow ? [{ title: "MLflow", run: () => checkMlflow(mlflow, resolved, examination) }] : []),
    ...(resolved.callback && wantsPlatform ? [{ title: "Callbacks", run: callbackCheck(resolved.callback, examination) }] : []),
    { title: "Storage", run: () => place(checkStorage(configuration, examination)) },
    ...(handover === undefined ? [] : [{ title: "Hand-over", run: () => place(checkHandOver(handover, examination)) }]),
    { title: "Journal", run: () => checkJournal(resolved, examination) },
  ];
  const pending = new Set(work.map(({ title }) => title));
  const progress = new Progress(terminal, pending);
  try {
    // Side by side: one that hangs holds up none of the others.
    const found = await Promise.all(
      work.map(async ({ title, run }) => {
        const own = await bounded(title, run, examination.signal, timeoutSeconds);
        pending.delete(title);
        progress.draw();
        return { title, findings: own };
      }),
    );
    sections.push(...found, { title: "Clock", findings: checkClocks(examination) });
  } finally {
    progress.end();
  }
  return { sections, settings };
}

function callbackCheck(callback: Parameters<typeof checkCallback>[0], examination: Examination): () => Promise<readonly Finding[]> {
  return () => checkCallback(callback, examination);
}

/** The check, or word that it took too long; never a rejection. */
async function bounded(
  title: string,
  run: () => Promise<readonly Finding[]>,
  signal: AbortSignal,
  timeoutSeconds: number,
): Promise<readonly Finding[]> {
  const id = `${title.toLowerCase()}.timeout`;
  const ended = new Promise<readonly Finding[]>((resolve) => {
    signal.addEventListener("abort", () => {
      const isTime = (signal.reason as { name?: unknown } | undefined)?.name === "TimeoutError";
      const message = isTime
        ? `${title} did not answer within ${String(timeoutSeconds)} s.`
        : `${title} was not looked at to its end: the doctor was stopped.`;
      resolve([
        {
          id,
          severity: "error",
          message,
          ...(isTime
            ? { advice: "Something takes the connection and says nothing: a firewall, or a server that hangs. --timeout waits longer." }
            : {}),
        },
      ]);
    });
  });
  const work = run().catch((error: unknown): readonly Finding[] => [
    { id: `${title.toLowerCase()}.failed`, severity: "error", message: `${title} could not be looked at: ${describeError(error)}` },
  ]);
  return Promise.race([signal.aborted ? ended : work.then((found) => (signal.aborted ? ended : found)), ended]);
}

function report(sections: readonly Section[], settings: readonly Setting[]): string {
  const lines: string[] = [];
  const width = Math.max(0, ...settings.map(({ name }) => name.length));
  if (settings.length > 0)
    lines.push("Settings", ...settings.map(({ name, value, from }) => `  ${name.padEnd(width)}  ${value}  (${from})`), "");
  for (const { title, findings } of sections) {
    lines.push(title);
    for (const { severity, message, advice } of findings) {
      lines.push(`  ${MARKS[severity]} ${message}`);
      if (advice !== undefined) lines.push(`          ${advice}`);
    }
    lines.push("");
  }
  const all = sections.flatMap(({ findings }) => findings);
  const count = (severity: Finding["severity"]): number => all.filter((finding) => finding.severity === severity).length;
  const [errors, warnings] = [count("error"), count("warning")];
  lines.push(errors + warnings === 0 ? "All is well." : `${counted(errors, "error")}, ${counted(warnings, "warning")}.`, "");
  return lines.join("\n");
}

/** What is still being looked at, on a terminal. */
class Progress {
  readonly #terminal: Terminal;
  readonly #pending: ReadonlySet<string>;

  constructor(terminal: Terminal, pending: ReadonlySet<string>) {
    this.#terminal = terminal;
    this.#pending = pending;
    this.draw();
  }

  draw(): void {
    if (this.#terminal.interactive !== true) return;
    this.#terminal.error(`\r\u001b[2K${this.#pending.size === 0 ? "" : `looking at ${[...this.#pending].join(", ")}`}`);
  }

  end(): void {
    if (this.#terminal.interactive === true) this.#terminal.error("\r\u001b[2K");
  }
}
