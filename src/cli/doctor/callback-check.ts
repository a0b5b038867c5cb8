/** Whether the platform's backend is there. Nothing is reported to it: it is asked for a page that it need not have. */
import { describeError } from "../../base/errors.js";
import { publicUrl, undiciTransport } from "../../base/http.js";
import { readNetwork } from "../../base/network.js";
import type { ResolvedTrainerOptions } from "../../trainer/options.js";
import type { Examination, Finding } from "./finding.js";

export async function checkCallback(
  { url, token }: NonNullable<ResolvedTrainerOptions["callback"]>,
  { env, signal, clocks }: Examination,
): Promise<readonly Finding[]> {
  const id = "callback.reach";
  const shown = publicUrl(url);
  const transport = undiciTransport({ network: readNetwork(env) });
  try {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const { status, headers: answered } = await transport.send({ method: "HEAD", url, headers, signal });
    if (answered["date"] !== undefined) clocks.push({ who: "The backend", date: answered["date"], receivedAtMs: Date.now() });
    if (status >= 300 && status < 400)
      return [
        {
          id,
          severity: "error",
          message: `${shown} redirects (${String(status)}), and callbacks follow no redirect: the token would go elsewhere.`,
          advice: "Set CALLBACK_URL to where it leads.",
        },
      ];
    if (status >= 500)
      return [
        {
          id,
          severity: "warning",
          message: `The backend at ${shown} answers with ${String(status)}.`,
          advice: "Callbacks would wait. Look into the backend's log.",
        },
      ];
    if (status === 401 || status === 403)
      return [
        {
          id,
          severity: "warning",
          message: `The backend at ${shown} answers with ${String(status)}: it may not accept the token.`,
          advice: "Check CALLBACK_TOKEN.",
        },
      ];
    return [{ id, severity: "ok", message: `The backend answers at ${shown}.` }];
  } catch (error) {
    signal.throwIfAborted();
    return [
      {
        id,
        severity: "error",
        message: `The backend cannot be reached. ${describeError(error)}`,
        advice: "Check CALLBACK_URL, the network and that the backend is up. Until then callbacks wait in the journal.",
      },
    ];
  } finally {
    await transport.close();
  }
}
