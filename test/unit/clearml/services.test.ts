import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConnectionError, ValidationError } from "../../../src/base/errors.js";
import { createClearML, type ClearML } from "../../../src/clearml/create-clearml.js";
import { MAX_BATCH_CHARACTERS, isPlainPoint, splitBatch } from "../../../src/clearml/split-batch.js";
import { ENDPOINTS, type EndpointName } from "../../../src/protocol/clearml/endpoints.js";
import { FakeApi, failureOf, refusal, success, type SeenRequest } from "./fake-api.js";

function clearmlOf(api: FakeApi): ClearML {
  return createClearML({ apiHost: "http://api.test:8008", accessKey: "A", secretKey: "S", transport: api, clock: api.clock }, {});
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const row of rows) read.push(row);
  return read;
}

/** Pages over rows as the server does: by `page`, never more than 500. */
function pageOf<T>(rows: readonly T[], request: SeenRequest): readonly T[] {
  const { page = 0, page_size: size = 500 } = request.json as { page?: number; page_size?: number };
  const length = Math.min(size, 500);
  return rows.slice(page * length, (page + 1) * length);
}

const ids = (count: number): { id: string }[] => Array.from({ length: count }, (_, index) => ({ id: `id${String(index)}` }));

describe("searches", () => {
  it.each([0, 1, 499, 500, 501, 1000, 1234])("return all of %i rows", async (count) => {
    const api = new FakeApi();
    api.respond = (request) => success({ tasks: pageOf(ids(count), request) });
    const rows = await all(clearmlOf(api).tasks.getAll({ status: ["completed"] }));
    expect(rows).toEqual(ids(count));
    expect(api.calls[0]?.json).toMatchObject({ status: ["completed"], order_by: ["created"], page: 0, page_size: 500 });
  });

  it("return each row once when new rows push known ones onto the next page", async () => {
    const api = new FakeApi();
    let rows = ids(700);
    api.respond = (request) => {
      const answer = success({ models: pageOf(rows, request) });
      rows = [{ id: "newest" }, ...rows];
      return answer;
    };
    const read = await all(clearmlOf(api).models.getAll({ order_by: ["-last_update"] }));
    expect(new Set(read.map(({ id }) => id)).size).toBe(read.length);
    expect(read).toHaveLength(700);
  });

  it("end at a server that answers every page with the same rows", async () => {
    const api = new FakeApi();
    api.respond = () => success({ projects: ids(500) });
    expect(await all(clearmlOf(api).projects.getAll())).toHaveLength(500);
    expect(api.calls).toHaveLength(2);
  });
});

describe("a project", () => {
  /** A server that keeps names unique and filters by pattern. */
  function projectServer(names: string[]): FakeApi {
    const api = new FakeApi();
    api.respond = ({ endpoint, json }) => {
      const { name } = json as { name: string };
      if (endpoint === "projects.get_all")
        return success({
          projects: names.filter((known) => new RegExp(name, "iu").test(known)).map((known) => ({ id: `id of ${known}`, name: known })),
        });
      if (names.includes(name)) return refusal(400, 801);
      names.push(name);
      return success({ id: `id of ${name}` });
    };
    return api;
  }

  it("is found by its exact path, whatever characters it holds", async () => {
    const path = "Team (A+B)/v1.0 [x]^$/{a}|b\\c*?";
    const api = projectServer([`${path} 2`, "Team", path.toLowerCase(), path]);
    expect(await clearmlOf(api).projects.findOrCreate(` ${path.replace("/", " / ")}`)).toEqual({ id: `id of ${path}`, created: false });
    expect(api.calls[0]?.json).toMatchObject({ search_hidden: true });
  });

  it("is made where it is missing", async () => {
    const api = projectServer(["Vision 2"]);
    expect(await clearmlOf(api).projects.findOrCreate("Vision", { description: "cats" })).toEqual({ id: "id of Vision", created: true });
    expect(api.calls.at(-1)?.json).toEqual({ name: "Vision", description: "cats" });
  });

  it("that somebody else makes at the same moment is taken over", async () => {
    const names: string[] = [];
    const api = projectServer(names);
    const { respond } = api;
    api.respond = (request) => {
      const answer = respond(request);
      if (request.endpoint === "projects.get_all" && names.length === 0) names.push("Vision");
      return answer;
    };
    expect(await clearmlOf(api).projects.findOrCreate("Vision")).toEqual({ id: "id of Vision", created: false });
  });

  it("whose making fails for another reason is not looked for again", async () => {
    const api = projectServer([]);
    const { respond } = api;
    api.respond = (request) => (request.endpoint === "projects.create" ? refusal(403, 21) : respond(request));
    expect(await failureOf(clearmlOf(api).projects.findOrCreate("Vision"))).toMatchObject({ status: 403, subcode: 21 });
    expect(api.calls).toHaveLength(2);
  });

  it.each(["AI", "Vision//Cats", "", "Vision/ab", Array.from({ length: 11 }, () => "abc").join("/")])(
    "cannot be called %j",
    async (name) => {
      const api = projectServer([]);
      expect(ValidationError.isInstance(await failureOf(clearmlOf(api).projects.findOrCreate(name)))).toBe(true);
      expect(api.requests).toEqual([]);
    },
  );
});

