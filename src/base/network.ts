/**
 * The way out of this network, as the usual variables describe it: which proxy for which address, and which certificates
 * are trusted beside the usual ones. Read once, from the environment that was given; opens no connection.
 */
import { readFileSync } from "node:fs";
import { BlockList, isIP } from "node:net";
import { describeError, type Issue } from "./errors.js";

/** An environment: `process.env`, or what a test says. */
type Environment = Readonly<Record<string, string | undefined>>;

/** What the variables came to. */
export interface NetworkSettings {
  /** The proxy for an address, as it was written, password and all; undefined: none. */
  proxyFor(url: string): string | undefined;
  /** PEM texts of further authorities. */
  readonly certificates: readonly string[];
  /** Where they come from, for people. */
  readonly certificateFiles: readonly { readonly name: string; readonly file: string }[];
  /** Variables that cannot be used; they count as absent. */
  readonly issues: readonly Issue[];
}

/**
 * Variables with files of authorities. Node reads the first itself, when the process starts with it; it is read again for
 * those who give an environment of their own. All of them add to what is trusted.
 */
const CERTIFICATE_VARIABLES = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"] as const;

/**
 * Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` (in lower case first, as curl does), and the variables of
 * certificates.
 *
 * @param more A further file of authorities, with the name under which it was given.
 */
export function readNetwork(env: Environment, more?: { readonly name: string; readonly file: string }): NetworkSettings {
  const issues: Issue[] = [];
  const all = proxyIn(env, "all_proxy", issues);
  const byScheme: Readonly<Record<string, string | undefined>> = {
    "https:": proxyIn(env, "https_proxy", issues) ?? all,
    "http:": proxyIn(env, "http_proxy", issues) ?? all,
  };
  const isExempt = exemptions(valueOf(env, "no_proxy")?.value ?? "");
  const files = CERTIFICATE_VARIABLES.flatMap((name) => {
    const file = set(env[name]);
    return file === undefined ? [] : [{ name, file }];
  });
  const certificateFiles: { name: string; file: string }[] = [];
  const certificates: string[] = [];
  for (const found of more ? [...files, more] : files) {
    const { name, file } = found;
    try {
      const text = readFileSync(file, "utf8");
      if (!text.includes("-----BEGIN")) throw new Error("it holds no certificate in PEM form");
      certificates.push(text);
      certificateFiles.push(found);
    } catch (error) {
      issues.push({
        path: name,
        message: `names ${file}, from which no certificates can be read (${describeError(error)}); the usual ones are trusted alone`,
      });
    }
  }
  return {
    proxyFor: (url) => {
      const { protocol, hostname, port } = new URL(url);
      const proxy = byScheme[protocol];
      return proxy === undefined || isExempt(bare(hostname), port === "" ? (protocol === "https:" ? "443" : "80") : port)
        ? undefined
        : proxy;
    },
    certificates: [...new Set(certificates)],
    certificateFiles,
    issues,
  };
}

/** A proxy's address without user and password. */
export function publicProxy(proxy: string): string {
  const { protocol, host } = new URL(proxy);
  return `${protocol}//${host}`;
}

function proxyIn(env: Environment, variable: string, issues: Issue[]): string | undefined {
  const found = valueOf(env, variable);
  if (!found) return undefined;
  // `proxy:3128` is what many write.
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(found.value) ? found.value : `http://${found.value}`;
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  const shown = found.value.replace(/\/\/[^/@]*@/, "//***@").slice(0, 120);
  issues.push({
    path: found.name,
    message: `must be the http or https address of a proxy, such as http://proxy:3128, not ${JSON.stringify(shown)}; no proxy is used`,
  });
  return undefined;
}

function valueOf(env: Environment, lower: string): { readonly name: string; readonly value: string } | undefined {
  for (const name of [lower, lower.toUpperCase()]) {
    const value = set(env[name]);
    if (value !== undefined) return { name, value };
  }
  return undefined;
}

/** `*`, names with everything below them, addresses, networks (`10.0.0.0/8`), each with or without a port. */
function exemptions(list: string): (host: string, port: string) => boolean {
  const names: { readonly host: string; readonly port: string | undefined }[] = [];
  const networks = new BlockList();
  let isAll = false;
  for (const entry of list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((text) => text !== "")) {
    const network = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(entry);
    if (entry === "*") isAll = true;
    else if (network) addNetwork(networks, network[1] ?? "", Number(network[2]));
    else {
      const [, host = "", port] = /^(\[[^\]]+\]|[^:]+|[^:]*:[^:]*:.*)(?::(\d+))?$/.exec(entry) ?? [undefined, entry, undefined];
      names.push({ host: bare(host).replace(/^\*?\./, ""), port });
    }
  }
  return (host, port) => {
    const family = isIP(host);
    if (isAll || (family !== 0 && networks.check(host, family === 6 ? "ipv6" : "ipv4"))) return true;
    return names.some((name) => (name.port === undefined || name.port === port) && (host === name.host || host.endsWith(`.${name.host}`)));
  };
}

function addNetwork(networks: BlockList, address: string, bits: number): void {
  const family = isIP(address);
  if (family !== 0 && bits <= (family === 6 ? 128 : 32)) networks.addSubnet(address, bits, family === 6 ? "ipv6" : "ipv4");
}

function bare(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
}

function set(value: string | undefined): string | undefined {
  const text = value?.trim();
  return text === "" ? undefined : text;
}
