import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import { TokenKeeper } from "../../../src/clearml/token-keeper.js";
import { FakeClock } from "../../support/fake-clock.js";
import { failureOf } from "./fake-api.js";

it("leaves no listener on a signal, whether the login succeeded, failed or was given up", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const logins = [() => Promise.resolve("one"), () => Promise.reject(new Error("no")), () => new Promise<string>(() => undefined)];
  const keeper = new TokenKeeper({ login: () => logins.shift()?.() ?? Promise.resolve("more"), token: undefined, clock: new FakeClock() });
  expect(await keeper.token(signal)).toBe("one");
  expect(await keeper.token(signal)).toBe("one");
  await failureOf(keeper.token(signal, "one"));
  expect(getEventListeners(signal, "abort")).toEqual([]);
  const waiting = failureOf(keeper.token(signal, "one"));
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  controller.abort("enough");
  expect(await waiting).toBe("enough");
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

it("takes a token that cannot be read for good until it is refused", async () => {
  const clock = new FakeClock();
  const keeper = new TokenKeeper({ login: (previous) => Promise.resolve(`after ${previous ?? ""}`), token: "opaque", clock });
  await clock.advance(1e12);
  expect(await keeper.token()).toBe("opaque");
  expect(keeper.payload).toBeUndefined();
  expect(await keeper.token(undefined, "opaque")).toBe("after opaque");
});
