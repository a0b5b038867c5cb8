/**
 * msw for everything that this package sends. `setupServer` of `msw/node` sees `fetch` and `node:http` but not the undici
 * package, which the SDK uses; msw's network API does, with the interceptor that works below all three. That API is
 * marked experimental, so this is the one file that knows it.
 */
import { HttpRequestInterceptor } from "@mswjs/interceptors/http";
import { defineNetwork, InterceptorSource, NetworkReadyState } from "msw/experimental";
import type { HttpHandler } from "msw/http";

export interface TestNetworkOptions {
  /** What becomes of a request that no handler answers. Default `error`: the request fails and says which one it was. */
  readonly onUnhandledRequest?: "error" | "warn" | "bypass";
}

/** The verbs of msw's `setupServer`, and their meaning. */
export interface TestNetwork {
  /** Starts to intercept. Call it before the first request, in `beforeAll`. */
  listen(): Promise<void>;
  /** Stops, and gives the network back. Safe to call twice. */
  close(): Promise<void>;
  /** Adds handlers in front of the others, until the next `resetHandlers`. */
  use(...handlers: readonly HttpHandler[]): void;
  /** Forgets the handlers that were added with `use`. */
  resetHandlers(): void;
}

/**
 * Intercepts requests of undici (with any dispatcher), `fetch`, `node:http` and `node:https` in this process and lets
 * `handlers` answer them. One network at a time can listen.
 */
export function setupTestNetwork(handlers: readonly HttpHandler[], options: TestNetworkOptions = {}): TestNetwork {
  const network = defineNetwork({
    sources: [new InterceptorSource({ interceptors: [new HttpRequestInterceptor()] })],
    handlers: [...handlers],
    onUnhandledFrame: options.onUnhandledRequest ?? "error",
    // Without it each request is printed.
    context: { quiet: true },
  });
  return {
    async listen() {
      network.enable();
    },
    async close() {
      // msw throws at the second call.
      if (network.readyState === NetworkReadyState.ENABLED) network.disable();
    },
    use(...added) {
      network.use(...added);
    },
    resetHandlers() {
      network.resetHandlers();
    },
  };
}
