/**
 * A ClearML that reads, parses and counts events but stores none: what is left to measure is the client. Everything but
 * `events.add_batch` is answered by the embedded server. `GET /count` tells the counts.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createClearMLServer, type WireResponse } from "trainer-sdk/devserver";
import { answer } from "./input.ts";

const clearml = createClearMLServer();
const counts = { events: 0, requests: 0, bytes: 0 };

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** One JSON document a line; every one is parsed. */
function count(body: Buffer): number {
  let added = 0;
  for (const line of body.toString("utf8").split("\n")) {
    if (line === "") continue;
    const event = JSON.parse(line) as { readonly type?: unknown };
    if (typeof event.type === "string") added++;
  }
  counts.events += added;
  counts.requests++;
  counts.bytes += body.length;
  return added;
}

function accepted(added: number): string {
  const meta = { id: "0", trx: "0", endpoint: { name: "events.add_batch", requested_version: "2.9", actual_version: "1.0" } };
  return JSON.stringify({
    meta: { ...meta, result_code: 200, result_subcode: 0, result_msg: "OK", error_stack: "", error_data: {} },
    data: { added, errors: 0, errors_info: {} },
  });
}

async function send(response: ServerResponse, { status, headers, body }: WireResponse): Promise<void> {
  response.writeHead(status, headers);
  if (body !== undefined && typeof body !== "string" && !(body instanceof Uint8Array))
    for await (const chunk of body) response.write(chunk);
  else if (body !== undefined) response.write(body);
  response.end();
}

const server = createServer({ requestTimeout: 0, noDelay: true }, (request, response) => {
  void (async () => {
    const url = new URL(request.url ?? "/", `http://${request.headers.host ?? "127.0.0.1"}`);
    if (url.pathname === "/count") return await send(response, { status: 200, body: JSON.stringify(counts) });
    if (url.pathname.endsWith("/events.add_batch")) {
      const added = count(await bodyOf(request));
      return await send(response, { status: 200, headers: { "content-type": "application/json" }, body: accepted(added) });
    }
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    await send(response, await clearml.api({ method: request.method ?? "GET", url, headers, body: request }));
  })().catch(() => response.destroy());
});

server.listen(0, "127.0.0.1", () => {
  const host = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const env = { CLEARML_API_HOST: host, CLEARML_API_ACCESS_KEY: clearml.accessKey, CLEARML_API_SECRET_KEY: clearml.secretKey };
  answer({ env: { ...env, CLEARML_WEB_HOST: host, CLEARML_FILES_HOST: host } });
});
process.once("SIGTERM", () => process.exit(0));
