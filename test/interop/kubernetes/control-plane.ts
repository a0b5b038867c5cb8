/** Kubernetes' own API server with its etcd and the controllers that Jobs live by, on the loopback: nothing schedules, nothing runs pods. */
import { spawn, type ChildProcess } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, fetch } from "undici";
import type { Thing } from "../../support/kubernetes/object-store.js";
import { until } from "../../support/until.js";
import { controlPlaneProgram } from "./tools.js";

const ADMIN = "of-the-admin";

/** A call's answer that is no success. */
export class CallError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export class ControlPlane implements AsyncDisposable {
  readonly server: string;
  readonly folder: string;
  readonly #processes: ChildProcess[] = [];
  #beginApi: (() => ChildProcess) | undefined;
  #api: ChildProcess | undefined;
  // Its certificate is its own. Over HTTP/2 a session that ends while the agent is destroyed would end the test.
  readonly #agent = new Agent({ connect: { rejectUnauthorized: false }, bodyTimeout: 0, allowH2: false });

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.server = `https://127.0.0.1:${String(port)}`;
  }

  static async start(): Promise<ControlPlane> {
    const program = await controlPlaneProgram();
    const folder = await mkdtemp(path.join(tmpdir(), "trainer-control-plane-"));
    const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
    const plane = new ControlPlane(folder, port);
    const at = (name: string): string => path.join(folder, name);
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    await writeFile(at("service-accounts.pem"), privateKey.export({ type: "pkcs1", format: "pem" }));
    await writeFile(at("tokens.csv"), `${ADMIN},admin,admin,"system:masters"\n`);
    const etcd = `http://127.0.0.1:${String(client)}`;
    plane.#run(program, ["etcd", at("etcd"), etcd, `http://127.0.0.1:${String(peer)}`]);
    plane.#beginApi = () =>
      plane.#run(program, [
        "api-server",
        `--etcd-servers=${etcd}`,
        "--bind-address=127.0.0.1",
        `--secure-port=${String(port)}`,
        `--cert-dir=${at("certificates")}`,
        `--token-auth-file=${at("tokens.csv")}`,
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        `--service-account-key-file=${at("service-accounts.pem")}`,
        `--service-account-signing-key-file=${at("service-accounts.pem")}`,
        "--service-cluster-ip-range=10.0.0.0/24",
        // Nothing makes the accounts that it would ask for.
        "--disable-admission-plugins=ServiceAccount",
        "--kubelet-preferred-address-types=InternalIP",
        "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
        "--feature-gates=MutatingAdmissionPolicy=true",
      ]);
    try {
      await plane.#serve();
    } catch (error) {
      await plane[Symbol.asyncDispose]();
      throw error;
    }
    plane.#run(program, ["controllers", plane.server, ADMIN]);
    return plane;
  }

  /** The API server dies, and another one takes its place, as in an upgrade. */
  async restart(how: NodeJS.Signals): Promise<void> {
    const ended = once(this.#api!, "exit");
    this.#api?.kill(how);
    await ended;
    await this.#serve();
  }

  /** As an administrator. @throws CallError. */
  async call(method: string, route: string, body?: Thing, contentType = "application/json"): Promise<Thing> {
    const response = await fetch(`${this.server}${route}`, {
      method,
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${ADMIN}`, "content-type": contentType },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new CallError(response.status, `${method} ${route}: ${String(response.status)} ${text}`);
    return text.startsWith("{") ? JSON.parse(text) : text;
  }

  /** Tells of each state of each object, until it is aborted; begins anew when a watch ends. */
  async watch(route: string, onObject: (object: Thing) => void, signal: AbortSignal): Promise<void> {
    const isOver = (): boolean => signal.aborted;
    while (!isOver()) {
      const headers = { authorization: `Bearer ${ADMIN}` };
      try {
        const response = await fetch(`${this.server}${route}?watch=true`, { dispatcher: this.#agent, headers, signal });
        let rest = "";
        for await (const chunk of response.body ?? []) {
          const lines = `${rest}${Buffer.from(chunk as Uint8Array).toString("utf8")}`.split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) {
            const { type, object } = JSON.parse(line) as { type: string; object: Thing };
            if (type === "ADDED" || type === "MODIFIED") onObject(object);
          }
        }
      } catch (error) {
        // The server was restarted.
        if (!isOver() && !isDown(error)) throw error;
        await sleep(100);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#processes.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
    await this.#agent.destroy();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #serve(): Promise<void> {
    this.#api = this.#beginApi?.();
    await until(() =>
      this.call("GET", "/readyz").then(
        () => true,
        () => false,
      ),
    );
  }

  #run(program: string, parameters: readonly string[]): ChildProcess {
    const child = spawn(program, parameters, { stdio: ["ignore", "pipe", "pipe"], cwd: this.folder });
    const log = createWriteStream(path.join(this.folder, `${parameters[0] ?? ""}.log`));
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.#processes.push(child);
    return child;
  }
}

function isDown(error: unknown): boolean {
  return error instanceof TypeError;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
