import { expect, it } from "vitest";
import { HeldRecords } from "../../../src/outbox/held-records.js";
import { aRecord } from "../../support/records.js";

it("a record that is held a second time, put back in line by a person, weighs once", () => {
  const held = new HeldRecords();
  const one = { stored: { record: aRecord(1), bytes: 100 }, json: "", committed: true, done: () => undefined };
  held.add(one);
  held.add({ ...one });
  expect([held.size, held.bytes]).toEqual([1, 100]);
  held.delete(1);
  expect(held.bytes).toBe(0);
});
