/** A set-up that is whole, around each test of the doctor: servers to break one at a time, and its words taken apart. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach } from "vitest";
import { runDoctor, type DoctorOptions } from "../../src/cli/doctor-command.js";
import { startDevServer, type DevServer } from "../../src/devserver/index.js";
import { S3_ENV, startS3, type S3Server } from "./s3-server.js";

export interface DoctorBench {
  readonly folder: string;
  readonly server: DevServer;
  readonly s3: S3Server;
  /** Its environment. The hand-over makes up for a temporary folder that dies with its container. */
  whole(): Record<string, string>;
  /** Another one of its kind, in the place of one that a test has closed. */
  restartServer(): Promise<void>;
}

/** Sets it up around each test of the file. */
export function aDoctorBench(): DoctorBench {
  let folder = "";
  let server: DevServer;
  let s3: S3Server;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "doctor-"));
    server = await startDevServer();
    s3 = await startS3();
  });
  afterEach(async () => {
    await server.close();
    await s3[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    get folder() {
      return folder;
    },
    get server() {
      return server;
    },
    get s3() {
      return s3;
    },
    whole: () => ({
      ...server.env,
      ...S3_ENV,
      JOB_ID: "7",
      CALLBACK_TOKEN: "callback-secret",
      CHECKPOINT_URI: `s3://${s3.server.host}/models/runs`,
      TRAINER_JOURNAL_DIR: path.join(folder, "journal"),
      TRAINER_HANDOVER_URI: `s3://${s3.server.host}/models/handover`,
    }),
    restartServer: async () => {
      server = await startDevServer();
    },
  };
}

/** What it said, and the exit code. */
export interface DoctorReport {
  readonly code: number;
  readonly text: string;
  readonly progress: string;
}

/** Runs it in an environment. */
export async function doctor(env: Record<string, string>, options: DoctorOptions = {}, interactive = false): Promise<DoctorReport> {
  let [text, progress] = ["", ""];
  const code = await runDoctor(options, env, "1.2.3", {
    out: (more) => (text += more),
    error: (more) => (progress += more),
    stop: new AbortController().signal,
    interactive,
  });
  return { code, text, progress };
}

/** Lines of a weight, with their advice. */
export function said(text: string, mark: "ERROR" | "WARNING"): string[] {
  const lines = text.split("\n");
  return lines.flatMap((line, index) =>
    line.trimStart().startsWith(`${mark} `) ? [`${line.trim()} | ${(lines[index + 1] ?? "").trim()}`] : [],
  );
}
