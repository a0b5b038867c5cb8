/** Trainers in processes of their own that do what they are told, with every trouble that a kill makes. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";

const TRAINER = fileURLToPath(new URL("programs/sink-trainer.ts", import.meta.url));
const RESOLVER = fileURLToPath(new URL("../../support/resolve-typescript.js", import.meta.url));

export interface SinkTrainer {
  readonly child: ChildProcess;
  /** Gives lines, and waits until the last of them was done. */
  tell(...lines: readonly string[]): Promise<void>;
  /** Ends it in order; true when everything was delivered everywhere. */
  end(): Promise<boolean>;
}

/** Starts one and waits until it is ready. Its journal and store are in `folder`. */
export async function startSinkTrainer(jobId: string, folder: string, given: Readonly<Record<string, string>>): Promise<SinkTrainer> {
  const child = spawn(process.execPath, ["--import", RESOLVER, TRAINER], {
    stdio: ["pipe", "pipe", "inherit"],
    env: {
      PATH: process.env["PATH"],
      JOB_ID: jobId,
      PROJECT_ID: "7",
      CONFIG: '{"lr":0.1,"net":{"layers":3}}',
      TRAINER_SINKS: "clearml,mlflow",
      TRAINER_JOURNAL_DIR: join(folder, "journal"),
      CHECKPOINT_URI: `file://${join(folder, "store")}`,
      FOLDER: folder,
      ...given,
    },
  });
  const said = createInterface({ input: child.stdout });
  await heard(said, "ready");
  return {
    child,
    tell: async (...lines) => {
      const last = heard(said, lines.at(-1) ?? "");
      child.stdin.write(lines.map((line) => `${line}\n`).join(""));
      await last;
    },
    end: async () => {
      const closed = heard(said, "closed ");
      const exited = once(child, "exit");
      child.stdin.end("end\n");
      const word = await closed;
      await exited;
      return word === "closed true";
    },
  };
}

async function heard(said: Interface, start: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const listen = (line: string): void => {
      if (!line.startsWith(start)) return;
      said.off("line", listen).off("close", fail);
      resolve(line);
    };
    const fail = (): void => reject(new Error(`the trainer ended before it said ${start}`));
    said.on("line", listen).once("close", fail);
  });
}
