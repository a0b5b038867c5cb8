/** ClearML's own agent, as a person starts one: with a `clearml.conf` in its home, and nothing of ClearML in its environment. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClearML } from "../../../src/clearml/index.js";
import type { DevServer } from "../../../src/devserver/index.js";
import { until } from "../../support/until.js";
import { agentProgram } from "./tools.ts";

export class ClearMLAgent implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #home: string;

  private constructor(child: ChildProcess, home: string) {
    this.#process = child;
    this.#home = home;
  }

  /** Serves the queue `default`. Resolves when the server has heard of it. */
  static async start(server: DevServer, name: string): Promise<ClearMLAgent> {
    const home = await mkdtemp(path.join(tmpdir(), "clearml-agent-"));
    const credentials = { access_key: server.accessKey, secret_key: server.secretKey };
    const api = { api_server: server.apiUrl, web_server: server.webUrl, files_server: server.filesUrl, credentials };
    // Its vendor need not be asked for a newer version.
    await writeFile(path.join(home, "clearml.conf"), JSON.stringify({ api, agent: { disable_agent_update_check: true } }));
    const output = await open(path.join(home, "output"), "a");
    const child = spawn(await agentProgram(), ["daemon", "--queue", "default", "--foreground"], {
      stdio: ["ignore", output.fd, output.fd],
      env: {
        PATH: process.env["PATH"],
        HOME: home,
        TMPDIR: home,
        CLEARML_WORKER_ID: name,
        // Its own are 5 s and 30 s.
        CLEARML_AGENT_QUEUE_POLL_FREQ_SEC: "0.1",
        CLEARML_AGENT_STATUS_REPORT_FREQ_SEC: "1",
      },
    });
    await output.close();
    const agent = new ClearMLAgent(child, home);
    const reader = createClearML({}, { ...server.env });
    try {
      await until(async () => (await reader.workers.getAll({})).workers?.some(({ id }) => id === name) === true);
    } catch (error) {
      await agent[Symbol.asyncDispose]();
      throw error;
    } finally {
      await reader.close();
    }
    return agent;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill(signal);
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGTERM");
    await rm(this.#home, { recursive: true, force: true, maxRetries: 5 });
  }
}
