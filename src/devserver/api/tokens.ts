/**
 * Tokens and who is behind a request: Basic key and secret, Bearer token, or the cookie that a login leaves. Tokens are
 * signed with a key that lives in the store, so they outlive a restart on the same data. @see clearml-protocol 2.1
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../base/clock.js";
import { newId } from "../../base/ids.js";
import { API_VERSION, DEFAULT_TOKEN_LIFETIME_SEC, TOKEN_COOKIE } from "../../protocol/clearml/limits.js";
import { decodeToken } from "../../protocol/clearml/token.js";
import type { Store } from "../store/store.js";
import { unauthorized } from "./api-failure.js";

/** The server's default company. */
export const COMPANY_ID = "d1bd92a3b039400cbafc60a7a5b1e52b";
/** What the server says its version is: the one whose behaviour it imitates. */
export const SERVER_VERSION = "2.3.0";

/** The one user there is. */
export interface Identity {
  readonly user: string;
  readonly company: string;
  readonly role: string;
  readonly user_name: string;
  readonly company_name: string;
}

/** Key pair of the server. */
export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** Issues and checks tokens. */
export class Tokens {
  readonly identity: Identity;
  readonly credentials: Credentials;
  readonly #clock: Clock;
  readonly #signingKey: string;
  readonly #revoked = new Set<string>();
  /** Tokens of an earlier generation are void. A count and not a moment, since a clock can stand still. */
  #generation = 0;

  constructor(store: Store, clock: Clock, given: { readonly accessKey?: string | undefined; readonly secretKey?: string | undefined }) {
    this.#clock = clock;
    this.#signingKey = remembered(store, "signing_key", undefined, () => randomBytes(32).toString("hex"));
    this.credentials = {
      accessKey: remembered(store, "access_key", given.accessKey, () => randomBytes(15).toString("hex").toUpperCase()),
      secretKey: remembered(store, "secret_key", given.secretKey, () => randomBytes(32).toString("base64url")),
    };
    const user = createHash("md5").update(`${COMPANY_ID}:developer`).digest("hex");
    this.identity = { user, company: COMPANY_ID, role: "user", user_name: "developer", company_name: "clearml" };
  }

  /** A new token; `lifetimeSec` defaults to 30 days. */
  issue(lifetimeSec: number = DEFAULT_TOKEN_LIFETIME_SEC): string {
    const nowMs = this.#clock.now();
    const payload = {
      identity: this.identity,
      session_id: newId(),
      iat: Math.floor(nowMs / 1000),
      exp: Math.floor(nowMs / 1000) + lifetimeSec,
      generation: this.#generation,
      env: "<unknown>",
      auth_type: "Bearer",
      entities: null,
      api_version: API_VERSION,
      server_version: SERVER_VERSION,
      server_build: "trainer-sdk",
      feature_set: "basic",
    };
    const body = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(payload)}`;
    return `${body}.${this.#sign(body)}`;
  }

  /** Makes every token that was issued so far answer 401/30. */
  expireAll(): void {
    this.#generation += 1;
  }

  /** Revokes the token's session. */
  revoke(token: string): void {
    const session = decodeToken(token)?.session_id;
    if (session) this.#revoked.add(session);
  }

  /** True when the token was issued here, has not expired and was not revoked. */
  accepts(token: string): boolean {
    const [head, body, signature] = token.split(".");
    if (head === undefined || body === undefined || signature === undefined) return false;
    if (!equal(signature, this.#sign(`${head}.${body}`))) return false;
    const payload = decodeToken(token);
    if (!payload?.exp || !payload.session_id) return false;
    const generation = typeof payload["generation"] === "number" ? payload["generation"] : 0;
    return payload.exp * 1000 > this.#clock.now() && !this.#revoked.has(payload.session_id) && generation >= this.#generation;
  }

  /** Who sends a request with these headers; undefined when it carries no credentials. @throws ApiFailure 401 when they are wrong. */
  authenticate(headers: Readonly<Record<string, string>>): { readonly identity: Identity; readonly token: string | undefined } | undefined {
    const authorization = headers["authorization"];
    if (authorization === undefined || authorization === "") {
      const cookie = cookieToken(headers["cookie"]);
      if (cookie === undefined) return undefined;
      if (!this.accepts(cookie)) throw unauthorized(30, "invalid token");
      return { identity: this.identity, token: cookie };
    }
    const [scheme, ...rest] = authorization.split(" ");
    const secret = rest.join(" ").trim();
    if (scheme === "Bearer") {
      if (!this.accepts(secret)) throw unauthorized(30, "invalid token");
      return { identity: this.identity, token: secret };
    }
    if (scheme !== "Basic") throw unauthorized(10, "unsupported authorization scheme");
    const pair = Buffer.from(secret, "base64").toString("utf8");
    const colon = pair.indexOf(":");
    if (colon < 0) throw unauthorized(21, "malformed credentials");
    if (!equal(pair.slice(0, colon), this.credentials.accessKey) || !equal(pair.slice(colon + 1), this.credentials.secretKey)) {
      throw unauthorized(22, "invalid credentials: failed to locate provided credentials");
    }
    return { identity: this.identity, token: undefined };
  }

  #sign(text: string): string {
    return createHmac("sha256", this.#signingKey).update(text).digest("base64url");
  }
}

/** The cookie's value for `Set-Cookie`; an empty token clears it. */
export function tokenCookie(token: string): string {
  return `${TOKEN_COOKIE}=${token}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${token === "" ? "0" : "315360000"}`;
}

function cookieToken(header: string | undefined): string | undefined {
  for (const pair of header?.split(";") ?? []) {
    const [name, value] = pair.trim().split("=");
    if (name === TOKEN_COOKIE && value) return value;
  }
  return undefined;
}

function remembered(store: Store, name: string, given: string | undefined, make: () => string): string {
  const value = given ?? store.settings.get(name) ?? make();
  store.settings.set(name, value);
  return value;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function equal(left: string, right: string): boolean {
  const a = createHash("sha256").update(left).digest();
  return timingSafeEqual(a, createHash("sha256").update(right).digest());
}
