/** `trainer-sdk dev` as a process of its own, from the built files. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RawClearML } from "../../support/raw-clearml.js";

const BIN = fileURLToPath(new URL("../../../dist/cli/bin.cjs", import.meta.url));
const MANIFEST = fileURLToPath(new URL("../../../package.json", import.meta.url));

const ENVIRONMENT_NAMES = [
  "CLEARML_API_HOST",
  "CLEARML_WEB_HOST",
  "CLEARML_FILES_HOST",
  "CLEARML_API_ACCESS_KEY",
  "CLEARML_API_SECRET_KEY",
  "CALLBACK_URL",
] as const;

type Environment = Record<(typeof ENVIRONMENT_NAMES)[number], string>;

/** A run of the program whose output is kept. */
class Run {
  stdout = "";
  stderr = "";
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<number | null>;

  constructor(args: readonly string[], nodeArgs: readonly string[] = []) {
    this.child = spawn(process.execPath, [...nodeArgs, BIN, ...args]);
    this.child.stdout.on("data", (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.child.stderr.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.ended = once(this.child, "close").then(([code]) => code as number | null);
  }

  /** Resolves once stdout matches; rejects when the program ends before. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout);
      if (match) return match;
      const next = await Promise.race([once(this.child.stdout, "data"), this.ended]);
      if (!Array.isArray(next) && !pattern.test(this.stdout)) throw new Error(`ended with ${String(next)}: ${this.stderr}`);
    }
  }

  async environment(): Promise<Environment> {
    const [line] = await this.printed(/^.*\n/);
    return (JSON.parse(line) as { env: Environment }).env;
  }
}

const runs: Run[] = [];
let folder: string;

function start(args: readonly string[], nodeArgs?: readonly string[]): Run {
  const run = new Run(args, nodeArgs);
  runs.push(run);
  return run;
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trainer-sdk-cli-"));
});

afterEach(async () => {
  for (const run of runs.splice(0)) {
    if (run.child.exitCode === null) run.child.kill("SIGKILL");
    await run.ended;
  }
  await rm(folder, { recursive: true, force: true });
});

describe("trainer-sdk dev", () => {
  it.each(["SIGINT", "SIGTERM"] as const)("prints one line of JSON, serves what it names, and ends with 0 on %s", async (signal) => {
    const run = start(["dev", "--json"]);
    const environment = await run.environment();
    expect(Object.keys(environment)).toEqual(ENVIRONMENT_NAMES);

    const clearml = await RawClearML.login(environment);
    expect(await clearml.call("server.info", {})).toMatchObject({ api_version: expect.any(String) });
    const page = await fetch(environment.CLEARML_WEB_HOST);
    expect(page.headers.get("content-type")).toContain("text/html");
    expect(await page.text()).toContain('<div id="app">');
    const script = await fetch(new URL("/app.js", environment.CLEARML_WEB_HOST));
    expect(script.headers.get("content-type")).toContain("javascript");
    const callback = await fetch(`${environment.CALLBACK_URL}/started`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ job_id: "1", operation_type: "training" }),
    });
    expect(callback.ok).toBe(true);

    run.child.kill(signal);
    expect(await run.ended).toBe(0);
    expect(run.stdout.match(/\n/g)).toHaveLength(1);
    expect(run.stderr).toBe("");
  });

  it("closes while a browser holds its event stream open", async () => {
    const run = start(["dev", "--json"]);
    const environment = await run.environment();
    const page = await fetch(environment.CLEARML_WEB_HOST);
    await page.text();
    const stream = await fetch(new URL("/live", environment.CLEARML_WEB_HOST), {
      headers: { Cookie: page.headers.getSetCookie().join("; ") },
    });
    expect(stream.headers.get("content-type")).toContain("text/event-stream");
    run.child.kill("SIGTERM");
    expect(await run.ended).toBe(0);
    await stream.body?.cancel().catch(() => undefined);
  });

  it("tells a person the dashboard's address, the lines to export and how to stop", async () => {
    const run = start(["dev"]);
    await run.printed(/Ctrl\+C/);
    expect(run.stdout).toMatch(/Dashboard\s+http:\/\/127\.0\.0\.1:\d+/);
    for (const name of ENVIRONMENT_NAMES) expect(run.stdout).toMatch(new RegExp(`^export ${name}=\\S+$`, "m"));
    run.child.kill("SIGINT");
    expect(await run.ended).toBe(0);
  });

  it("listens on the given port and the two after it", async () => {
    const port = await threeFreePorts();
    const run = start(["dev", "--json", "--port", String(port)]);
    const environment = await run.environment();
    expect([environment.CLEARML_WEB_HOST, environment.CLEARML_API_HOST, environment.CLEARML_FILES_HOST]).toEqual(
      [port, port + 1, port + 2].map((each) => `http://127.0.0.1:${String(each)}`),
    );
  });

  it("names the port that is in use, says what to do, and ends with 1", async () => {
    const port = await threeFreePorts();
    const blocker = createServer().listen(port + 1, "127.0.0.1");
    await once(blocker, "listening");
    try {
      const run = start(["dev", "--json", "--port", String(port)]);
      expect(await run.ended).toBe(1);
      expect(run.stdout).toBe("");
      expect(run.stderr).toContain(`port ${String(port + 1)} is in use`);
      expect(run.stderr).toContain("--port");
    } finally {
      blocker.close();
    }
  });

  it("keeps tasks in the folder that --data names", async () => {
    const first = start(["dev", "--json", "--data", folder]);
    const environment = await first.environment();
    const { id } = await (await RawClearML.login(environment)).call("tasks.create", { name: "kept over a restart", type: "training" });
    first.child.kill("SIGTERM");
    expect(await first.ended).toBe(0);
    // Also not that Node 22 calls its SQLite experimental.
    expect(first.stderr).toBe("");

    const second = start(["dev", "--json", "--data", folder]);
    const again = await second.environment();
    const { task } = await (await RawClearML.login(again)).call("tasks.get_by_id", { task: id });
    expect(task).toMatchObject({ id, name: "kept over a restart" });
  });

  it("ends with 1 when the data folder cannot be one", async () => {
    const file = path.join(folder, "file");
    await writeFile(file, "");
    const run = start(["dev", "--json", "--data", file]);
    expect(await run.ended).toBe(1);
    expect(run.stderr).toContain("did not start");
    expect(run.stderr).not.toMatch(/\n\s+at /);
  });

  it("lets other processes switch faults only when it was asked to", async () => {
    const open = await start(["dev", "--json", "--fault-control"]).environment();
    expect((await fetch(new URL("/__faults", open.CLEARML_WEB_HOST))).headers.get("content-type")).toBe("application/json");
    const closed = await start(["dev", "--json"]).environment();
    // An address like any other, which shows the page.
    expect((await fetch(new URL("/__faults", closed.CLEARML_WEB_HOST))).headers.get("content-type")).toContain("text/html");
  });
});

describe("the program's first file", () => {
  it("prints the package's version", async () => {
    const run = start(["--version"]);
    expect(await run.ended).toBe(0);
    expect(run.stdout.trim()).toBe((JSON.parse(await readFile(MANIFEST, "utf8")) as { version: string }).version);
  });

  it("ends with 2 for a command line that is wrong", async () => {
    const run = start(["dev", "--nonsense"]);
    expect(await run.ended).toBe(2);
    expect(run.stdout).toBe("");
    expect(run.stderr).toContain("--nonsense");
  });

  it.each(["12.22.12", "20.20.2", "22.18.0"])(
    "says on Node %s what it needs, what it found and how to get it, and ends with 1",
    async (version) => {
      const preload = path.join(folder, "old-node.cjs");
      await writeFile(preload, `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } });`);
      const run = start(["dev"], ["--require", preload]);
      expect(await run.ended).toBe(1);
      expect(run.stdout).toBe("");
      expect(run.stderr).toContain("needs Node.js 22.19 or newer");
      expect(run.stderr).toContain(version);
      expect(run.stderr).toContain("nodejs.org");
    },
  );

  it("holds no syntax that Node 12 cannot read", async () => {
    const source = await readFile(BIN, "utf8");
    const rewrite = async (target: string): Promise<string> => (await transform(source, { target, minify: true, format: "cjs" })).code;
    // The compiler has nothing to lower for that version when it writes the same as for the newest.
    expect(await rewrite("node12.20")).toBe(await rewrite("esnext"));
  });
});

async function threeFreePorts(): Promise<number> {
  for (;;) {
    const first = await listen(0);
    const { port } = first.address() as AddressInfo;
    const others = await Promise.allSettled([listen(port + 1), listen(port + 2)]);
    first.close();
    for (const other of others) if (other.status === "fulfilled") other.value.close();
    if (others.every((other) => other.status === "fulfilled")) return port;
  }
}

async function listen(port: number): Promise<ReturnType<typeof createServer>> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}
