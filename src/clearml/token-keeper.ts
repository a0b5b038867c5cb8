/**
 * The session's token: one for all callers, renewed before it expires, and renewed once however many callers find at
 * the same time that it is due (`clearml-protocol`, 2.1 and 2.2).
 */
import type { Clock } from "../base/clock.js";
import { decodeToken, type TokenPayload } from "../protocol/clearml/token.js";

/** How long before its end a token is renewed, as in the official SDK's shipped configuration. */
export const TOKEN_RENEWAL_THRESHOLD_MS = 360_000;

export interface TokenKeeperOptions {
  /** Exchanges credentials, or the token so far, for a token. One attempt. */
  readonly login: (previous: string | undefined) => Promise<string>;
  /** A token to begin with. */
  readonly token: string | undefined;
  readonly clock: Clock;
}

interface HeldToken {
  readonly text: string;
  readonly payload: TokenPayload | undefined;
  /** On the clock that never goes back. */
  readonly renewAtMs: number;
}

/** Holds a token and renews it. */
export class TokenKeeper {
  readonly #options: TokenKeeperOptions;
  #held: HeldToken | undefined;
  #renewal: Promise<string> | undefined;

  constructor(options: TokenKeeperOptions) {
    this.#options = options;
    if (options.token !== undefined) this.#held = this.#hold(options.token, false);
  }

  /** What the token says; undefined before the first one and for a token that cannot be read. */
  get payload(): TokenPayload | undefined {
    return this.#held?.payload;
  }

  /** The token so far, to keep it out of messages. */
  get current(): string | undefined {
    return this.#held?.text;
  }

  /**
   * A token that is good for now. With `rejected`, one that is not that.
   *
   * @throws Whatever the login throws; the signal's reason when it aborts, while the login goes on for the others.
   */
  async token(signal?: AbortSignal, rejected?: string): Promise<string> {
    signal?.throwIfAborted();
    const held = this.#held;
    if (held && held.text !== rejected && this.#options.clock.monotonic() < held.renewAtMs) return held.text;
    this.#renewal ??= this.#renew();
    return untilAborted(this.#renewal, signal);
  }

  async #renew(): Promise<string> {
    try {
      const text = await this.#options.login(this.#held?.text);
      this.#held = this.#hold(text, true);
      return text;
    } finally {
      this.#renewal = undefined;
    }
  }

  /** Notes when the token is due. A new token's lifetime is `exp - iat`: this machine's wall clock may be wrong by hours. */
  #hold(text: string, isNew: boolean): HeldToken {
    const payload = decodeToken(text);
    const { exp, iat } = payload ?? {};
    const { clock } = this.#options;
    if (typeof exp !== "number") return { text, payload, renewAtMs: Number.POSITIVE_INFINITY };
    const leftMs = isNew && typeof iat === "number" ? (exp - iat) * 1000 : exp * 1000 - clock.now();
    // A token that lives no longer than the threshold would otherwise be renewed at every call.
    return { text, payload, renewAtMs: clock.monotonic() + leftMs - Math.min(TOKEN_RENEWAL_THRESHOLD_MS, leftMs / 2) };
  }
}

/** The promise's outcome, or the signal's reason if that comes first. The promise goes on either way. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => {
    aborted.reject(signal.reason);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
