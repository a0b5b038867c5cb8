/** The examples, as a reader starts them. They check their own results; here they are run, and none is forgotten. */
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const examples = fileURLToPath(new URL("../../examples/", import.meta.url));
/** What each says last when all is well. */
const LAST_WORDS: Readonly<Record<string, RegExp>> = {
  "backend-metrics": /^Everything was read as it was reported\.$/,
  "custom-dialect": /^the backend heard 4 events in its own words, and its "halt" ended the training after epoch 2$/,
  "custom-plots": /^12 plots and 3 images arrived, as they were reported\.$/,
  "express-receiver": /^the backend has three points, each once, though \d+ reports came; and the trainer stopped when it was asked to$/,
  "model-lineage": /^The story is whole\.$/,
  "offline-then-sync": /^Two jobs that no server saw are there, completed, each line and point once\.$/,
  quickstart: /^y = 2\.9\d x \+ 0\.5\d: the task is completed, with three charts and the model\.$/,
  "resume-after-crash": /^Killed in epoch 4 and started again: one task, ten epochs, each once, and the last checkpoint\.$/,
};
/** With tests of their own: demo.test.ts, test/package/consumers/image.test.ts, test/interop/temporal/example.test.ts. */
const ELSEWHERE = ["mnist", "docker", "temporal-worker"];

/** Runs an example with no ClearML in its environment, so that it starts a server of its own. */
function run(example: string): Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:CLEARML|TRAINS|TRAINER)_/.test(name)));
  return new Promise((resolve) => {
    execFile(process.execPath, [path.join(examples, example, "run.ts")], { env, timeout: 110_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal), stdout, stderr });
    });
  });
}

it.each(Object.entries(LAST_WORDS))(
  "examples/%s finds what it was to show",
  async (example, lastWords) => {
    const { code, stdout, stderr } = await run(example);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(lastWords);
  },
  120_000,
);

it("has a test and a few words for each folder of the examples", async () => {
  const folders = (await readdir(examples, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(folders.sort()).toEqual([...Object.keys(LAST_WORDS), ...ELSEWHERE].sort());
  const index = await readFile(path.join(examples, "README.md"), "utf8");
  for (const folder of folders) {
    expect(await readFile(path.join(examples, folder, "README.md"), "utf8"), folder).toMatch(/^# /);
    expect(index).toContain(`(${folder}/README.md)`);
  }
});
