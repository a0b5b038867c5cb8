/** What went wrong at a proxy, in words that name the proxy: whoever reads of the server alone looks in the wrong place. */
import { describeError } from "./errors.js";
import { publicProxy } from "./network.js";

/** The proxy did not let a request through: it never reached the server. */
export class ProxyRefusal extends Error {
  /** As a system error has it. */
  readonly code = "PROXY_REFUSED";

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "ProxyRefusal";
  }
}

/** What undici threw for a request through a proxy, in our words where it was the proxy's doing; else as it was. */
export function proxyFailure(error: unknown, proxy: string, url: string): unknown {
  if (error instanceof ProxyRefusal) return error;
  const text = describeError(error);
  const status = /Proxy response \((\d{3})\)/.exec(text)?.[1] ?? (text.includes("Proxy Authentication Required") ? "407" : undefined);
  if (status !== undefined) return proxyRefusal(Number(status), proxy, url, error);
  const name = publicProxy(proxy);
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  const isNotThere = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"].includes(
    code ?? "",
  );
  if (!isNotThere && code !== "UND_ERR_PRX_CONN" && !text.includes("Proxy")) return error;
  return new ProxyRefusal(
    `the proxy ${name} cannot be reached (${text}): check HTTPS_PROXY and HTTP_PROXY, or add ${new URL(url).hostname} to NO_PROXY`,
    error,
  );
}

/** A refusal by its status. */
export function proxyRefusal(status: number, proxy: string, url: string, cause?: unknown): ProxyRefusal {
  const [name, { hostname, protocol }] = [publicProxy(proxy), new URL(url)];
  const variable = protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const advice =
    status === 407
      ? `it wants a user and a password, or other ones: write them into ${variable} (http://user:password@host:port)`
      : status === 403
        ? `it does not allow ${hostname}: have it allowed, or add ${hostname} to NO_PROXY`
        : `it could not get through to ${hostname}; if that needs no proxy, add it to NO_PROXY`;
  return new ProxyRefusal(`the proxy ${name} refused with ${String(status)}: ${advice}`, cause);
}
