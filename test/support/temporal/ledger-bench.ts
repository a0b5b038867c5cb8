/** The ledger program as trainer of a training manager under test: its requests, and what it wrote. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { machineProcessTable } from "../../../src/base/folder-lock.js";
import type { ManagerBench } from "../../contract/training-manager-contract.js";

const PROGRAM = fileURLToPath(new URL("ledger-program.mjs", import.meta.url));

export interface LedgerBench extends Pick<ManagerBench, "request" | "missing" | "ledger" | "isAlive"> {
  readonly folder: string;
  readonly memoryEventsFile: string;
  remove(): Promise<void>;
}

export async function ledgerBench(): Promise<LedgerBench> {
  const folder = await mkdtemp(path.join(tmpdir(), "trainer-ledger-"));
  const ledgerFile = path.join(folder, "ledger");
  const memoryEventsFile = path.join(folder, "memory.events");
  await writeFile(ledgerFile, "");
  await writeFile(memoryEventsFile, "low 0\noom 0\noom_kill 0\n");
  return {
    folder,
    memoryEventsFile,
    request: (mode, { fence = 1, ...others } = {}) => ({
      key: "default/training-7/train",
      fence,
      spec: {
        command: [process.execPath, PROGRAM],
        env: { MODE: mode, LEDGER: ledgerFile, MEMORY_EVENTS: memoryEventsFile, TRAINER_FENCE: String(fence) },
      },
      secretEnv: {},
      labels: { workflow: "w" },
      ...others,
    }),
    missing: () => ({
      key: "default/training-7/train",
      fence: 1,
      spec: { command: ["/nowhere/trainer"], env: {} },
      secretEnv: {},
      labels: {},
    }),
    ledger: async () =>
      (await readFile(ledgerFile, "utf8"))
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => {
          const [fence = "", word = "", pid] = line.split(" ");
          return [fence, word, Number(pid)] as const;
        }),
    isAlive: (pid) => machineProcessTable().startedAt(pid) !== undefined,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
