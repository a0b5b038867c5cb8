/** What the papers beside the code promise: changelog, versions, manifest. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { changelogProblems, type ReleaseFacts } from "../../../scripts/release-problems.js";

const root = path.resolve(import.meta.dirname, "../../..");
const read = (file: string): Promise<string> => readFile(path.join(root, file), "utf8");
const manifest = JSON.parse(await read("package.json")) as ReleaseFacts["manifest"] & { readonly engines: { readonly node: string } };

it("has a changelog of the form that it names, with every version above the older ones", async () => {
  expect(changelogProblems(await read("CHANGELOG.md"))).toEqual([]);
});

it("is published with provenance and for everybody", () => {
  expect(manifest).toMatchObject({ publishConfig: { access: "public", provenance: true } });
  expect(manifest.private).toBeUndefined();
});

it("names the least Node of the manifest in its version policy and its README", async () => {
  const least = manifest.engines.node.replace(">=", "");
  expect(await read("VERSIONING.md")).toContain(`(${least})`);
  expect(await read("README.md")).toContain(`Node >= ${least}`);
});
