/** What the trainer's verbs leave in ClearML, read by every line of the official SDK and compared value by value. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ClearML } from "../../../src/clearml/index.js";
import { TrainerSDK } from "../../../src/index.js";
import { Tally } from "../support/tally.js";
import { comparePictures } from "./compare-pictures.js";
import { drawFigures } from "./figures.js";
import { pictureOfTask } from "./our-picture.js";
import { PythonPeer } from "./python.js";
import { noteTrouble, RUN } from "./run-checks.js";
import { CURRENT_LINE, SDK_LINES } from "./sdk-lines.js";
import { countRequests, openServer, type PeerServer } from "./server.js";

let server: PeerServer;
let clearml: ClearML;
let folder: string;

beforeAll(async () => {
  server = await openServer();
  clearml = server.client();
  folder = await mkdtemp(path.join(tmpdir(), "interop-trainer-"));
});

afterAll(async () => {
  await clearml.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** A trainer of a job of its own; nothing but ClearML hears of it. */
function start(jobId: string): Promise<TrainerSDK> {
  return TrainerSDK.init({
    env: { ...server.env, CALLBACK_URL: "", JOB_ID: jobId, PROJECT_ID: "interop" },
    sinks: ["clearml"],
    storage: "clearml",
    journalDir: path.join(folder, `journal-${jobId}`),
    config: { epochs: 3, optimizer: { name: "adam", lr: 0.001 }, layers: [64, 32], augment: true },
  });
}

async function aFile(name: string): Promise<{ readonly file: string; readonly sha256: string }> {
  const content = randomBytes(3000);
  const file = path.join(folder, name);
  await writeFile(file, content);
  return { file, sha256: createHash("sha256").update(content).digest("hex") };
}

describe("a whole training job", () => {
  const jobId = `job ${RUN}`;
  const lines: string[] = [];
  let id: string;
  let last: { file: string; sha256: string };
  let best: { file: string; sha256: string };

  it("reaches ClearML without a refused request", async () => {
    const tally = new Tally("clearml", "our trainer writes");
    [last, best] = await Promise.all([aFile("last.pt"), aFile("best.pt")]);
    const sdk = await start(jobId);
    await sdk.reportStarted({ totalEpochs: 3 });
    const task = sdk.currentTask();
    await task.connect(
      { batch: 32, nested: { deep: 0.5, flag: true, none: null }, list: [1, 2], "a.b$c%d__e": "kept" },
      { section: "Data/set" },
    );
    await task.connectConfiguration({ depth: 3, stages: ["a", "b"] }, { name: "network" });
    await task.addTags("nightly", "ünïcödé", "gone");
    await task.removeTags("gone");
    for (let epoch = 1; epoch <= 3; epoch += 1) {
      await sdk.reportProgress({
        epoch,
        totalEpochs: 3,
        metrics: { train_loss: 1 / epoch, "val/accuracy": 0.5 + epoch / 10, learning_rate: 0.001, "per class/Café 100%": epoch },
      });
    }
    await sdk.reportValidation({ epoch: 3, metrics: { accuracy: 0.875 } });
    await task.logger.reportScalar({ title: "lr", series: "group 0", value: 0.25, iteration: 10 });
    await task.logger.reportSingleValue({ name: "best accuracy", value: 0.9375 });
    for (const line of ["a line: ünïcödé", "2024-01-31", "another line"]) {
      lines.push(line);
      await sdk.log("info", line);
    }
    await task.logger.reportHtml({ title: "media", series: "html", html: "<html>sample</html>", iteration: 2 });
    await task.logger.reportMedia({ title: "media", series: "linked", url: "https://example.com/film.mp4", iteration: 1 });
    await sdk.uploadCheckpoint(last.file, { type: "last", epoch: 3 });
    await sdk.uploadCheckpoint(best.file, { type: "best", epoch: 2, isBest: true, framework: "PyTorch" });
    await sdk.registerModel({
      name: "detector",
      path: best.file,
      framework: "PyTorch",
      tags: ["prod-candidate"],
      labels: { cat: 1, dog: 2 },
      metadata: { accuracy: "0.9" },
    });
    await task.uploadArtifact({ name: "report: 100% $x.y/z", json: { rows: [1, 2] }, metadata: { from: "here" } });
    await task.uploadArtifact({ name: "notes", text: "just some text" });
    await sdk.reportCompleted({ finalMetrics: { accuracy: 0.9 } });
    const closed = await sdk.close({ deadlineMs: 60_000 });
    tally.compare("everything delivered", closed.complete, true);
    id = task.id ?? "";
    await countRequests(server, tally);
    tally.end();
  });

  it.each(SDK_LINES)("is what Python SDK $version reads", async (line) => {
    const tally = new Tally("clearml", `Python ${line.version} reads ours`);
    const python = await PythonPeer.open(line, server);
    try {
      const run = await python.run("read", { tasks: [id] });
      expect(run.answer, run.output).toBeDefined();
      noteTrouble(tally, run);
      const theirs = run.answer.tasks[id];
      tally.compareFields("task", theirs, {
        name: `Training Job ${jobId}`,
        project: "Project interop",
        type: "training",
        status: "completed",
        tags: ["nightly", "ünïcödé"],
        progress: 100,
      });
      tally.compareFields("parameters", theirs.parameters, {
        "Data/set/batch": "32",
        "Data/set/nested/deep": "0.5",
        "Data/set/nested/flag": "True",
        "Data/set/nested/none": "",
        // JSON, as Python's own; it leaves a blank after the comma.
        "Data/set/list": "[1,2]",
        "Data/set/a.b$c%d__e": "kept",
      });
      tally.compareFields("charts", theirs.scalars, {
        loss: { train: { name: "train", x: [1, 2, 3], y: [1, 1 / 2, 1 / 3] } },
        learning_rate: { metrics: { name: "metrics", x: [1, 2, 3], y: [0.001, 0.001, 0.001] } },
        lr: { "group 0": { name: "group 0", x: [10], y: [0.25] } },
        "Café 100%": { "per class": { name: "per class", x: [1, 2, 3], y: [1, 2, 3] } },
      });
      tally.compare("validation", theirs.scalars.accuracy?.val, { name: "val", x: [1, 2, 3], y: [0.6, 0.7, 0.8] });
      tally.compare("single value", theirs.singleValues["best accuracy"], 0.9375);
      for (const text of lines)
        tally.compare(
          `console: ${text}`,
          theirs.console.some((row: string) => row.includes(text)),
          true,
        );
      tally.compare(
        "samples",
        theirs.debugSamples.map(({ metric, variant, iter }: any) => [metric, variant, iter]),
        [
          ["media", "html", 2],
          ["media", "linked", 1],
        ],
      );
      tally.compare("last checkpoint", theirs.artifacts.checkpoint_last.sha256, last.sha256);
      tally.compare("best checkpoint", theirs.artifacts.checkpoint_best.sha256, best.sha256);
      for (const [name, artifact] of Object.entries<any>(theirs.artifacts))
        tally.compare(`hash of ${name}`, artifact.hash, artifact.sha256);
      tally.compare("text", theirs.artifacts.notes.preview, "just some text");
      tally.compare("metadata", theirs.artifacts["report: 100% $x.y/z"].metadata, { from: "here" });
      const model = theirs.models.output.find(({ name }: any) => name === "detector");
      tally.compareFields("model", model, {
        framework: "PyTorch",
        tags: ["prod-candidate"],
        labels: { cat: 1, dog: 2 },
        sha256: best.sha256,
        task: id,
        published: false,
      });
      tally.compare("metadata of the model", model?.metadata.accuracy?.value, "0.9");
      comparePictures(tally, await pictureOfTask(clearml, id, folder), theirs);
    } finally {
      await python.close();
    }
    await countRequests(server, tally);
    tally.end();
  });
});

