import { describe, expect, it } from "vitest";
import { ConfigError, ConnectionError, ValidationError } from "../../../../src/base/errors.js";
import { failureOutcome } from "../../../../src/sinks/clearml/delivery-failure.js";
import { noAnswer, refusal } from "./scripted-port.js";

const live = new AbortController().signal;
const word = (error: unknown, carried: "events" | "single"): string => {
  const outcome = failureOutcome(error, carried, live);
  if (outcome.status === "retry") return outcome.cause;
  return outcome.status === "undecided" ? `undecided ${outcome.final ? "final" : "passing"}` : outcome.status;
};

describe("what a failed call means", () => {
  it.each([
    ["no answer", noAnswer(), "unreachable", "unreachable"],
    ["too slow", new ConnectionError("slow", { code: "TIMEOUT", ambiguous: true }), "unreachable", "unreachable"],
    ["408", refusal(408), "unreachable", "unreachable"],
    ["429", refusal(429), "unreachable", "unreachable"],
    ["502", refusal(502), "unreachable", "unreachable"],
    ["503", refusal(503), "unreachable", "unreachable"],
    ["504", refusal(504), "unreachable", "unreachable"],
    ["509", refusal(509), "unreachable", "unreachable"],
    ["500/4, no disk", refusal(500, 4), "unreachable", "unreachable"],
    ["500/102, no database", refusal(500, 102), "unreachable", "unreachable"],
    ["401 after a refresh", refusal(401, 22), "answered", "answered"],
    ["403", refusal(403, 21), "answered", "answered"],
    ["404 of a proxy", refusal(404), "answered", "answered"],
    ["a redirect", refusal(302), "answered", "answered"],
    ["garbage with 200", refusal(200), "answered", "answered"],
    ["500/0", refusal(500, 0), "answered", "answered"],
    ["500 as plain text", refusal(500), "answered", "answered"],
    ["a lost race for the status", refusal(400, 121), "answered", "answered"],
    ["a fault of ours", new TypeError("x is not a function"), "answered", "answered"],
    ["500/100, one bad event", refusal(500, 100), "undecided final", "answered"],
    ["400/131, nothing added", refusal(400, 131), "undecided final", "rejected"],
    ["400/12", refusal(400, 12), "undecided final", "rejected"],
    ["400/101", refusal(400, 101), "undecided final", "rejected"],
    ["413", refusal(413), "undecided final", "rejected"],
    ["a request against its schema", new ValidationError("bad", []), "undecided final", "rejected"],
    ["a setting that is wrong", new ConfigError("bad", []), "undecided final", "rejected"],
  ])("%s", (_name, error, events, single) => {
    expect([word(error, "events"), word(error, "single")]).toEqual([events, single]);
  });

  it("hands the server's own wish on", () => {
    expect(failureOutcome(refusal(429, undefined, 7_000), "events", live)).toMatchObject({ retryAfterMs: 7_000 });
    expect(failureOutcome(refusal(503), "events", live)).not.toHaveProperty("retryAfterMs");
  });

  it("refuses nothing once the outbox is closing, whatever was thrown", () => {
    const aborted = AbortSignal.abort();
    for (const error of [new ValidationError("closed", []), refusal(400, 12), "a reason of any kind"]) {
      expect(failureOutcome(error, "single", aborted)).toMatchObject({ status: "retry", cause: "unreachable" });
    }
  });
});
