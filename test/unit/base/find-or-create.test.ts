import { describe, expect, it } from "vitest";
import { findOrCreate, oldest, type Candidate } from "../../../src/base/find-or-create.js";
import { noAnswer } from "../sinks/clearml/scripted-port.js";

/** A server that hands out ids and times; `searches` lets a test decide what a search sees. */
function aServer() {
  const things: { id: string; created: string }[] = [];
  let made = 0;
  return {
    things,
    make(): string {
      const id = `id-${String(made)}`;
      things.push({ id, created: new Date(Date.UTC(2026, 0, 1) + made++ * 1000).toISOString() });
      return id;
    },
  };
}

function steps(server: ReturnType<typeof aServer>, overrides: Partial<Parameters<typeof findOrCreate<Candidate>>[0]> = {}) {
  return {
    search: async () => [...server.things],
    create: async () => server.make(),
    remove: async (id: string) =>
      void server.things.splice(
        server.things.findIndex((thing) => thing.id === id),
        1,
      ),
    onNotRemoved: () => {},
    ...overrides,
  };
}

describe("find or create", () => {
  it("makes one when there is none, and finds it afterwards", async () => {
    const server = aServer();
    expect(await findOrCreate(steps(server))).toMatchObject({ found: { id: "id-0" }, created: true });
    expect(await findOrCreate(steps(server))).toMatchObject({ found: { id: "id-0" }, created: false });
    expect(server.things).toHaveLength(1);
  });

  it("finds what an earlier call made although its answer was lost", async () => {
    const server = aServer();
    const lost = steps(server, {
      create: async () => {
        server.make();
        throw noAnswer();
      },
    });
    await expect(findOrCreate(lost)).rejects.toThrow("no answer");
    expect(await findOrCreate(steps(server))).toMatchObject({ found: { id: "id-0" }, created: false });
    expect(server.things).toHaveLength(1);
  });

  it("keeps the older of two that were made at the same time, whoever looks", async () => {
    const server = aServer();
    const bothSearched = Promise.withResolvers<undefined>();
    let searches = 0;
    const racer = () =>
      steps(server, {
        search: async () => {
          const seen = [...server.things];
          if (++searches === 2) bothSearched.resolve(undefined);
          if (searches <= 2) await bothSearched.promise;
          return searches <= 2 ? seen : [...server.things];
        },
      });
    const [first, second] = await Promise.all([findOrCreate(racer()), findOrCreate(racer())]);
    expect([first.found.id, second.found.id]).toEqual(["id-0", "id-0"]);
    expect(server.things.map(({ id }) => id)).toEqual(["id-0"]);
  });

  it("says so when its own extra cannot be removed, and keeps the older one all the same", async () => {
    const server = aServer();
    const notRemoved: string[] = [];
    let first = true;
    const outcome = await findOrCreate(
      steps(server, {
        search: async () => {
          if (!first) return [...server.things];
          first = false;
          server.make();
          return [];
        },
        remove: async () => {
          throw noAnswer();
        },
        onNotRemoved: (id) => {
          notRemoved.push(id);
        },
      }),
    );
    expect(outcome).toMatchObject({ found: { id: "id-0" }, created: false });
    expect(notRemoved).toEqual(["id-1"]);
  });

  it("keeps what it made although the second search does not show it yet", async () => {
    const server = aServer();
    const outcome = await findOrCreate(steps(server, { search: async () => [] }));
    expect(outcome).toEqual({ found: { id: "id-0" }, created: true });
    expect(server.things).toHaveLength(1);
  });

  it("orders by time of creation whatever its spelling, then by id", () => {
    const whole = { id: "b", created: "2026-01-01T00:00:01+00:00" };
    const fraction = { id: "a", created: "2026-01-01T00:00:01.500000+00:00" };
    const unknown = { id: "0", created: null };
    expect(oldest([unknown, fraction, whole])).toBe(whole);
    expect(oldest([unknown, { id: "1" }])).toBe(unknown);
    expect(oldest<Candidate>([])).toBeUndefined();
  });
});