/** The figure as both sides mean it: without what the official SDK gets wrong on the way. */
function meant(figure: any): unknown {
  const { texttemplate: _noSettingOfALayout, ...layout } = figure.layout;
  const data = figure.data.map((trace: any) => {
    if (trace.type !== "scatter3d") return trace;
    // It names no curve in space, and writes a colour of two numbers in one: "rgba(217, 217, 217, 0.140000.2)".
    const { name: _name, marker, ...rest } = trace;
    return { ...rest, marker: { ...marker, line: { ...marker.line, color: "a light grey" } } };
  });
  return { data, layout };
}

describe("figures", () => {
  it("are those that the official SDK draws from the same numbers", async () => {
    const tally = new Tally("clearml", "figures of both");
    const python = await PythonPeer.open(CURRENT_LINE, server);
    try {
      const drawn = await python.run("plots");
      expect(drawn.answer, drawn.output).toBeDefined();
      noteTrouble(tally, drawn);
      const sdk = await start(`figures ${RUN}`);
      await drawFigures(sdk.currentTask().logger);
      tally.compare("everything delivered", (await sdk.flush({ deadlineMs: 60_000 })).complete, true);
      const ours = sdk.currentTask().id ?? "";
      await sdk.close({ deadlineMs: 60_000 });
      const read = await python.run("read", { tasks: [ours, drawn.answer.task] });
      noteTrouble(tally, read);
      const byPlace = (task: string): Map<string, unknown> =>
        new Map(read.answer.tasks[task].plots.map((event: any) => [`${event.metric}/${event.variant}/${String(event.iter)}`, event.plot]));
      const [mine, theirs] = [byPlace(ours), byPlace(drawn.answer.task)];
      tally.compare("which", [...mine.keys()].sort(), [...theirs.keys()].sort());
      for (const [place, figure] of theirs) tally.compare(place, meant(mine.get(place) ?? { data: [], layout: {} }), meant(figure));
    } finally {
      await python.close();
    }
    await countRequests(server, tally);
    tally.end();
  });
});
