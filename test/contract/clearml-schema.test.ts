import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClearML, type ClearML } from "../../src/clearml/index.js";
import { createClearMLServer, type ClearMLServer } from "../../src/devserver/index.js";
import { endpointSince } from "../../src/protocol/clearml/endpoint-versions.js";
import { ENDPOINTS } from "../../src/protocol/clearml/endpoints.js";
import { driveClient } from "./clearml-schema/client-run.js";
import { KNOWN_GAPS, NOT_VALIDATED } from "./clearml-schema/known-gaps.js";
import { PublishedSchema, SCHEMA_FILE, type Finding } from "./clearml-schema/published-schema.js";
import { driveRaw } from "./clearml-schema/raw-run.js";
import { readEndpointLists } from "../support/endpoint-lists.js";
import { API_ORIGIN, FILES_ORIGIN, RecordingTransport, type RecordedCall } from "./clearml-schema/recording-transport.js";

const schema = PublishedSchema.load();
if (!schema) console.warn(`SKIPPED: the contract with ClearML's published schema, for there is no ${SCHEMA_FILE}`);

const ACCESS_KEY = "KEY";
const SECRET_KEY = "SECRET";

describe.skipIf(!schema)("the wire, by ClearML's published schema", () => {
  let server: ClearMLServer;
  let clearml: ClearML;
  let byClient: readonly RecordedCall[];
  let all: readonly RecordedCall[];

  beforeAll(async () => {
    server = createClearMLServer({ accessKey: ACCESS_KEY, secretKey: SECRET_KEY });
    const transport = new RecordingTransport(server);
    clearml = createClearML(
      {
        apiHost: API_ORIGIN,
        webHost: "http://web.test:8080",
        filesHost: FILES_ORIGIN,
        accessKey: ACCESS_KEY,
        secretKey: SECRET_KEY,
        transport,
        retry: false,
      },
      {},
    );
    await driveClient(clearml);
    byClient = [...transport.calls];
    const authorization = `Basic ${Buffer.from(`${ACCESS_KEY}:${SECRET_KEY}`).toString("base64")}`;
    await driveRaw(async (endpoint, body) => {
      const answer = await transport.send({
        method: "POST",
        url: `${API_ORIGIN}/v2.34/${endpoint}`,
        headers: { authorization, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      if (answer.status !== 200) throw new Error(`${endpoint}: ${answer.text()}`);
      return (JSON.parse(answer.text()) as { data: unknown }).data;
    });
    all = [...transport.calls];
  });

  afterAll(async () => {
    await clearml.close();
    await server.close();
  });

  /** Findings without those that are known, and the known gaps that were met. */
  function unknownFindings(side: "request" | "response", calls: readonly RecordedCall[]): string[] {
    const found = new Set<string>();
    for (const call of calls) {
      const findings: readonly Finding[] =
        side === "request"
          ? call.requests.flatMap((body) => schema!.request(call.endpoint, body))
          : call.status === 200
            ? schema!.response(call.endpoint, call.data)
            : [];
      for (const { path, message } of findings) {
        const text = `${path} ${message}`;
        const gap = KNOWN_GAPS.find((known) => known.side === side && known.endpoint.test(call.endpoint) && known.finding.test(text));
        if (gap) metGaps.add(gap);
        else found.add(`${call.endpoint} ${side}: ${text}`);
      }
    }
    return [...found].sort();
  }
  const metGaps = new Set<(typeof KNOWN_GAPS)[number]>();

  it("is kept by every request that the client sends", () => {
    expect(unknownFindings("request", byClient)).toEqual([]);
  });

  it("is kept by every answer that the embedded server gives", () => {
    expect(unknownFindings("response", all)).toEqual([]);
  });

  it("is met by every call of the client with success", () => {
    expect(byClient.filter((call) => call.status !== 200).map((call) => `${call.endpoint}: ${String(call.status)}`)).toEqual([]);
  });

  it("says of every endpoint that came late since when there is one", () => {
    const isLate = (version: string): boolean => version.localeCompare("2.9", "en", { numeric: true }) >= 0;
    for (const endpoint of Object.keys(ENDPOINTS).filter((name) => name !== "debug.ping")) {
      const since = schema?.since(endpoint) ?? "0";
      expect(endpointSince(endpoint), endpoint).toBe(isLate(since) ? since : undefined);
    }
  });

  it("covers every endpoint that the client knows", () => {
    const called = new Set(byClient.map((call) => call.endpoint));
    expect(Object.keys(ENDPOINTS).filter((name) => !called.has(name))).toEqual([]);
  });

  it("covers every endpoint that the embedded server implements", () => {
    const validated = new Set(all.filter((call) => call.status === 200 && schema!.has(call.endpoint)).map((call) => call.endpoint));
    const skipped = server.endpoints.filter((name) => !validated.has(name));
    const names = skipped.map((name) => `${name}: ${NOT_VALIDATED[name] ?? "NO REASON"}`);
    console.info(
      `endpoints implemented ${String(server.endpoints.length)}, validated ${String(server.endpoints.length - skipped.length)}, skipped ${String(skipped.length)} (${names.join("; ")})`,
    );
    expect(skipped.filter((name) => NOT_VALIDATED[name] === undefined)).toEqual([]);
    expect(Object.keys(NOT_VALIDATED).filter((name) => !skipped.includes(name))).toEqual([]);
  });

  it("has no endpoint of which the reference does not say whether it is answered", async () => {
    const { answered, refused } = await readEndpointLists();
    const said = new Set([...answered, ...refused]);
    expect(schema!.endpoints().filter((name) => !said.has(name))).toEqual([]);
  });

  it("has no known gap that nothing falls into any more", () => {
    unknownFindings("request", all);
    unknownFindings("response", all);
    expect(KNOWN_GAPS.filter((gap) => !metGaps.has(gap)).map((gap) => gap.reason)).toEqual([]);
  });
});
