/** The stand-in for Python, as a manager starts it: `python train.py --log-level INFO`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, it } from "vitest";
import { runShim } from "../../../src/cli/shim-command.js";

let folder: string;
const said: string[] = [];
const terminal = {
  out: (text: string) => said.push(text),
  error: (text: string) => said.push(text),
  stop: new AbortController().signal,
  interactive: false,
  columns: 80,
};

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "shim-"));
  said.length = 0;
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A trainer that says what it was started with, ends with the code that it is told, or waits for SIGTERM. */
const TRAINER = `
if (process.env.END === undefined) process.once("SIGTERM", () => process.exit(7));
console.log(JSON.stringify({ pid: process.pid, args: process.argv.slice(2) }));
if (process.env.END === undefined) {
  setTimeout(() => process.exit(99), 60_000);
} else process.exit(Number(process.env.END));
`;

function start(end?: number) {
  const child = spawn("python", ["train.py", "--log-level", "INFO"], {
    cwd: folder,
    env: {
      PATH: [path.join(folder, "bin"), path.dirname(process.execPath), "/usr/bin", "/bin"].join(path.delimiter),
      ...(end === undefined ? {} : { END: String(end) }),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const firstLine = async (): Promise<{ pid: number; args: string[] }> =>
    JSON.parse(String((await lines.next()).value)) as { pid: number; args: string[] };
  return { child, ended, firstLine };
}

async function withShim(): Promise<void> {
  await writeFile(path.join(folder, "trainer.mjs"), TRAINER);
  const options = { as: "train.py", out: folder, python: path.join(folder, "bin") };
  expect(await runShim("trainer.mjs", options, terminal)).toBe(0);
}

it.each([0, 1, 2])("ends with the trainer's own exit code %i", async (code) => {
  await withShim();
  expect(await start(code).ended).toEqual([code, null]);
});

it("is the trainer itself: the same process, its arguments, and its signals", async () => {
  await withShim();
  const { child, ended, firstLine } = start();
  expect(await firstLine()).toEqual({ pid: child.pid, args: ["--log-level", "INFO"] });
  child.kill("SIGTERM");
  expect(await ended).toEqual([7, null]);
});

it("says so when it is given a script that it did not write", async () => {
  await withShim();
  await writeFile(path.join(folder, "train.py"), "print('hello')\n");
  expect(await start(0).ended).toEqual([127, null]);
});

it("writes nothing for a program that is not there, or is a folder, and says which", async () => {
  const options = { as: "train.py", out: folder, python: path.join(folder, "bin"), force: true };
  expect(await runShim("dist/nowhere.js", options, terminal)).toBe(2);
  expect(said.join("")).toContain(`${path.join(folder, "dist", "nowhere.js")} cannot be started: `);
  expect(said.join("")).toContain("ENOENT");
  await mkdir(path.join(folder, "dist"));
  expect(await runShim("dist", options, terminal)).toBe(2);
  expect(said.join("")).toContain(`${path.join(folder, "dist")} is no file`);
  expect(await readdir(folder)).toEqual(["dist"]);
});

it("looks for the program from where the script goes, as the script will", async () => {
  await mkdir(path.join(folder, "app", "jobs"), { recursive: true });
  await writeFile(path.join(folder, "app", "trainer.mjs"), TRAINER);
  expect(await runShim("../trainer.mjs", { as: "jobs/train.py", out: path.join(folder, "app") }, terminal)).toBe(0);
  expect(await runShim("trainer.mjs", { as: "jobs/export.py", out: path.join(folder, "app") }, terminal)).toBe(2);
});

it("writes over nothing unless it is told to", async () => {
  await writeFile(path.join(folder, "trainer.mjs"), TRAINER);
  await writeFile(path.join(folder, "train.py"), "mine");
  expect(await runShim("trainer.mjs", { as: "train.py", out: folder }, terminal)).toBe(1);
  expect(await readFile(path.join(folder, "train.py"), "utf8")).toBe("mine");
  expect(said.join("")).toContain("--force");
  expect(await runShim("trainer.mjs", { as: "train.py", out: folder, force: true }, terminal)).toBe(0);
  expect(await readFile(path.join(folder, "train.py"), "utf8")).toContain('ENTRY = "trainer.mjs"');
});

it("refuses an entry that would mean something else in the script", async () => {
  expect(await runShim('a"; import os', { as: "train.py", out: folder }, terminal)).toBe(2);
});
