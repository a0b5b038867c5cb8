/** Whether ClearML is there, is the ClearML that is meant, and knows the keys. Nothing is created in it. */
import { ApiError, ConnectionError, describeError } from "../../base/errors.js";
import { publicUrl, undiciTransport } from "../../base/http.js";
import { readNetwork } from "../../base/network.js";
import { clearmlCertificates, type ResolvedClearMLConnection } from "../../clearml/options.js";
import type { Examination, Finding } from "./finding.js";

export async function checkClearML(connection: ResolvedClearMLConnection, examination: Examination): Promise<readonly Finding[]> {
  const { env, signal } = examination;
  const network = readNetwork(env, clearmlCertificates(env));
  const transport = undiciTransport({ verifyCertificates: connection.verifyCertificates, network });
  const found: Finding[] = [];
  try {
    if (!connection.verifyCertificates)
      found.push({
        id: "clearml.certificates",
        severity: "warning",
        message: "Certificates are not checked: whoever sits on the way reads the keys.",
        advice: "Name the authority's certificate in SSL_CERT_FILE, and have them checked.",
      });
    const ping = await pinged(connection.apiHost, transport, examination);
    found.push(ping);
    if (ping.severity !== "ok") return found;
    found.push(...(await loggedIn(connection, transport, signal)));
    const { filesHost, webHost } = connection;
    if (filesHost !== undefined)
      found.push(await reached("files", "file server", filesHost, "CLEARML_FILES_HOST", "warning", transport, examination));
    if (webHost !== undefined)
      found.push(await reached("web", "web application", webHost, "CLEARML_WEB_HOST", "note", transport, examination));
    return found;
  } finally {
    await transport.close();
  }
}

type Transport = ReturnType<typeof undiciTransport>;

async function pinged(apiHost: string, transport: Transport, { signal, clocks }: Examination): Promise<Finding> {
  const id = "clearml.api";
  try {
    const answer = await transport.send({ method: "GET", url: `${apiHost}/debug.ping`, signal });
    if (answer.headers["date"] !== undefined) clocks.push({ who: "ClearML", date: answer.headers["date"], receivedAtMs: Date.now() });
    if (isPing(answer.text())) return { id, severity: "ok", message: `ClearML's API answers at ${apiHost}.` };
    const isPage = (answer.headers["content-type"] ?? "").includes("html");
    return {
      id,
      severity: "error",
      message: `What answers at ${apiHost} (status ${String(answer.status)}) is not ClearML's API${isPage ? " but a web page" : ""}.`,
      advice: "CLEARML_API_HOST must name the API, by default on port 8008 (the web application is on 8080, the file server on 8081).",
    };
  } catch (error) {
    signal.throwIfAborted();
    return {
      id,
      severity: "error",
      message: `ClearML's API cannot be reached. ${described(error)}`,
      advice: "Check CLEARML_API_HOST, the network and that the server is up. Until then everything waits in the journal.",
    };
  }
}

async function loggedIn(connection: ResolvedClearMLConnection, transport: Transport, signal: AbortSignal): Promise<readonly Finding[]> {
  const id = "clearml.login";
  const { createClearML } = await import("../../clearml/create-clearml.js");
  const clearml = createClearML({ ...connection, transport, retry: false }, {});
  try {
    const user = await clearml.auth.getCurrentUser({ signal });
    const { apiVersion, serverVersion } = clearml.session.serverInfo ?? {};
    const name = (user as { user?: { name?: unknown } }).user?.name;
    return [
      { id, severity: "ok", message: `The keys are good${typeof name === "string" ? `: they are ${name}'s` : ""}.` },
      {
        id: "clearml.version",
        severity: "ok",
        message: `The server is ${serverVersion === undefined ? "of an unknown version" : `version ${serverVersion}`}, API ${apiVersion ?? "unknown"}.`,
        facts: { ...(apiVersion === undefined ? {} : { apiVersion }), ...(serverVersion === undefined ? {} : { serverVersion }) },
      },
    ];
  } catch (error) {
    signal.throwIfAborted();
    if (ApiError.isInstance(error) && error.status === 401) {
      return [
        {
          id,
          severity: "error",
          message: `ClearML does not know the keys. ${described(error)}`,
          advice:
            "Create new ones in the web application under Settings, Workspace, and set CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY to them.",
        },
      ];
    }
    return [{ id, severity: "error", message: `The login failed. ${described(error)}` }];
  } finally {
    await clearml.close();
  }
}

async function reached(
  what: "files" | "web",
  name: string,
  url: string,
  variable: string,
  severity: "warning" | "note",
  transport: Transport,
  { signal }: Examination,
): Promise<Finding> {
  const id = `clearml.${what}`;
  try {
    const { status } = await transport.send({ method: "GET", url, signal });
    if (status < 500) return { id, severity: "ok", message: `ClearML's ${name} answers at ${publicUrl(url).replace(/\/$/, "")}.` };
    return {
      id,
      severity,
      message: `ClearML's ${name} at ${url} answers with ${String(status)}.`,
      advice: `Check ${variable} and the server.`,
    };
  } catch (error) {
    signal.throwIfAborted();
    const use = what === "web" ? "Only links to it are affected" : "Images and files that go there would wait";
    return { id, severity, message: `ClearML's ${name} cannot be reached. ${described(error)}`, advice: `Check ${variable}. ${use}.` };
  }
}

function isPing(text: string): boolean {
  try {
    const body = JSON.parse(text) as { meta?: { result_code?: unknown } };
    return typeof body.meta?.result_code === "number";
  } catch {
    return false;
  }
}

function described(error: unknown): string {
  const text = describeError(error);
  return ConnectionError.isInstance(error) || /[.!?]$/.test(text) ? text : `${text}.`;
}
