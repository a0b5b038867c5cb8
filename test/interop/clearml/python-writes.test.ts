/** What the official SDK writes, in each line that is in use: it reads it back as it was, and so do we. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ClearML } from "../../../src/clearml/index.js";
import { Tally } from "../support/tally.js";
import { pictureOfTask, type Picture } from "./our-picture.js";
import { PythonPeer } from "./python.js";
import { SDK_LINES } from "./sdk-lines.js";
import { countRequests, openServer, type PeerServer } from "./server.js";

let server: PeerServer;
let clearml: ClearML;
let folder: string;

beforeAll(async () => {
  server = await openServer();
  clearml = server.client();
  folder = await mkdtemp(path.join(tmpdir(), "interop-"));
});

afterAll(async () => {
  await clearml.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

describe.each(SDK_LINES)("Python SDK $version", (line) => {
  let python: PythonPeer;
  let written: any;
  let theirs: Picture;

  beforeAll(async () => {
    python = await PythonPeer.open(line, server);
  });

  afterAll(async () => {
    await python.close();
  });

  it("runs a training script of every kind of report without a complaint or a request that is refused", async () => {
    const tally = new Tally("clearml", `Python ${line.version} writes`);
    const place = path.join(python.folder, "work");
    await mkdir(place);
    const run = await python.run("write", { depth: line.depth, folder: place, files: server.env.CLEARML_FILES_HOST });
    expect(run.answer, run.output).toBeDefined();
    written = run.answer;
    for (const complaint of run.complaints) tally.differ(complaint);
    tally.compare("exit", [run.exitCode, run.signal], [0, null]);
    await countRequests(server, tally);
    tally.end();
  });

  it("reads back what it wrote", async () => {
    const tally = new Tally("clearml", `Python ${line.version} reads Python's`);
    const run = await python.run("read", { tasks: [written.id] });
    expect(run.answer, run.output).toBeDefined();
    for (const complaint of run.complaints) tally.differ(complaint);
    theirs = run.answer.tasks[written.id];
    tally.compareFields("task", theirs, written.task);
    for (const [title, series] of Object.entries<any>(written.scalars))
      tally.compareFields(`scalars.${title}`, namedCurves(theirs["scalars"][title]), series);
    tally.compareFields("singleValues", theirs["singleValues"], written.singleValues);
    tally.compareFields("parameters", theirs["parameters"], written.parameters);
    tally.compare("plots", places(theirs["plots"], 2), written.plots);
    tally.compare("debug samples", places(theirs["debugSamples"], 3), written.samples);
    for (const printed of written.console) tally.compare(`console: ${printed}`, theirs["console"].join("\n").includes(printed), true);
    tally.compare("artifacts", Object.keys(theirs["artifacts"]).sort(), written.artifacts);
    tally.compareFields("artifact", theirs["artifacts"]["plain file"], written.plainFile);
    for (const side of ["input", "output"])
      tally.compare(
        `models.${side}`,
        theirs["models"][side].map(({ id }: { id: string }) => id),
        written.models[side],
      );
    tally.compareFields("model", theirs["models"].output[0], written.output);
    await countRequests(server, tally);
    tally.end();
  });

  it("wrote what our client reads the same", async () => {
    const tally = new Tally("clearml", `we read Python ${line.version}'s`);
    comparePictures(tally, await pictureOfTask(clearml, written.id, folder), theirs);
    await countRequests(server, tally);
    tally.end();
  });
});

/** Curves without their names, which repeat the series. */
function namedCurves(series: any): any {
  return Object.fromEntries(Object.entries<any>(series ?? {}).map(([name, { x, y }]) => [name, { x, y }]));
}

function places(events: any[], parts: number): unknown[] {
  return events.map(({ metric, variant, iter }) => [metric, variant, iter].slice(0, parts));
}

/** Lays one picture beside the other: every value at its deepest that names it, so that a difference says where it is. */
function comparePictures(tally: Tally, ours: Picture, theirs: Picture, at = "task"): void {
  for (const name of new Set([...Object.keys(theirs), ...Object.keys(ours)])) {
    const [our, their] = [ours[name], theirs[name]];
    if (isMap(our) && isMap(their) && name !== "plot") comparePictures(tally, our, their, `${at}.${name}`);
    else tally.compare(`${at}.${name}`, our, their);
  }
}

const isMap = (value: unknown): value is Picture => typeof value === "object" && value !== null && !Array.isArray(value);
