import { describe, expect, it } from "vitest";
import { parseOutline, parseRecord, recordJson, requeueJson, toRecord } from "../../../src/outbox/journal-entry.js";
import { aDraft, aRecord } from "../../support/records.js";

const tricky = aRecord(7, {
  fact: { kind: "log", level: "info", message: '","f":{"k":"z"}} \n "f": \\' },
  traits: { shed: "console", attachment: { path: '/a,"f":b', pinned: true, sizeBytes: 3, replaceKey: ',"f":' } },
});

describe("a record's line", () => {
  it("gives the record back, whatever its texts hold", () => {
    expect(parseRecord(Buffer.from(recordJson(tricky)), tricky.runId)).toEqual(tricky);
    expect(parseRecord(Buffer.from(requeueJson(tricky, ["clearml"])), tricky.runId)).toEqual(tricky);
  });

  it("gives its outline without the fact, whatever its texts hold", () => {
    const outline = { s: 7, t: tricky.createdAtMs, a: tricky.traits };
    expect(parseOutline(Buffer.from(recordJson(tricky)))).toEqual({ k: "r", ...outline });
    expect(parseOutline(Buffer.from(requeueJson(tricky, ['a"f"'])))).toEqual({ k: "q", n: ['a"f"'], ...outline });
  });

  it("is refused when the fact has no JSON form", () => {
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    for (const fact of [cyclic, { value: 1n }, undefined])
      expect(() => recordJson({ ...aRecord(1), fact: fact as never })).toThrow(TypeError);
  });

  it("is nothing when it is of no known kind", () => {
    for (const text of ["", "7", "null", "{}", '{"k":"?"}', '{"k":"r","s":1']) expect(parseOutline(Buffer.from(text))).toBeUndefined();
  });

  it("names the record by run and sequence", () => {
    expect(toRecord("run", 3, 5, {}, aDraft().fact).id).toBe("run-3");
  });
});
