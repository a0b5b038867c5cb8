/** Memory of this process and of those that it started: what a training takes, and not what else runs on the machine. */
import { readdir, readFile } from "node:fs/promises";

/** Processes that are looked at, at most: a job that starts thousands must not pay for being watched. */
const MAX_PROCESSES = 256;

/** Resident bytes. Off Linux, and where it tells nothing of children, those of this process alone. */
export async function processTreeMemory(root: string): Promise<number> {
  let bytes = process.memoryUsage.rss();
  const waiting = await childrenOf(root, process.pid);
  for (let seen = 0; waiting.length > 0 && seen < MAX_PROCESSES; seen++) {
    const pid = waiting.pop() ?? 0;
    const status = await readFile(`${root}proc/${String(pid)}/status`, "utf8").catch(() => "");
    const [, kilobytes = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
    bytes += 1024 * Number(kilobytes);
    waiting.push(...(await childrenOf(root, pid)));
  }
  return bytes;
}

/** Each thread has the children that it started. */
async function childrenOf(root: string, pid: number): Promise<number[]> {
  const folder = `${root}proc/${String(pid)}/task`;
  const threads = await readdir(folder).catch(() => []);
  const lists = await Promise.all(threads.map((thread) => readFile(`${folder}/${thread}/children`, "utf8").catch(() => "")));
  return lists.flatMap((list) => list.trim().split(/\s+/).filter(Boolean).map(Number));
}
