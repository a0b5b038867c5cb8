/** The ClearML queue backend over an embedded ClearML and an agent of its own, with the ledger program as trainer. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createClearML, type ClearML } from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import { clearmlQueueManager, type ClearMLQueueManagerOptions } from "../../../src/temporal/clearml-queue/clearml-queue-manager.js";
import type { ManagerBench } from "../../contract/training-manager-contract.js";
import { ledgerBench } from "./ledger-bench.js";
import type { QueueAgentSettings } from "./queue-agent.js";
import { startQueueAgent } from "./start-queue-agent.js";

const QUEUE = "gpu trainers";
const POLL_MS = 50;

export interface QueueBench extends ManagerBench {
  /** Agents work below it. */
  readonly folder: string;
  readonly server: DevServer;
  readonly reader: ClearML;
  readonly queueId: string;
  /** With other options. */
  with(given: Partial<ClearMLQueueManagerOptions>): ReturnType<ManagerBench["worker"]>;
  /** Starts one more. */
  agent(): Promise<ChildProcess>;
}

/** @param agents So many serve the queue from the start. */
export async function queueBench(agents = 1): Promise<QueueBench> {
  const bench = await ledgerBench();
  const server = await startDevServer();
  const reader = createClearML({}, { ...server.env });
  const { id: queueId } = await reader.queues.create({ name: QUEUE });
  const running: ChildProcess[] = [];
  const agent = async (): Promise<ChildProcess> => {
    const settings: QueueAgentSettings = {
      apiUrl: server.apiUrl,
      accessKey: server.accessKey,
      secretKey: server.secretKey,
      queue: queueId,
      name: `agent-${String(running.length)}`,
      folder: bench.folder,
      pollMs: POLL_MS,
    };
    const child = await startQueueAgent(settings);
    running.push(child);
    return child;
  };
  for (let count = 0; count < agents; count++) await agent();
  const withOptions = (given: Partial<ClearMLQueueManagerOptions>) =>
    clearmlQueueManager({
      queue: QUEUE,
      env: { ...server.env },
      pollIntervalMs: POLL_MS,
      launcherPollIntervalMs: POLL_MS,
      terminationGraceMs: 20_000,
      memoryEventsFile: bench.memoryEventsFile,
      ...given,
    });
  const { signal } = new AbortController();
  return {
    ...bench,
    server,
    reader,
    queueId,
    with: withOptions,
    agent,
    passesSecrets: false,
    worker: () => withOptions({}),
    async [Symbol.asyncDispose]() {
      server.faults.clear();
      // A launcher whose agent is gone ends its trainer by itself.
      const manager = withOptions({ agentTimeoutMs: 1_000 });
      for await (const { handle, state } of manager.list({ signal }))
        if (state.phase !== "ended") await manager.stop(handle, { signal, graceMs: 0, reason: "the test is over" });
      for (const child of running) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const ended = once(child, "exit");
        child.kill("SIGKILL");
        await ended;
      }
      await reader.close();
      await server.close();
      await bench.remove();
    },
  };
}
