/** One call of the embedded ClearML's API, as a test makes it to arrange something: no session, no retry. */
import type { JsonObject } from "../base/json.js";
import { readBytes, type WireHandler } from "../protocol/handler.js";

/** @throws Error with the server's own words when it refuses. */
export async function callApi(
  api: WireHandler,
  credentials: { readonly accessKey: string; readonly secretKey: string },
  endpoint: string,
  request: JsonObject,
): Promise<JsonObject> {
  const basic = Buffer.from(`${credentials.accessKey}:${credentials.secretKey}`).toString("base64");
  async function* body(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(JSON.stringify(request));
  }
  const answer = await api({
    method: "POST",
    url: new URL(endpoint, "http://api.clearml.test:8008/"),
    headers: { authorization: `Basic ${basic}`, "content-type": "application/json" },
    body: body(),
  });
  if (answer.destroy === true) throw new Error(`${endpoint} was not answered: a fault of "api" broke the connection.`);
  const bytes =
    typeof answer.body === "string" || answer.body === undefined
      ? Buffer.from(answer.body ?? "")
      : answer.body instanceof Uint8Array
        ? answer.body
        : await readBytes(answer.body);
  const text = Buffer.from(bytes).toString("utf8");
  if (answer.status !== 200) throw new Error(`${endpoint} was refused with ${String(answer.status)}: ${text.slice(0, 500)}`);
  return (JSON.parse(text) as { readonly data: JsonObject }).data;
}
