import { describe, expect, it } from "vitest";
import { ChangeFeed } from "../../../src/devserver/change-feed.js";
import { FakeClock, settle } from "../../support/fake-clock.js";
import { TestClearML } from "../../support/wire-client.js";

/** Reads a stream in the background and gives what came since it was last asked. */
function follow(body: AsyncIterable<Uint8Array>): { take: () => string[]; ended: Promise<void>; iterator: AsyncIterator<Uint8Array> } {
  const iterator = body[Symbol.asyncIterator]();
  let got = "";
  const ended = (async () => {
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) got += Buffer.from(next.value).toString();
  })();
  const take = (): string[] => {
    const all = got.split("\n\n").filter((part) => part !== "");
    got = "";
    return all;
  };
  return { take, ended, iterator };
}

const changed = (task: string, kind: string): string => `event: change\ndata: {"task":"${task}","kind":"${kind}"}`;

describe("the stream of changes", () => {
  it("tells a change at once, and a burst of one kind four times a second at most", async () => {
    const clock = new FakeClock();
    const feed = new ChangeFeed(clock);
    const stream = follow(feed.stream().body as AsyncIterable<Uint8Array>);
    await settle();
    stream.take();
    for (let at = 0; at < 100; at += 1) feed.changed("t1", "scalar");
    feed.changed("t1", "log");
    feed.changed("t2", "scalar");
    await settle();
    expect(stream.take()).toEqual([changed("t1", "scalar"), changed("t1", "log"), changed("t2", "scalar")]);
    await clock.advance(250);
    expect(stream.take()).toEqual([changed("t1", "scalar")]);
    await clock.advance(1000);
    expect(stream.take()).toEqual([]);
    feed.changed("t1", "scalar");
    await settle();
    expect(stream.take()).toEqual([changed("t1", "scalar")]);
    feed.close();
    await stream.ended;
  });

  it("shows every fifteen seconds that it lives", async () => {
    const clock = new FakeClock();
    const feed = new ChangeFeed(clock);
    const stream = follow(feed.stream().body as AsyncIterable<Uint8Array>);
    await settle();
    stream.take();
    await clock.advance(30_000);
    expect(stream.take()).toEqual([": alive", ": alive"]);
    feed.close();
    await stream.ended;
    await settle();
    expect(clock.sleeping).toBe(0);
  });

  it("follows what is done over the API", async () => {
    const clearml = new TestClearML();
    const { body } = await clearml.server.web({
      method: "GET",
      url: new URL("http://127.0.0.1:8080/live"),
      headers: {},
      body: (async function* () {})(),
    });
    const stream = follow(body as AsyncIterable<Uint8Array>);
    await settle();
    stream.take();
    const task = await clearml.task();
    await clearml.batch([
      { type: "training_stats_scalar", task, iter: 1, metric: "m", variant: "v", value: 1 },
      { type: "log", task, msg: "x" },
    ]);
    await settle();
    expect(stream.take()).toEqual([changed(task, "task"), changed(task, "scalar"), changed(task, "log")]);
    await clearml.server.close();
    await stream.ended;
  });
});