describe("a model", () => {
  it("is not published by being created, unlike at the server's own default", async () => {
    const api = new FakeApi();
    api.respond = () => success({ id: "m" });
    const { models } = clearmlOf(api);
    await models.create({ name: "net", uri: "s3://b/k" });
    await models.create({ name: "net", uri: "s3://b/k", ready: true });
    expect(api.calls.map(({ json }) => (json as { ready: boolean }).ready)).toEqual([false, true]);
  });
});

describe("a batch of events", () => {
  const point = (iter: number, metric = "loss") =>
    ({ type: "training_stats_scalar", task: "t", metric, variant: "train", iter, value: 0.5 }) as const;

  it("is cut into requests of bearable size, in order, with nothing lost", () => {
    const events = Array.from({ length: 1000 }, (_, index) => point(index));
    const batches = splitBatch(events, 10_000);
    expect(batches.flatMap((batch) => batch.events)).toEqual(events);
    for (const { lines } of batches) expect(lines.join("\n").length).toBeLessThanOrEqual(10_000);
    // Full ones: no two neighbours would fit into one request.
    for (const [index, { lines }] of batches.entries()) {
      const next = batches[index + 1];
      if (next) expect(lines.join("\n").length + 1 + (next.lines[0]?.length ?? 0)).toBeGreaterThan(10_000);
    }
  });

  it("sends an event that is too long by itself alone", () => {
    const batches = splitBatch([point(1), point(2, "x".repeat(500)), point(3)], 300);
    expect(batches.map(({ events }) => events.length)).toEqual([1, 1, 1]);
  });

  it("takes the short way past the schema only for what the schema accepts", () => {
    const field = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.constant(undefined));
    const anyEvent = fc.record(
      {
        ...{ type: fc.constantFrom("training_stats_scalar", "log", "plot"), task: field, metric: field, variant: field },
        ...{ value: field, iter: field, timestamp: field, worker: field, model_event: field, allow_locked: field, x_axis_label: field },
      },
      { requiredKeys: ["type"] },
    );
    const nearly = fc.record({
      ...{ changed: fc.constantFrom("task", "metric", "variant", "value", "iter", "timestamp", "worker", "model_event"), to: field },
    });
    const check = (event: object): boolean =>
      !isPlainPoint(event as never) || ENDPOINTS["events.add_batch"].request.safeParse(event).success;
    fc.assert(fc.property(anyEvent, check));
    fc.assert(fc.property(nearly, ({ changed, to }) => check({ ...point(1), timestamp: 5, [changed]: to })));
    expect(isPlainPoint({ ...point(1), timestamp: 5 })).toBe(true);
  });

  it("stays below what the official client would cut", () => {
    expect(MAX_BATCH_CHARACTERS).toBeLessThan(15_728_640);
  });

  it("adds up what each request was answered", async () => {
    const api = new FakeApi();
    api.respond = () => success({ added: 1, errors: 1, errors_info: { "Invalid task id": 1 } });
    const long = (iter: number) => point(iter, "m".repeat(8_000_000));
    expect(await clearmlOf(api).events.addBatch([long(1), long(2)])).toEqual({ added: 2, errors: 2, errorsInfo: { "Invalid task id": 2 } });
    expect(api.calls).toHaveLength(2);
  });

  it("is sent again after an unclear failure only when it holds no console line", async () => {
    const lost = new ConnectionError("lost", { code: "CONNECTION_FAILED", ambiguous: true });
    const line = { type: "log", task: "t", msg: "hello" } as const;
    for (const [events, requests] of [
      [[point(1), line], 1],
      [[point(1)], 2],
    ] as const) {
      const api = new FakeApi();
      api.respond = () => (api.calls.length === 1 ? Promise.reject(lost) : success({ added: 1 }));
      const outcome = clearmlOf(api)
        .events.addBatch(events)
        .catch((error: unknown) => error);
      await api.clock.advance(60_000);
      if (requests === 1) expect(await outcome).toBe(lost);
      else expect(await outcome).toMatchObject({ added: 1 });
      expect(api.calls).toHaveLength(requests);
    }
  });

  it("that is empty asks nothing of the server", async () => {
    const api = new FakeApi();
    expect(await clearmlOf(api).events.addBatch([])).toEqual({ added: 0, errors: 0, errorsInfo: {} });
    expect(api.requests).toEqual([]);
  });

  it("with a value that is not finite is not sent at all, and the event is named", async () => {
    const api = new FakeApi();
    const error = await failureOf(clearmlOf(api).events.addBatch([point(1), { ...point(2), value: Number.NaN }]));
    expect(error).toMatchObject({ issues: [{ path: "1.value" }] });
    expect(api.requests).toEqual([]);
  });
});

