/** The subprocess backend over a folder of its own, with the ledger program as trainer. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { machineProcessTable } from "../../../src/base/folder-lock.js";
import { subprocessManager, type SubprocessManagerOptions } from "../../../src/temporal/subprocess/subprocess-manager.js";
import type { ManagerBench } from "../../contract/training-manager-contract.js";

export const LEDGER_PROGRAM = fileURLToPath(new URL("ledger-program.mjs", import.meta.url));

export interface SubprocessBench extends ManagerBench {
  readonly folder: string;
  readonly registry: string;
}

export async function subprocessBench(given: Partial<SubprocessManagerOptions> = {}): Promise<SubprocessBench> {
  const folder = await mkdtemp(path.join(tmpdir(), "trainer-processes-"));
  const ledgerFile = path.join(folder, "ledger");
  const memoryEventsFile = path.join(folder, "memory.events");
  const registry = path.join(folder, "registry");
  await writeFile(ledgerFile, "");
  await writeFile(memoryEventsFile, "low 0\noom 0\noom_kill 0\n");
  const worker = () => subprocessManager({ directory: registry, pollIntervalMs: 20, memoryEventsFile, ...given });
  const { signal } = new AbortController();
  return {
    folder,
    registry,
    passesSecrets: true,
    worker,
    request: (mode, { fence = 1, ...others } = {}) => ({
      key: "default/training-7/train",
      fence,
      spec: {
        command: [process.execPath, LEDGER_PROGRAM],
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
    async [Symbol.asyncDispose]() {
      for await (const { handle } of worker().list({ signal }))
        await worker().stop(handle, { signal, graceMs: 0, reason: "the test is over" });
      await rm(folder, { recursive: true, force: true });
    },
  };
}
