/** A client over a connection that was resolved already: by the network of the worker's environment, with nothing else of it. */
import { undiciTransport } from "../base/http.js";
import { readNetwork } from "../base/network.js";
import { createClearML, type ClearML } from "../clearml/create-clearml.js";
import { clearmlCertificates, type ClearMLSessionOptions, type ResolvedClearMLConnection } from "../clearml/options.js";
import type { Environment } from "../trainer/environment.js";

/** Proxies and authorities come from `env`; hosts and keys from the connection alone, in which they were put in order. */
export function clearmlClient(
  connection: ResolvedClearMLConnection,
  env: Environment,
  options: Partial<Pick<ClearMLSessionOptions, "clock" | "logger">>,
): ClearML {
  const { verifyCertificates } = connection;
  const transport = undiciTransport({ verifyCertificates, network: readNetwork(env, clearmlCertificates(env)) });
  return createClearML({ ...connection, ...options, transport }, {});
}
