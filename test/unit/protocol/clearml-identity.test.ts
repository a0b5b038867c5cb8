import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapeKey, eventId, metricHash, unescapeKey } from "../../../src/protocol/clearml/identity.js";

const md5 = (text: string): string => createHash("md5").update(text, "utf8").digest("hex");

describe("an event's id", () => {
  it("joins task, iteration, metric, variant and key in this order", () => {
    expect(eventId({ key: "k", variant: "v", metric: "m", iter: 3, task: "t" })).toBe(md5("t-3-m-v-k"));
  });

  it("leaves out what the event does not have, but not what is empty or zero", () => {
    expect(eventId({ task: "t", metric: "m", variant: "v" })).toBe(md5("t-m-v"));
    expect(eventId({ task: "t", iter: 0, metric: "", variant: "v" })).toBe(md5("t-0--v"));
  });

  it("is the same for two points that differ in value and time alone", () => {
    const point = { task: "t", iter: 1, metric: "loss", variant: "train" };
    expect(eventId({ ...point, ...{ value: 1, timestamp: 1 } })).toBe(eventId({ ...point, ...{ value: 2, timestamp: 2 } }));
  });
});

describe("keys", () => {
  it.each([
    ["lr", "lr"],
    ["lr.max", "lr%2Emax"],
    ["$cost", "%24cost"],
    ["50%", "50%%"],
    ["a__b", "a%_%_b"],
    ["_private", "%_private"],
    ["__dunder__", "%_%_dunder%_%_"],
    ["  lr ", "lr"],
  ])("escapes %j as %j", (name, key) => {
    expect(escapeKey(name)).toBe(key);
  });

  it("come back as they were, whatever they hold", () => {
    const names = fc.string({ unit: fc.constantFrom("%", ".", "$", "_", "2", "E", "4", "a", "é") });
    fc.assert(fc.property(names, (name) => unescapeKey(escapeKey(name)) === name.trim()));
  });

  it("never hold a dot or a dollar, which the server's database would take for its own", () => {
    fc.assert(fc.property(fc.string(), (name) => !/[.$]/.test(escapeKey(name))));
  });
});

it("hashes the UTF-8 of a metric's name", () => {
  expect(metricHash("Genauigkeit für Ä")).toBe(md5("Genauigkeit für Ä"));
});
