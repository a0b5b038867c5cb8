/** A trainer process of a test: started with files to hand over, listened to line by line, killed or waited for. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { BUCKET, WRITER, type RealS3 } from "./real-s3.js";

const PROGRAM = fileURLToPath(new URL("../integration/s3/programs/train.ts", import.meta.url));

export interface TrainerLine {
  readonly type?: string;
  readonly epoch?: number;
  readonly status?: string;
  readonly file?: { readonly uri: string; readonly key: string; readonly sha256: string };
  readonly outcome?: string;
  readonly progress?: { readonly sentBytes: number; readonly resumedBytes?: number; readonly bytesPerSecond?: number };
  readonly flushed?: boolean;
  readonly uploads?: { readonly delivered: number; readonly pending: number; readonly rejected: number; readonly superseded: number };
  readonly grownBytes?: number;
  readonly longestTurnMs?: number;
}

export interface TrainerProcess {
  readonly lines: TrainerLine[];
  kill(): Promise<void>;
  /** Everything it said, once it has ended by itself. */
  ended(): Promise<readonly TrainerLine[]>;
}

export interface TrainerOrder {
  readonly journalDir: string;
  readonly files: readonly { readonly path: string; readonly type: string; readonly epoch: number; readonly pin?: "copy" | "none" }[];
}

export function startTrainer({ host }: Pick<RealS3, "host">, order: TrainerOrder): TrainerProcess {
  const child = spawn(process.execPath, ["--expose-gc", PROGRAM, JSON.stringify({ ...order, storage: `s3://${host}/${BUCKET}` })], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: process.env["PATH"], AWS_ACCESS_KEY_ID: WRITER.accessKeyId, AWS_SECRET_ACCESS_KEY: WRITER.secretAccessKey },
  });
  const exited = once(child, "exit") as Promise<[number | null]>;
  const lines: TrainerLine[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => lines.push(JSON.parse(line) as TrainerLine));
  const read = once(reader, "close");
  return {
    lines,
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
    ended: async () => {
      const [code] = await exited;
      await read;
      if (code !== 0) throw new Error(`the trainer ended with ${String(code)}`);
      return lines;
    },
  };
}
