/** undici's pools: one for what is reached directly, one for each proxy. Makes none before it is needed. */
import type { Socket } from "node:net";
import type { SecureContext } from "node:tls";
import type { buildConnector, Dispatcher } from "undici";
import { inBackground } from "./background.js";
import type { NetworkSettings } from "./network.js";
import { trustedContext } from "./trusted-context.js";

type Undici = typeof import("undici");
type Connector = buildConnector.connector;

export interface DispatcherOptions {
  readonly connectTimeoutMs: number;
  readonly verifyCertificates: boolean;
  readonly background: boolean;
  readonly network: NetworkSettings | undefined;
}

/** Where a request goes out. */
export interface Way {
  readonly dispatcher: Dispatcher;
  readonly proxy: string | undefined;
}

export class UndiciDispatchers {
  readonly #undici: Undici;
  readonly #options: DispatcherOptions;
  readonly #made = new Map<string | undefined, Dispatcher>();

  constructor(undici: Undici, options: DispatcherOptions) {
    this.#undici = undici;
    this.#options = options;
  }

  wayTo(url: string): Way {
    const proxy = this.#options.network?.proxyFor(url);
    let dispatcher = this.#made.get(proxy);
    if (!dispatcher) {
      dispatcher = proxy === undefined ? this.#direct() : this.#through(proxy);
      this.#made.set(proxy, dispatcher);
    }
    return { dispatcher, proxy };
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.#made.values()].map((dispatcher) => dispatcher.destroy()));
  }

  #direct(): Dispatcher {
    const { Agent, buildConnector } = this.#undici;
    return new Agent({ connect: this.#held(buildConnector(this.#tls())), headersTimeout: 0, bodyTimeout: 0 });
  }

  #through(proxy: string): Dispatcher {
    const { Pool, ProxyAgent } = this.#undici;
    // undici makes its connectors itself here; each is caught on its way into a pool.
    const factory = (origin: string | URL, options: object): Dispatcher => {
      const { connect } = options as { connect?: unknown };
      const held = typeof connect === "function" ? { connect: this.#held(connect as Connector) } : {};
      return new Pool(origin, { ...options, ...held, headersTimeout: 0, bodyTimeout: 0 });
    };
    const tls = this.#tls();
    return new ProxyAgent({
      uri: proxy,
      // What is not encrypted is asked of the proxy itself: most let CONNECT through to port 443 alone.
      proxyTunnel: false,
      requestTls: tls,
      proxyTls: tls,
      connectTimeout: this.#options.connectTimeoutMs,
      clientFactory: factory,
      factory,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  #tls(): buildConnector.BuildOptions {
    const { connectTimeoutMs, verifyCertificates, network } = this.#options;
    const secureContext: SecureContext | undefined = network && trustedContext(network.certificates);
    return { timeout: connectTimeoutMs, rejectUnauthorized: verifyCertificates, ...(secureContext ? { secureContext } : {}) };
  }

  /** undici answers the new socket at once, before it is connected; its types do not say so. */
  #held(connect: Connector): Connector {
    if (!this.#options.background) return connect;
    return (target, done) => {
      const socket: unknown = connect(target, (...outcome) => {
        const [, connected] = outcome;
        if (connected) inBackground(connected);
        done(...outcome);
      });
      if (isSocket(socket)) inBackground(socket);
      return socket;
    };
  }
}

function isSocket(value: unknown): value is Socket {
  return typeof value === "object" && value !== null && "unref" in value && "ref" in value;
}
