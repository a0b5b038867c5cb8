import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { undiciTransport } from "../../../src/base/http.js";
import { silentLogger } from "../../../src/base/logger.js";
import { CALLBACK_SCHEMAS, type CallbackPath } from "../../../src/protocol/callbacks.js";
import { readBytes, type WireHandler, type WireResponse } from "../../../src/protocol/handler.js";
import type { CallbackDialectFunction } from "../../../src/sinks/platform/dialect.js";
import { createPlatformSink } from "../../../src/sinks/platform/platform-sink.js";
import { describeSinkContract, volatileMemory } from "../../contract/sink-contract.js";
import { FACTS, recordOf } from "../../support/facts.js";
import { serveWire, type WireServer } from "../../support/wire-server.js";

interface Seen {
  readonly path: string;
  readonly key: string | undefined;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** A backend on a socket, with what it has seen. */
async function aBackend(answer: () => WireResponse = () => ({ status: 204 }), dialect?: CallbackDialectFunction) {
  const seen: Seen[] = [];
  let inFront: WireHandler | undefined;
  const server = await serveWire(async (request) => {
    if (inFront) return inFront(request);
    const body: unknown = JSON.parse(Buffer.from(await readBytes(request.body)).toString());
    seen.push({
      path: request.url.pathname,
      key: request.headers["idempotency-key"],
      authorization: request.headers["authorization"],
      body,
    });
    return answer();
  });
  const transport = undiciTransport();
  const sink = createPlatformSink({
    url: `${server.url}/cb`,
    token: "hunter2",
    dialect,
    job: { operation: "training", jobId: "7" },
    transport,
    clock: systemClock,
    logger: silentLogger,
  });
  const dispose = async (): Promise<void> => {
    await transport.close();
    await server.close();
  };
  const hang = (): void => {
    inFront = () => new Promise(() => undefined);
  };
  return { seen, server, sink, dispose, hang };
}

const records = [recordOf(FACTS.started, 1), recordOf(FACTS.progress, 2), recordOf(FACTS.log, 3)];

describeSinkContract("platform", async () => {
  const { seen, server, sink, dispose, hang } = await aBackend();
  return { sink, records, arrived: () => seen.map((request) => request.key ?? ""), hang, refuse: () => void server.close(), dispose };
});

describe("the platform sink over HTTP", () => {
  let dispose: (() => Promise<void>) | undefined;
  afterEach(() => dispose?.());
  const context = { signal: new AbortController().signal, memory: volatileMemory(), ambiguous: false };

  it("refuses a record whose dialect gives headers that cannot be sent, instead of waiting for ever with all that follow", async () => {
    const backend = await aBackend(undefined, ({ sequence }) => ({
      path: "/x",
      body: {},
      headers: sequence === 1 ? { "x-note": "two\nlines" } : sequence === 2 ? { "x note": "a name with a space" } : {},
    }));
    dispose = backend.dispose;
    const outcomes = await backend.sink.deliver(records, context);
    const named = expect.stringContaining("x-note") as string;
    expect(outcomes).toMatchObject([{ status: "rejected", reason: named }, { status: "rejected" }, { status: "delivered" }]);
  });

  it("says every fact that has a callback in a body that the published schema takes", async () => {
    const backend = await aBackend();
    dispose = backend.dispose;
    const all = Object.values(FACTS)
      .map((fact, index) => recordOf(fact, index + 1))
      .filter((record) => backend.sink.accepts(record));
    await backend.sink.deliver(all, context);
    expect(backend.seen.map((request) => request.key)).toEqual(all.map((record) => record.id));
    for (const { path, body } of backend.seen)
      expect(CALLBACK_SCHEMAS[path.replace("/cb/", "") as CallbackPath].safeParse(body).error).toBeUndefined();
  });

  it("does not follow a redirect, so the token stays", async () => {
    const other = await aBackend();
    const backend = await aBackend(() => ({ status: 307, headers: { location: `${other.server.url}/cb/log` } }));
    dispose = async () => {
      await backend.dispose();
      await other.dispose();
    };
    expect(await backend.sink.deliver([recordOf(FACTS.log)], context)).toMatchObject([
      { status: "retry", cause: "answered", reason: expect.stringContaining("not followed") },
    ]);
    expect([backend.seen.length, other.seen.length]).toEqual([1, 0]);
  });

  it.each<[string, (server: WireServer) => WireResponse]>([
    ["tears the connection down", () => ({ status: 200, destroy: true })],
    ["breaks off in the middle of its answer", () => ({ status: 200, headers: { "content-length": "100" }, body: "{", destroy: true })],
  ])("takes a backend that %s for an outage", async (_what, answer) => {
    const backend = await aBackend(() => answer(backend.server));
    dispose = backend.dispose;
    expect(await backend.sink.deliver(records, context)).toMatchObject([
      { status: "retry", cause: "unreachable" },
      { status: "retry" },
      { status: "retry" },
    ]);
    expect(backend.seen).toHaveLength(1);
  });
});
