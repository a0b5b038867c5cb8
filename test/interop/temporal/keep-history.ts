/**
 * Writes the history of a workflow that a test has run, for the replay tests, when `TEMPORAL_HISTORIES` names a folder.
 * Whatever tells of the machine (paths, process and host names) is replaced: replays look at commands alone.
 */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { Client } from "@temporalio/client";

const ROOT = path.resolve(import.meta.dirname, "../../..");
/** Fields that name machines and processes, or hold stacks. */
const OF_THE_MACHINE = new Set(["identity", "stackTrace", "binaryChecksum", "workerVersion", "deploymentVersion"]);

export async function keepHistory(client: Client, workflowId: string, name: string): Promise<void> {
  const folder = process.env["TEMPORAL_HISTORIES"];
  if (folder === undefined) return;
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  const file = name
    .replace(/^.*> /, "")
    .replace(/^a training through Temporal /, "")
    .replace(/[^a-z0-9]+/gi, "-")
    .slice(0, 60);
  await writeFile(path.join(folder, `${file}.json`), `${JSON.stringify(plain(history, workflowId), undefined, 1)}\n`);
}

/** As JSON: long numbers as numbers, bytes as `{ "bytes": base64 }`. */
function plain(value: unknown, workflowId: string): unknown {
  if (Array.isArray(value)) return value.map((item) => plain(item, workflowId));
  if (typeof value === "string") return plainText(value, workflowId);
  if (value instanceof Uint8Array) {
    const text = Buffer.from(value).toString("utf8");
    const isText = Buffer.from(text).equals(value);
    return { bytes: (isText ? Buffer.from(plainText(text, workflowId)) : Buffer.from(value)).toString("base64") };
  }
  if (typeof value !== "object" || value === null) return value;
  if ("low" in value && "high" in value) return Number((value as { toString(): string }).toString());
  const kept = Object.entries(value).filter(([key, item]) => item !== null && item !== undefined && !OF_THE_MACHINE.has(key));
  return Object.fromEntries(kept.map(([key, item]): [string, unknown] => [key, plain(item, workflowId)]));
}

function plainText(text: string, workflowId: string): string {
  return text
    .replaceAll(ROOT, "/project")
    .replaceAll(process.execPath, "/usr/bin/node")
    .replace(new RegExp(`[^"\\s]*/${workflowId}`, "g"), "/job")
    .replaceAll(workflowId, "training-7")
    .replace(/\d+@[\w-]+/g, "worker")
    .replace(/"host":"[^"]*"/g, '"host":"host"')
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:8008");
}
