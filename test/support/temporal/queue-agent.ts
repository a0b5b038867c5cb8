/**
 * An agent for tests, a process of its own: does with a task of a queue what clearml-agent 3.0.3 does where a trainer is
 * concerned, in the same order and words, a hundred times as often. Takes one task at a time. No Docker, no environments.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, openSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Given as the only argument, in JSON. */
export interface QueueAgentSettings {
  readonly apiUrl: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly queue: string;
  readonly name: string;
  readonly folder: string;
  readonly pollMs: number;
}

const settings = JSON.parse(process.argv[2] ?? "{}") as QueueAgentSettings;
const WORDS = `Changed by clearml-agent ${settings.name}`;
const ENDED = ["closed", "stopped", "failed", "published", "queued"];

interface Task {
  readonly id: string;
  readonly status: string;
  readonly status_message?: string;
  readonly script: { readonly entry_point: string; readonly diff: string };
  readonly runtime?: Readonly<Record<string, string>>;
}

class Refusal extends Error {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** A list goes as a batch. */
async function call(action: string, body: object): Promise<any> {
  const authorization = `Basic ${Buffer.from(`${settings.accessKey}:${settings.secretKey}`).toString("base64")}`;
  const isBatch = Array.isArray(body);
  const answer = await fetch(`${settings.apiUrl}/${action}`, {
    method: "POST",
    headers: { authorization, "content-type": isBatch ? "application/json-lines" : "application/json" },
    body: isBatch ? body.map((line) => JSON.stringify(line)).join("\n") : JSON.stringify(body),
  });
  if (!answer.ok) throw new Refusal(`${action}: ${String(answer.status)}`, answer.status);
  return ((await answer.json()) as { data: unknown }).data;
}

/** As the agent's own client: an outage is waited out. A refusal, as of a task that was deleted, is the end of it. */
async function patiently(action: string, body: object): Promise<any> {
  for (;;) {
    try {
      return await call(action, body);
    } catch (error) {
      if (error instanceof Refusal && error.status < 500) throw error;
      await sleep(settings.pollMs);
    }
  }
}

async function taskOf(id: string): Promise<Task | undefined> {
  const { tasks } = await call("tasks.get_all", { id: [id] });
  return tasks[0];
}

/** A process and all that came of it, as far as the parents tell. */
function family(leader: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((one) => /^\d+$/.test(one))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {
      // Gone meanwhile.
    }
  }
  const found = [leader];
  for (const one of found) for (const [pid, parent] of parents) if (parent === one) found.push(pid);
  return found;
}

function killFamily(leader: number): void {
  for (const pid of family(leader).reverse()) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Gone meanwhile.
    }
  }
}

async function runTask(id: string): Promise<void> {
  const task = await taskOf(id);
  if (task === undefined) return;
  await call("tasks.edit", { task: id, force: true, runtime: { ...task.runtime, _exec_agent_hostname: settings.name } });
  await call("tasks.started", { task: id, status_message: "launch by agent", force: true });
  const folder = path.join(settings.folder, id);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, task.script.entry_point), task.script.diff);
  const config = { api: { api_server: settings.apiUrl, credentials: { access_key: settings.accessKey, secret_key: settings.secretKey } } };
  writeFileSync(path.join(folder, "agent.cfg"), JSON.stringify(config));
  await call("tasks.started", { task: id, status_reason: "worker starting task execution", status_message: WORDS, force: true });
  const console_ = openSync(path.join(folder, "console"), "a");
  const process_ = spawn("/bin/bash", [task.script.entry_point], {
    cwd: folder,
    stdio: ["ignore", console_, console_],
    env: { ...process.env, CLEARML_TASK_ID: id, CLEARML_CONFIG_FILE: path.join(folder, "agent.cfg"), CLEARML_LOG_TASK_TO_BACKEND: "0" },
  });
  const stop = await follow(id, process_, path.join(folder, "console"));
  await end(id, process_, stop);
}

/** Until the process has ended, or the task says that it is to. */
async function follow(id: string, child: ChildProcess, console_: string): Promise<"stopped" | "changed" | undefined> {
  let shipped = 0;
  let patienceEndsAt: number | undefined;
  const ship = async (): Promise<void> => {
    const text = readFileSync(console_).subarray(shipped);
    if (text.length === 0) return;
    const lines = text.toString("utf8").replace(/\n$/, "").split("\n");
    const base = Date.now();
    await call(
      "events.add_batch",
      lines.map((msg, index) => ({
        type: "log",
        task: id,
        level: "DEBUG",
        worker: settings.name,
        msg: `${msg}\n`,
        timestamp: base + index,
      })),
    );
    shipped += text.length;
  };
  for (;;) {
    const hasEnded = child.exitCode !== null || child.signalCode !== null;
    let wish: "stopped" | "changed" | undefined;
    try {
      const task = await taskOf(id);
      if (task === undefined || task.status === "created") wish = "changed";
      else if (task.status === "in_progress" && task.status_message?.includes("stopping") === true) wish = "stopped";
      else if (ENDED.includes(task.status)) wish = "changed";
      const patience = Number(task?.runtime?.["_abort_callback_timeout"] ?? 0);
      if (wish !== undefined) patienceEndsAt ??= Date.now() + patience * 1000;
      await ship();
      await call("workers.status_report", { worker: settings.name, timestamp: Date.now(), task: id, queue: settings.queue });
    } catch {
      // Away; asked again.
    }
    if (hasEnded) return patienceEndsAt === undefined ? undefined : "stopped";
    if (wish !== undefined && Date.now() >= (patienceEndsAt ?? 0)) {
      killFamily(child.pid ?? 0);
      return wish;
    }
    await sleep(settings.pollMs);
  }
}

async function end(id: string, child: ChildProcess, stop: "stopped" | "changed" | undefined): Promise<void> {
  killFamily(child.pid ?? 0);
  const words = { task: id, status_message: WORDS };
  const code = child.exitCode ?? -1;
  if (stop === "stopped") await patiently("tasks.stopped", { ...words, status_reason: "task was stopped by tasks.stop", force: true });
  else if (stop === "changed") return;
  else if (code === 0) await patiently("tasks.completed", { ...words, status_reason: "worker execution done" });
  else if (child.signalCode === "SIGINT") await patiently("tasks.stopped", { ...words, status_reason: "user abort" });
  else await patiently("tasks.failed", { ...words, status_reason: `worker execution exit code ${String(code)}` });
}

process.stdout.write("ready\n");
for (;;) {
  try {
    await call("workers.register", { worker: settings.name, queues: [settings.queue], timeout: 600 });
    const { entry } = await call("queues.get_next_task", { queue: settings.queue });
    if (entry !== undefined) await runTask(entry.task as string);
  } catch {
    // Away; asked again.
  }
  await sleep(settings.pollMs);
}
