/**
 * Whether the existing platform's backend signs addresses, and whether the store behind them would take a file. An address
 * is asked for, and an upload to it is begun that nothing can come of: most of its bytes never come, and the digest that is
 * announced is that of others. Either alone would do at a store that keeps to the rules; not all do.
 */
import { Readable } from "node:stream";
import { systemClock } from "../../base/clock.js";
import { ConfigError, describeError } from "../../base/errors.js";
import { publicUrl, undiciTransport, type HttpResponse, type HttpTransport } from "../../base/http.js";
import { readNetwork } from "../../base/network.js";
import type { UploadTicket } from "../../storage/presigned-object-store.js";
import { signedTickets } from "../../trainer/checkpoint-store.js";
import type { ResolvedTrainerOptions } from "../../trainer/options.js";
import type { Examination, Finding } from "./finding.js";

/** Below the job's prefix. Only its name is ever used. */
const PROBE_NAME = ".trainer-sdk-doctor";
/** Most stores have read the signature by then, and refuse without waiting for the rest; some look at it after the last byte. */
const GRACE_MS = 2_000;
/** So much that no store gathers it all before it looks at the head of the request. */
const ANNOUNCED_BYTES = 64 * 1024 * 1024;
/** What is sent of it: some stores look at nothing before they have the first few kilobytes. */
const SENT_BYTES = 64 * 1024;
/** MD5 of no bytes at all. */
const WRONG_MD5 = "1B2M2Y8AsgTpgAmY7PhCfg==";
const CREDENTIALS = "or give the trainer credentials of the storage (INTERNAL_STORAGE_ACCESS_KEY, INTERNAL_STORAGE_SECRET_KEY)";

/** Asks backend and store. Every failure is a finding. */
export async function checkSigned(resolved: ResolvedTrainerOptions, examination: Examination): Promise<readonly Finding[]> {
  const { env, signal } = examination;
  const transport = undiciTransport({ network: readNetwork(env) });
  try {
    const tickets = signedTickets(resolved, { clock: systemClock, transport });
    let ticket: UploadTicket;
    try {
      ticket = await tickets.ask({ fileName: PROBE_NAME, contentType: "application/octet-stream" }, { signal });
    } catch (error) {
      signal.throwIfAborted();
      return [finding("storage.signed", "error", describeError(error), `Check JOB_ID and CALLBACK_URL, ${CREDENTIALS}.`)];
    }
    const expected = tickets.objectKeyOf(PROBE_NAME);
    if (ticket.objectKey !== expected) {
      const message = `The backend would store ${PROBE_NAME} as ${ticket.objectKey}, and this package announces ${expected}: every upload would be rejected.`;
      return [finding("storage.signed", "error", message, `Update trainer-sdk, ${CREDENTIALS}.`)];
    }
    const minutes = String(Math.round(ticket.expiresInMs / 60_000));
    const signed = finding("storage.signed", "ok", `The backend signs an address for each file; it holds for ${minutes} min.`);
    return [signed, await checkStore(ticket, transport, examination)];
  } catch (error) {
    signal.throwIfAborted();
    if (!ConfigError.isInstance(error)) throw error;
    return [finding("storage.signed", "error", describeError(error))];
  } finally {
    await transport.close();
  }
}

/** Begins an upload and sees whether it is refused. */
async function checkStore({ url }: UploadTicket, transport: HttpTransport, { signal, clocks }: Examination): Promise<Finding> {
  const id = "storage.put";
  const target = publicUrl(url);
  const withheld = new Error("the rest is withheld");
  let timer: NodeJS.Timeout | undefined;
  let isBegun = false;
  const body = new Readable({
    read() {
      // The head of a request travels with its first bytes.
      if (!isBegun) this.push(Buffer.alloc(SENT_BYTES));
      else timer ??= setTimeout(() => this.destroy(withheld), GRACE_MS);
      isBegun = true;
    },
  });
  body.on("error", () => undefined);
  try {
    const headers = { "content-type": "application/octet-stream", "content-length": String(ANNOUNCED_BYTES), "content-md5": WRONG_MD5 };
    const answer = await transport.send({ method: "PUT", url, headers, body, signal });
    if (answer.headers["date"] !== undefined) clocks.push({ who: "The storage", date: answer.headers["date"], receivedAtMs: Date.now() });
    return judge(answer, target);
  } catch (error) {
    signal.throwIfAborted();
    if (body.errored === withheld)
      return finding(
        id,
        "ok",
        `The store began to take an upload at ${target}; it was given up before its last byte, and nothing is stored.`,
      );
    const advice =
      "The backend signs addresses for the host name by which it knows the store itself: it must be one that the trainer reaches too.";
    return finding(id, "error", `The store behind the backend's addresses cannot be reached. ${describeError(error)}`, advice);
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
}

function judge(answer: HttpResponse, target: string): Finding {
  const id = "storage.put";
  const { status } = answer;
  const code = /<Code>([A-Za-z0-9]{1,64})<\/Code>/.exec(answer.text())?.[1];
  const said = `PUT ${target} answered ${String(status)}${code === undefined ? "" : ` (${code})`}`;
  if (status < 300) return finding(id, "ok", `The store takes the address: ${said}.`);
  if (code === "SignatureDoesNotMatch" || code === "InvalidAccessKeyId")
    return finding(
      id,
      "error",
      `The store refuses what the backend signed: ${said}.`,
      "Look at the backend's keys of the storage, and whether a proxy on the way changes the host name, which is signed too.",
    );
  if (status === 401 || status === 403)
    return finding(
      id,
      "error",
      `The store refuses what the backend signed: ${said}.`,
      "The keys that the backend signs with may lack s3:PutObject, or the clocks of backend and store differ.",
    );
  if (status < 500)
    return finding(id, "error", `The store does not take an upload: ${said}.`, "Look at the backend's settings of the storage.");
  return finding(id, "warning", `The store is not well: ${said}.`, "Uploads would wait until it is.");
}

function finding(id: string, severity: Finding["severity"], message: string, advice?: string): Finding {
  return { id, severity, message, ...(advice === undefined ? {} : { advice }) };
}
