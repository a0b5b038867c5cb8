import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import * as client from "../../../src/clearml/index.js";
import { readNameTables } from "../../support/name-table.js";

const CLASSES: Readonly<Record<string, { readonly prototype: object }>> = {
  task: client.Task,
  logger: client.Logger,
  model: client.Model,
  inputModel: client.InputModel,
  outputModel: client.OutputModel,
  dataset: client.Dataset,
  project: client.Project,
  queue: client.Queue,
};

/** Names of values and types alike: a type leaves nothing to look at when the program runs. */
const exported = new Set(
  (
    await Promise.all(["clearml/index.ts", "index.ts"].map((file) => readFile(new URL(`../../../src/${file}`, import.meta.url), "utf8")))
  ).flatMap((text) => text.match(/\w+/g) ?? []),
);
const someClient = client.createClearML({ apiHost: "http://127.0.0.1:9", accessKey: "k", secretKey: "s" }, {});

function exists(name: string): boolean {
  const [owner = "", ...members] = name.split(".");
  if (members.length === 0) return exported.has(owner);
  if (owner === "clearml") return members.reduce<any>((at, member) => at?.[member], someClient) !== undefined;
  const [member = ""] = members;
  const instances = CLASSES[owner];
  return instances ? member in instances.prototype : member in ((client as Record<string, any>)[owner] ?? {});
}

describe("the guide for those who come from Python", () => {
  it("names nothing of ours that is not there", async () => {
    const rows = [...(await readNameTables()).values()].flat();
    expect(rows.length).toBeGreaterThan(100);
    expect(rows.flatMap(({ ours }) => ours).filter((name) => !exists(name))).toEqual([]);
  });

  it("says why something is left out", async () => {
    const silent = [...(await readNameTables()).values()].flat().filter(({ ours, remark }) => ours.length === 0 && remark === "");
    expect(silent).toEqual([]);
  });
});
