/**
 * A large file in parts, past the MLflow server into its store: the server signs an address for each part, and is told at the end. So no
 * request lasts as long as the file, and no byte of it lies on the server's disk. A stream is read once, part by part; memory holds the
 * few that are on their way.
 */
import type { Readable } from "node:stream";
import * as z from "zod/mini";
import { ApiError, UploadError } from "../base/errors.js";
import { publicUrl } from "../base/http.js";
import { isOutageStatus } from "../base/retry.js";
import { planParts } from "../storage/part-plan.js";
import { isMlflowAnswer, type MlflowWire } from "./mlflow-wire.js";

/** From here on a file goes in parts: one request of it would outlast the workers of older servers. */
export const MULTIPART_BYTES = 64 * 1024 * 1024;
/** At the same time. */
const PARALLEL_PARTS = 3;
const PART_TIMEOUT_MS = 120_000;
const PART_BYTES_PER_MS = 100;
const ROUTE = "/api/2.0/mlflow-artifacts";

const created = z.looseObject({
  upload_id: z.nullish(z.string()),
  credentials: z.array(
    z.looseObject({ url: z.string(), part_number: z.number(), headers: z._default(z.record(z.string(), z.string()), {}) }),
  ),
});
type Part = z.output<typeof created>["credentials"][number];

/** What of an upload the calls about it name. */
interface Upload {
  readonly path: string;
  readonly upload_id: string | undefined;
}

/** How a file is put. */
export interface PartsCall {
  readonly signal: AbortSignal;
  /** Told when an address of the store is no use from here: no answer, or a refusal, of a part. What is thrown need not say so. */
  readonly onLostPart: () => void;
}

/**
 * Puts a stream at a route of the artifact proxy.
 *
 * @returns False, with nothing read, when the server takes no parts: it is older, its store knows none, a proxy has no such route, or it cuts
 * otherwise than it was asked.
 * @throws ApiError, ConnectionError, UploadError; what the stream failed with. Nothing of the file is there then.
 */
export async function putInParts(
  wire: MlflowWire,
  route: string,
  content: { readonly body: Readable; readonly sizeBytes: number },
  call: PartsCall,
): Promise<boolean> {
  const { signal } = call;
  const plan = planParts(content.sizeBytes);
  const [folder, name] = placeOf(route);
  const path = `${ROUTE}/mpu/create/${folder}`;
  let answer: z.output<typeof created>;
  try {
    answer = wire.read("POST", path, await post(wire, path, { path: name, num_parts: plan.parts }, signal), created);
  } catch (error) {
    if (takesNoParts(error)) return false;
    throw error;
  }
  const { credentials, upload_id } = answer;
  const upload: Upload = { path: name, upload_id: upload_id ?? undefined };
  // Also when the job is at its end: parts that nobody takes back are paid for.
  const abort = (): Promise<unknown> =>
    post(wire, `${ROUTE}/mpu/abort/${folder}`, upload, AbortSignal.timeout(5_000)).catch(() => undefined);
  if (credentials.length !== plan.parts) {
    await abort();
    return false;
  }
  try {
    const tags = await sendParts(wire, content.body, credentials, plan.partBytes, call);
    const parts = credentials.map(({ part_number, url }, at) => ({ part_number, etag: tags[at] ?? "", url }));
    await post(wire, `${ROUTE}/mpu/complete/${folder}`, { ...upload, parts }, signal);
    return true;
  } catch (error) {
    await abort();
    throw error;
  }
}

function post(wire: MlflowWire, path: string, body: object, signal: AbortSignal): Promise<string> {
  return wire.text("POST", path, { body: JSON.stringify(body) }, signal);
}

/** 501 is MLflow's own word for a store without parts; 404 and 405 are those of servers and proxies that know no such route. */
function takesNoParts(error: unknown): boolean {
  if (!ApiError.isInstance(error)) return false;
  return [404, 405, 501].includes(error.status) || isMlflowAnswer(error, 500, "NOT_IMPLEMENTED");
}

/** The folder as the route has it, and the file's own name. */
function placeOf(route: string): readonly [folder: string, name: string] {
  const below = route.slice(`${ROUTE}/artifacts/`.length);
  const at = below.lastIndexOf("/");
  return [below.slice(0, at), decodeURIComponent(below.slice(at + 1))];
}

async function sendParts(
  wire: MlflowWire,
  body: Readable,
  parts: readonly Part[],
  partBytes: number,
  { signal, onLostPart }: PartsCall,
): Promise<string[]> {
  const failing = new AbortController();
  const either = AbortSignal.any([signal, failing.signal]);
  const underWay = new Set<Promise<void>>();
  const tags: string[] = [];
  let failure: { readonly error: unknown } | undefined;
  const send = (part: Part, at: number, bytes: Uint8Array): void => {
    const done: Promise<void> = sendPart(wire, part, bytes, either)
      .then((tag) => {
        tags[at] = tag;
      })
      .catch((error: unknown) => {
        // Of the others the abort tells, and of all of them the caller's.
        if (!either.aborted) onLostPart();
        failure ??= { error };
        failing.abort(error);
      })
      .finally(() => underWay.delete(done));
    underWay.add(done);
  };
  try {
    let at = 0;
    for await (const bytes of inPieces(body, partBytes)) {
      while (underWay.size >= PARALLEL_PARTS) await Promise.race(underWay);
      if (failure !== undefined) break;
      const part = parts[at];
      if (part === undefined) throw new UploadError("The file is longer than it was said to be.", { retryable: false });
      send(part, at++, bytes);
    }
  } catch (error) {
    failure ??= { error };
    failing.abort(error);
  }
  await Promise.all(underWay);
  signal.throwIfAborted();
  if (failure !== undefined) throw failure.error;
  return tags;
}

/** Buffers of one size; the last may be shorter. */
async function* inPieces(body: Readable, pieceBytes: number): AsyncGenerator<Buffer, void, undefined> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    for (let from = 0; from < chunk.length;) {
      const slice = chunk.subarray(from, from + pieceBytes - heldBytes);
      held.push(slice);
      heldBytes += slice.length;
      from += slice.length;
      if (heldBytes < pieceBytes) continue;
      yield Buffer.concat(held);
      [held, heldBytes] = [[], 0];
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

/** Answers the store's tag of the part. What proves who we are to MLflow does not go there; the address is a secret and is not told. */
async function sendPart(wire: MlflowWire, part: Part, bytes: Uint8Array, signal: AbortSignal): Promise<string> {
  const timeoutMs = PART_TIMEOUT_MS + bytes.length / PART_BYTES_PER_MS;
  const headers = { ...part.headers, "content-length": String(bytes.length) };
  const answer = await wire.transport.send({ method: "PUT", url: part.url, headers, body: bytes, timeoutMs, signal });
  if (answer.status >= 200 && answer.status < 300) return answer.headers["etag"] ?? "";
  const code = /<Code>([A-Za-z0-9]{1,64})<\/Code>/.exec(answer.text())?.[1];
  const said = `${String(answer.status)}${code === undefined ? "" : ` (${code})`}`;
  throw new UploadError(`PUT ${publicUrl(part.url)}, an address that MLflow gave for a part, answered ${said}.`, {
    retryable: isOutageStatus(answer.status) || answer.status >= 500,
  });
}
