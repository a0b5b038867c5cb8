import { expect, it } from "vitest";
import { parentOf } from "../../../src/migrate/inventory.js";

it("files a run under its parent, and under none that is not there or leads back to it", () => {
  const parents = { child: "parent", parent: undefined, orphan: "elsewhere", left: "right", right: "left", below: "left", self: "self" };
  const runs = new Map(Object.entries(parents).map(([id, parentRunId]) => [id, { parentRunId }]));
  const found = Object.fromEntries([...runs.keys()].map((id) => [id, parentOf(id, runs)]));
  expect(found).toEqual({
    child: "parent",
    parent: undefined,
    orphan: undefined,
    left: undefined,
    right: undefined,
    below: undefined,
    self: undefined,
  });
});
