/** The examples, as a reader starts them. They check their own results. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

/** Runs an example with no ClearML in its environment, so that it starts a server of its own. */
function run(example: string): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const program = fileURLToPath(new URL(`../../../examples/${example}/main.ts`, import.meta.url));
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:CLEARML|TRAINS)_/.test(name)));
  return new Promise((resolve) => {
    execFile(process.execPath, [program], { env, timeout: 50_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });
}

it.each([
  ["backend-metrics", "Everything was read as it was reported."],
  ["model-lineage", "The story is whole."],
])("%s finds what it reported", async (example, lastLine) => {
  const { code, stdout, stderr } = await run(example);
  expect(stderr).toBe("");
  expect(stdout.trimEnd().split("\n").at(-1)).toBe(lastLine);
  expect(code).toBe(0);
});
