/** Starts the agent for tests. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { QueueAgentSettings } from "./queue-agent.js";

const AGENT = fileURLToPath(new URL("queue-agent.ts", import.meta.url));

/** Resolves when it asks for tasks. Its end is the caller's to bring. */
export async function startQueueAgent(settings: QueueAgentSettings): Promise<ChildProcess> {
  const agent = spawn(process.execPath, ["--no-warnings", AGENT, JSON.stringify(settings)], { stdio: ["ignore", "pipe", "inherit"] });
  await once(agent.stdout, "data");
  return agent;
}
