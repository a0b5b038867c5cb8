/** The bar of a download as a person sees it: in a process with a terminal of its own, and in one without. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { aDownloadBench } from "../../../support/download-bench.js";
import { bytes } from "../../../support/download-world.js";

const bench = aDownloadBench();
const CHILD = fileURLToPath(new URL("downloading-child.ts", import.meta.url));
const RESOLVER = new URL("../../../support/resolve-typescript.js", import.meta.url).href;

/** All that a process says until its download is done. `script` gives it a terminal. */
async function saidBy(hasTerminal: boolean): Promise<{ readonly out: string; readonly error: string }> {
  const { world } = bench;
  const node = [process.execPath, "--no-warnings", "--import", RESOLVER, CHILD, JSON.stringify({ uri: world.uriOf("set") })];
  const quoted = node.map((word) => `'${word}'`).join(" ");
  const [program = "", ...parameters] = hasTerminal ? ["script", "--quiet", "--return", "--command", `exec ${quoted}`, "/dev/null"] : node;
  const child = spawn(program, parameters, { env: { PATH: process.env["PATH"], ...world.env }, stdio: ["pipe", "pipe", "pipe"] });
  let [out, error] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (error += text));
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
  try {
    await expect.poll(() => out, { timeout: 30_000 }).toContain("done ");
  } finally {
    child.stdin.end();
    child.kill("SIGTERM");
    await gone;
  }
  return { out, error };
}

it("is drawn where there is a terminal, to the last byte", async () => {
  await bench.world.put("set/a.bin", bytes(300_000));
  await bench.world.put("set/b.bin", bytes(100_000));
  const { out } = await saidBy(true);
  expect(out).toContain("\r\u001b[2K");
  expect(out).toMatch(/█{24} 400\.0 kB of 400\.0 kB .*2\/2 files/);
});

it("is silent where there is none", async () => {
  await bench.world.put("set/a.bin", bytes(300_000));
  const { out, error } = await saidBy(false);
  expect(error).toBe("");
  expect(out).not.toContain("█");
});
