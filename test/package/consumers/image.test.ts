/**
 * The image of examples/docker, without Docker: its instructions are carried out in order, each stage in a folder that stands
 * for its root, with the packed archive; then the entry point runs, is asked to go, and a second container goes on.
 * What changes the system below (apt-get) is carried out in CI, whose machine is there for that; elsewhere node is its own init.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { createClearML } from "trainer-sdk/clearml";
import { startDevServer } from "trainer-sdk/devserver";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { execute, pack, projectRoot, temporaryFolder } from "./archive.js";
import { readDockerfile, valueOf, type Stage } from "./dockerfile.js";

const context = path.join(projectRoot, "examples/docker");
const stages = readDockerfile(await readFile(path.join(context, "Dockerfile"), "utf8"));
const image = stages.at(-1)!;
const SYSTEM = /^apt-get /;
const mayChangeSystem = process.env["CI"] === "true" && process.getuid?.() === 0;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let server: Awaited<ReturnType<typeof startDevServer>>;
let root: string;

/** Carries out a stage's instructions; answers the folder that stands for `/`. */
async function build(
  stage: Stage,
  into: string,
  args: Readonly<Record<string, string>>,
  earlier: ReadonlyMap<string, string>,
): Promise<string> {
  let workdir = into;
  await mkdir(into, { recursive: true });
  const at = (target: string): string => (target.startsWith("/") ? path.join(into, target) : path.join(workdir, target));
  for (const { name, value } of stage.instructions) {
    if (name === "WORKDIR") {
      workdir = at(value);
      await mkdir(workdir, { recursive: true });
    } else if (name === "COPY") {
      const words = value.split(/\s+/);
      const from = words[0]?.startsWith("--from=") ? earlier.get(words.shift()!.slice("--from=".length)) : context;
      const target = at(words.pop()!);
      for (const source of words)
        await cp(path.join(from!, source), words.length > 1 ? path.join(target, path.basename(source)) : target, {
          recursive: true,
          verbatimSymlinks: true,
        });
    } else if (name === "RUN" && (mayChangeSystem || !SYSTEM.test(value))) {
      const command = Object.entries(args).reduce((text, [key, given]) => text.replaceAll(`\${${key}}`, given), value);
      const { code, stdout, stderr } = await execute("sh", ["-c", command], workdir);
      expect(code, `${command}\n${stdout}${stderr}`).toBe(0);
    }
  }
  return into;
}

/** A container's life: from its entry point to its end. `onLine` may ask it to go. */
async function live(env: Readonly<Record<string, string>>, onLine: (line: string, stop: () => void) => void = () => undefined) {
  const [init, separator, program, ...parameters] = JSON.parse(valueOf(image, "ENTRYPOINT")!) as string[];
  expect([init, separator, program]).toEqual(["tini", "--", "node"]);
  const own = Object.fromEntries(
    image.instructions
      .filter(({ name }) => name === "ENV")
      .map(({ value }) => value.split("="))
      .map(([name = "", value = ""]) => [name, value.startsWith("/") ? path.join(root, value) : value]),
  );
  const [command, before] = mayChangeSystem ? [init!, [separator!, process.execPath]] : [process.execPath, []];
  const child = spawn(command, [...before, ...parameters], {
    cwd: path.join(root, valueOf(image, "WORKDIR")!),
    env: { PATH: process.env["PATH"], ...own, ...server.env, CHECKPOINT_URI: "clearml", JOB_ID: "7", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 120_000,
    killSignal: "SIGKILL",
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      onLine(line, () => child.kill(valueOf(image, "STOPSIGNAL") as NodeJS.Signals));
    });
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { end: signal ?? code, lines };
}

beforeAll(async () => {
  folder = await temporaryFolder();
  server = await startDevServer();
  const { archive } = await pack(folder.path);
  const built = new Map<string, string>();
  for (const [at, stage] of stages.entries()) {
    root = await build(stage, path.join(folder.path, `stage-${String(at)}`), { TRAINER_SDK: archive }, built);
    if (stage.name !== undefined) built.set(stage.name, root);
  }
});
afterAll(async () => {
  await server.close();
  await folder.remove();
});

describe("the image of a trainer", () => {
  it("leaves npm's stage behind, runs as no root, keeps its journal in a volume, and takes signals without a shell between", async () => {
    expect(stages.length).toBeGreaterThan(1);
    expect(valueOf(image, "USER")).toBe("node");
    expect(valueOf(image, "STOPSIGNAL")).toBe("SIGTERM");
    expect(valueOf(image, "VOLUME")).toBe("/app/journal");
    expect(image.instructions.find(({ name, value }) => name === "RUN" && SYSTEM.test(value))?.value).toContain("tini");
    expect((await stat(path.join(root, "app/journal"))).isDirectory()).toBe(true);
    await expect(stat(path.join(root, "app/steps.sh"))).rejects.toThrow("ENOENT");
    // Nothing but dependencies that the package names: the build's own are not there.
    await expect(stat(path.join(root, "app/node_modules/typescript"))).rejects.toThrow("ENOENT");
  });

  it("ends with 143 when it is asked to go, and its next container goes on from the stored checkpoint", async () => {
    const clearml = createClearML({}, { ...server.env });
    try {
      let asked = false;
      const first = await live({ CONFIG: JSON.stringify({ epochs: 1_000_000 }) }, (line, stop) => {
        if (line !== "epoch 3" || asked) return;
        asked = true;
        stop();
      });
      expect(first.end, first.lines.join("\n")).toBe(143);
      // The trainer's own close and that of the signal come together: neither stands in the other's way.
      expect(first.lines.filter((line) => line.includes("resume token"))).toEqual([]);
      const [task] = (await clearml.tasks.getPage({})).tasks;
      expect(task).toMatchObject({ name: "Training Job 7", status: "stopped" });

      const last = Number(first.lines.findLast((line) => line.startsWith("epoch "))?.slice("epoch ".length));
      const second = await live({ CONFIG: JSON.stringify({ epochs: last + 5 }) });
      expect(second.end, second.lines.join("\n")).toBe(0);
      expect(second.lines).toContain(`going on after epoch ${String(last)}`);
      const { tasks } = await clearml.tasks.getPage({});
      expect(tasks.map(({ id, status }) => [id, status])).toEqual([[task?.id, "completed"]]);
      const charts = await clearml.reading.exactCharts(task!.id, { metrics: [{ metric: "loss", variants: ["train"] }] });
      expect(charts[0]?.series[0]?.x).toEqual(Array.from({ length: last + 5 }, (_, index) => index + 1));
    } finally {
      await clearml.close();
    }
  });
});
