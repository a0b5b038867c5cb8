/** The bench's own processes: bundled once, started by name, asked by messages, ended by their handle. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { sabotagePlugin } from "./sabotage.ts";
import type { ServersRequest } from "./servers-child.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUNDLES = `${ROOT}.cache/chaos/bundles/`;

/** Bundles the children: a trainer's start-up is part of every kill's time. */
export async function bundleChildren(sabotage: string | undefined): Promise<void> {
  await mkdir(BUNDLES, { recursive: true });
  await build({
    entryPoints: ["trainer-child", "servers-child"].map((name) => `${ROOT}test/chaos/${name}.ts`),
    outdir: BUNDLES,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22",
    packages: "external",
    logLevel: "error",
    plugins: sabotage === undefined ? [] : [sabotagePlugin(sabotage)],
  });
}

export function startChild(name: "trainer-child" | "servers-child", argument: string): ChildProcess {
  return fork(`${BUNDLES}${name}.mjs`, [argument], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    execArgv: ["--no-warnings"],
  });
}

export interface ServersChild {
  readonly env: Readonly<Record<string, string>>;
  /** Called when the trap has caught its request. */
  onHeld: () => void;
  ask(request: ServersRequest): Promise<any>;
  end(): void;
}

export async function startServers(role: "platform" | "storage"): Promise<ServersChild> {
  const child = startChild("servers-child", role);
  const [{ env }] = (await once(child, "message")) as [{ env: Record<string, string> }];
  const waiting: ((answer: unknown) => void)[] = [];
  const servers: ServersChild = {
    env,
    onHeld: () => undefined,
    // Answers come in the order of the questions.
    ask: (request) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        child.send(request);
      }),
    end: () => void child.kill(),
  };
  child.on("message", (message: { t: string }) => {
    if (message.t === "held") servers.onHeld();
    else waiting.shift()?.(message);
  });
  child.on("exit", (code, signal) => {
    if (signal === "SIGTERM") return;
    console.error(`chaos: the ${role} servers ended by themselves (${String(code ?? signal)})`);
    process.exit(1);
  });
  return servers;
}