describe("a console", () => {
  interface Line {
    readonly timestamp: number;
    readonly msg: string;
  }
  /** Pages as the server does: beyond a time, and to the end of a page's last millisecond. */
  function logServer(lines: readonly Line[]): FakeApi {
    const api = new FakeApi();
    api.respond = ({ json }) => {
      const {
        batch_size: size,
        navigate_earlier: earlier,
        from_timestamp: from,
      } = json as { batch_size: number; navigate_earlier: boolean; from_timestamp?: number };
      const ordered = [...lines].sort((one, other) => (earlier ? other.timestamp - one.timestamp : one.timestamp - other.timestamp));
      const beyond = ordered.filter(({ timestamp }) => from === undefined || (earlier ? timestamp < from : timestamp > from));
      const lastTime = beyond[size - 1]?.timestamp;
      const page = beyond.filter(({ timestamp }, index) => index < size || timestamp === lastTime);
      return success({ events: page, returned: page.length, total: Math.min(lines.length, 10_000) });
    };
    return api;
  }
  const lines = Array.from({ length: 25 }, (_, index) => ({ timestamp: 1000 + Math.floor(index / 4), msg: String(index) }));

  it("is read to its end, oldest first, each line once though many share a millisecond", async () => {
    const read = await all(clearmlOf(logServer(lines)).events.iterateLog({ task: "t", pageSize: 3 }));
    expect(read.map(({ msg }) => msg)).toEqual(lines.map(({ msg }) => msg));
  });

  it("is read newest first, and from a time on", async () => {
    const { events } = clearmlOf(logServer(lines));
    const read = await all(events.iterateLog({ task: "t", pageSize: 5, newestFirst: true }));
    expect(read.map(({ timestamp }) => timestamp)).toEqual([...lines].reverse().map(({ timestamp }) => timestamp));
    expect(await all(events.iterateLog({ task: "t", fromTimestampMs: 1004 }))).toHaveLength(5);
  });

  it("ends at a server that answers every page with the same lines", async () => {
    const api = new FakeApi();
    api.respond = () => success({ events: lines });
    expect(await all(clearmlOf(api).events.iterateLog({ task: "t" }))).toHaveLength(25);
    expect(api.calls).toHaveLength(2);
  });
});

