/** The subprocess backend over a folder of its own, with the ledger program as trainer. */
import path from "node:path";
import { subprocessManager, type SubprocessManagerOptions } from "../../../src/temporal/subprocess/subprocess-manager.js";
import type { ManagerBench } from "../../contract/training-manager-contract.js";
import { ledgerBench } from "./ledger-bench.js";

export interface SubprocessBench extends ManagerBench {
  readonly folder: string;
  readonly registry: string;
}

export async function subprocessBench(given: Partial<SubprocessManagerOptions> = {}): Promise<SubprocessBench> {
  const bench = await ledgerBench();
  const { folder, memoryEventsFile } = bench;
  const registry = path.join(folder, "registry");
  const worker = () => subprocessManager({ directory: registry, pollIntervalMs: 20, memoryEventsFile, ...given });
  const { signal } = new AbortController();
  return {
    ...bench,
    registry,
    passesSecrets: true,
    worker,
    async [Symbol.asyncDispose]() {
      for await (const { handle } of worker().list({ signal }))
        await worker().stop(handle, { signal, graceMs: 0, reason: "the test is over" });
      await bench.remove();
    },
  };
}
