import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { describeApi } from "../../../scripts/describe-api.js";

let folder: string;
beforeEach(async () => {
  folder = path.join(await mkdtemp(path.join(tmpdir(), "describe-api-")), "dist");
  await mkdir(folder);
});
afterEach(() => rm(path.dirname(folder), { recursive: true, force: true }));

/** Reports on declarations as the bundler leaves them: entries that re-export from chunks under short names. */
async function report(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
  const entries = Object.keys(files).filter((name) => !name.startsWith("chunk"));
  return describeApi(entries.map((name) => ({ name: path.basename(name, ".d.ts"), types: path.join(folder, name) })));
}

const CHUNK = `
/** How far. */
interface Hidden { readonly percent?: number; }
interface Unused { readonly nothing: true; }
/** Speaks. @experimental */
declare class Speaker { #private; private secret; say(words: string): Hidden; }
interface Options { readonly loud: boolean; }
export { type Options as O, Speaker as S };
`;

it("tells each exported name with its type, without comments and private parts, and the types that are mentioned", async () => {
  const [speech] = await report({ "chunk.d.ts": CHUNK, "speech.d.ts": `export { O as Options, S as Speaker } from "./chunk.js";` });
  expect(speech).toBe(`interface Options {
    readonly loud: boolean;
}

// @experimental
declare class Speaker {
    say(words: string): Hidden;
}

// Mentioned above, and not exported.

interface Hidden {
    readonly percent?: number;
}
`);
});

it("differs when an option of a type that nobody can import changes", async () => {
  const entry = { "speech.d.ts": `export { S as Speaker } from "./chunk.js";` };
  const [before] = await report({ "chunk.d.ts": CHUNK, ...entry });
  const [after] = await report({ "chunk.d.ts": CHUNK.replace("percent?: number", "percent: number"), ...entry });
  expect(after).not.toBe(before);
});

it("does not differ when the bundler cuts its files otherwise", async () => {
  const [before] = await report({ "chunk.d.ts": CHUNK, "speech.d.ts": `export { O as Options, S as Speaker } from "./chunk.js";` });
  const [after] = await report({ "speech.d.ts": CHUNK.replace("type Options as O, Speaker as S", "type Options, Speaker") });
  expect(after).toBe(before);
});

it("names what another entry exports instead of telling it twice", async () => {
  const [, second] = await report({
    "chunk.d.ts": CHUNK,
    "first.d.ts": `export { O as Options } from "./chunk.js";`,
    "second.d.ts": `import { O } from "./chunk.js"; declare function shout(options: O): void; export { shout };`,
  });
  expect(second).toBe(`declare function shout(options: O): void;

// Mentioned above, and exported elsewhere:
//   Options of "first"
`);
});

it("does not differ when the compiler met the members of a union in another order", async () => {
  const declaration = (union: string): string => `export declare const schema: { readonly type: Array<${union}>; };`;
  const [before] = await report({ "schema.d.ts": declaration(`"training" | "custom" | undefined`) });
  const [after] = await report({ "schema.d.ts": declaration(`undefined | "custom" | "training"`) });
  expect(after).toBe(before);
  expect(after).toContain(`Array<"custom" | "training" | undefined>`);
});

it("does not differ when the compiler meets the members of a type that it worked out in another order", async () => {
  const levels = (members: string): Record<string, string> => ({
    "levels.d.ts": `export declare const LEVELS: Map<string, { ${members} }>;`,
  });
  const [before] = await report(levels(`info: "info"; warn: "warn";`));
  const [after] = await report(levels(`warn: "warn"; info: "info";`));
  expect(after).toBe(before);
});