describe("a chart's exact values", () => {
  type Point = readonly [iter: number, y: number | null, variant: string];
  /** Pages as the server does, its habit of starting again after a page that ends at iteration 0 included. */
  function scalarServer(points: readonly Point[]): FakeApi {
    const api = new FakeApi();
    const ordered = [...points].sort((one, other) => one[0] - other[0]);
    api.respond = ({ json }) => {
      const { batch_size: size, scroll_id: scroll } = json as { batch_size: number; scroll_id?: string };
      const start = Number(scroll ?? 0);
      const page = ordered.slice(start, start + size);
      const variants: Record<string, { iter: number[]; y: (number | null)[] }> = {};
      for (const [iter, y, variant] of page) {
        const line = (variants[variant] ??= { iter: [], y: [] });
        line.iter.push(iter);
        line.y.push(y);
      }
      const next = page.at(-1)?.[0] === 0 ? 0 : start + page.length;
      return success({ variants, total: points.length, returned: page.length, scroll_id: String(next) });
    };
    return api;
  }
  const points: readonly Point[] = Array.from({ length: 23 }, (_, index) => [index + 1, index / 2, index % 2 ? "train" : "val"] as const);

  it("are read to their end", async () => {
    const read = await all(clearmlOf(scalarServer(points)).events.iterateScalars({ task: "t", metric: "loss", pageSize: 5 }));
    expect(read).toEqual(points.map(([iteration, value, variant]) => ({ iteration, value, variant })));
  });

  it("are read once when the only page ends at iteration 0", async () => {
    const api = scalarServer([[0, 1, "train"]]);
    expect(await all(clearmlOf(api).events.iterateScalars({ task: "t", metric: "loss" }))).toHaveLength(1);
    expect(api.calls).toHaveLength(1);
  });

  it("keep a point that was stored without a value", async () => {
    const [point] = await all(clearmlOf(scalarServer([[3, null, "train"]])).events.iterateScalars({ task: "t", metric: "loss" }));
    expect(point).toEqual({ iteration: 3, value: null, variant: "train" });
  });

  it("are never cut short in silence when the server starts again in the middle", async () => {
    const trapped: readonly Point[] = [
      [-1, 1, "train"],
      [0, 1, "train"],
      [1, 1, "train"],
    ];
    const api = scalarServer(trapped);
    const error = await failureOf(all(clearmlOf(api).events.iterateScalars({ task: "t", metric: "loss", pageSize: 2 })));
    expect(String(error)).toContain("started again after 2 of 3 points");
    expect(await all(clearmlOf(api).events.iterateScalars({ task: "t", metric: "loss", pageSize: 10 }))).toHaveLength(3);
  });
});

describe("every endpoint of the table", () => {
  /** A value for each field that some request requires. */
  const REQUIRED = {
    ...{ task: "t", model: "m", project: "p", name: "abc", type: "training", uri: "s3://b/k", tasks: ["t"], ids: ["t"] },
    ...{ metric: { metric: "m" }, event_type: "log", requirements: {} },
    ...{ hyperparams: [], configuration: [], artifacts: [], models: [], metadata: [], metrics: [], keys: [] },
    ...{ queue: "q", worker: "w", timestamp: 1 },
  };
  /** Of the fields of a request those that it cannot do without. */
  function requiredFields(endpoint: EndpointName, values: Record<string, unknown>): Record<string, unknown> {
    const issues = ENDPOINTS[endpoint].request.safeParse({}).error?.issues ?? [];
    const fields = issues.map(({ path }) => String(path[0]));
    return Object.fromEntries(
      fields.map((field) => [field, endpoint === "tasks.add_or_update_model" && field === "type" ? "input" : values[field]]),
    );
  }

  it("can be called by a method of its name", async () => {
    const api = new FakeApi();
    const asked = new Set<string>();
    api.respond = ({ endpoint }) => {
      asked.add(endpoint);
      return refusal(400, 0);
    };
    const clearml = clearmlOf(api);
    const point = { type: "training_stats_scalar", task: "t", metric: "m", variant: "v", iter: 1, value: 1 };
    const values: Record<string, unknown> = REQUIRED;
    const { auth, tasks, models, projects, events, queues, workers, server } = clearml;
    const services = { tasks, models, projects, events, queues, workers };
    for (const [service, methods] of Object.entries(services)) {
      for (const method of Object.getOwnPropertyNames(Object.getPrototypeOf(methods))) {
        if (["constructor", "getAll", "find", "findOrCreate", "iterateLog", "iterateEvents", "iterateScalars"].includes(method)) continue;
        const action = method === "getPage" ? "get_all" : method.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
        const endpoint = `${service}.${action}` as EndpointName;
        const request = endpoint.startsWith("events.add") ? point : requiredFields(endpoint, values);
        const call = (methods as unknown as Record<string, (request: unknown) => Promise<unknown>>)[method];
        await failureOf(call?.call(methods, ENDPOINTS[endpoint].kind === "batch" ? [request] : request) ?? Promise.resolve());
        expect([...asked], `${service}.${method}`).toContain(endpoint);
      }
    }
    for (const call of [auth.logout(), auth.getCurrentUser(), server.info(), server.ping(), workers.getAll()]) await failureOf(call);
    expect([...asked].sort()).toEqual(
      Object.keys(ENDPOINTS)
        .filter((name) => name !== "auth.login")
        .sort(),
    );
  });

  it("and a login can be had afresh", async () => {
    const api = new FakeApi();
    const { auth } = clearmlOf(api);
    expect(await auth.login()).not.toBe(await auth.login());
  });
});
