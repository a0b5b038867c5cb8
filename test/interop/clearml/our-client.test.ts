/** What our `Task`, `Logger`, `OutputModel`, `InputModel` and `Dataset` leave in ClearML, read by every line of the official SDK. */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InputModel, OutputModel, Task, type ClearML } from "../../../src/clearml/index.js";
import { Tally } from "../support/tally.js";
import { comparePictures } from "./compare-pictures.js";
import { drawFigures } from "./figures.js";
import { pictureOfTask } from "./our-picture.js";
import { PythonPeer } from "./python.js";
import { noteTrouble, runChecks } from "./run-checks.js";
import { CURRENT_LINE, SDK_LINES } from "./sdk-lines.js";
import { countRequests, openServer, type PeerServer } from "./server.js";

const PARAMETERS = { lr: 0.25, layers: [64, 32], optim: { name: "adam", nesterov: true, decay: null }, "a.b$c%d__e": "kept" };
/** As Python spells the same values. */
const SPELLED = {
  "General/lr": "0.25",
  "General/layers": "[64,32]",
  "General/optim/name": "adam",
  "General/optim/nesterov": "True",
  "General/optim/decay": "",
  "General/a.b$c%d__e": "kept",
};

let server: PeerServer;
let clearml: ClearML;
let folder: string;
let weights: Buffer;
let id: string;
let lossPoints: number[];

beforeAll(async () => {
  server = await openServer();
  clearml = server.client();
  folder = await mkdtemp(path.join(tmpdir(), "interop-client-"));
});

afterAll(async () => {
  await clearml.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

describe("a task of our client", () => {
  it("reaches ClearML without a refused request", async () => {
    const tally = new Tally("clearml", "our client writes");
    weights = randomBytes(4000);
    const file = path.join(folder, "weights file.bin");
    await writeFile(file, weights);
    const film = path.join(folder, "film.mp4");
    await writeFile(film, "\0\0\0\x18ftypmp42");
    await mkdir(path.join(folder, "tree", "deep"), { recursive: true });
    await writeFile(path.join(folder, "tree", "one.txt"), "one");
    await writeFile(path.join(folder, "tree", "deep", "two.txt"), "two");
    const task = await Task.init(clearml, {
      project: "Interop/Our client",
      name: "Every kind, ünïcödé",
      tags: ["nightly", "ünïcödé"],
      comment: "first line\nsecond line",
      script: { repository: "https://example.com/code.git", branch: "main", entryPoint: "train.ts", binary: "node" },
      container: { image: "node:24", arguments: "--ipc=host" },
      env: {},
    });
    ({ id } = task);
    tally.compare("what connect gives back", await task.connect(PARAMETERS), PARAMETERS);
    await task.connectConfiguration({ json: { depth: 3, stages: ["a", "b"] } }, { name: "network" });
    await task.setUserProperties({ owner: "someone", "build number": { value: "17", description: "of the pipeline" } });
    await task.setPackages(["left-pad@1.3.0"]);
    await task.setProgress(40);
    lossPoints = Array.from({ length: 50 }, (_, step) => 1 / (step + 1));
    const { logger } = task;
    for (const [iteration, value] of lossPoints.entries()) logger.reportScalar({ title: "loss", series: "train", value, iteration });
    logger.reportScalar({ title: "per class / precision", series: "Café 100%", value: 0.5, iteration: 7 });
    logger.reportSingleValue({ name: "best accuracy", value: 0.9375 });
    logger.reportText("a line of text: ünïcödé");
    await drawFigures(logger as unknown as Parameters<typeof drawFigures>[0]);
    const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
    await logger.reportImage({ title: "image", series: "bytes: #1", content: png, fileName: "dot.png", iteration: 3 });
    await logger.reportHtml({ title: "media", series: "html", html: "<html>sample</html>", iteration: 2 });
    await logger.reportMedia({ title: "media", series: "film", path: film, iteration: 2 });
    await logger.reportMedia({
      title: "media",
      series: "speech",
      content: Buffer.from("RIFF$\0\0\0WAVEfmt "),
      fileName: "speech.wav",
      iteration: 2,
    });
    await task.uploadArtifact("plain file", { path: file }, { metadata: { rows: 3, from: "here" } });
    await task.uploadArtifact("folder", { path: path.join(folder, "tree") });
    await task.uploadArtifact("dict", { json: { b: [1, 2], a: { c: null } } });
    await task.uploadArtifact("text", { text: "just some text" });
    await task.uploadArtifact("table", {
      table: {
        columns: ["x", "y"],
        rows: [
          [1, "a"],
          [2, "b"],
        ],
      },
    });
    await task.uploadArtifact("a/b: 100% $x.y", { json: { odd: "name" } });
    await task.uploadArtifact("elsewhere", { uri: "https://example.com/elsewhere.bin" });
    const parent = await InputModel.import(clearml, {
      weightsUrl: "https://example.com/parent.pt",
      name: "Parent model",
      labels: { cat: 1 },
    });
    await parent.connect(task);
    const model = await OutputModel.create(clearml, {
      name: "Detector",
      task,
      framework: "PyTorch",
      tags: ["prod"],
      labels: { cat: 1, "dog.big": 2 },
      design: { layers: 3 },
      comment: "by hand",
      metadata: { accuracy: 0.9, stage: "test" },
    });
    await model.updateWeights({ path: file });
    await logger.flush();
    await task.markCompleted();
    await task.close();
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
        name: "Every kind, ünïcödé",
        project: "Interop/Our client",
        type: "training",
        status: "completed",
        tags: ["nightly", "ünïcödé"],
        comment: "first line\nsecond line",
        lastIteration: 49,
        userProperties: { owner: "someone", "build number": "17" },
        singleValues: { "best accuracy": 0.9375 },
        container: { image: "node:24", arguments: "--ipc=host" },
      });
      tally.compareFields("parameters", theirs.parameters, SPELLED);
      tally.compare("configuration", JSON.parse(theirs.configurations.network), { depth: 3, stages: ["a", "b"] });
      tally.compareFields("script", theirs.script, {
        repository: "https://example.com/code.git",
        branch: "main",
        entry_point: "train.ts",
        binary: "node",
      });
      tally.compare("points", theirs.scalars.loss.train, { name: "train", x: lossPoints.map((_, step) => step), y: lossPoints });
      tally.compare("an odd name", theirs.scalars["per class / precision"]?.["Café 100%"]?.y, [0.5]);
      tally.compare("plots", theirs.plots.length, 14);
      tally.compare(
        "samples",
        theirs.debugSamples.map(({ metric, variant, iter }: any) => [metric, variant, iter]),
        [
          ["image", "bytes: #1", 3],
          ["media", "film", 2],
          ["media", "html", 2],
          ["media", "speech", 2],
        ],
      );
      tally.compare(
        "console",
        theirs.console.some((row: string) => row.includes("a line of text: ünïcödé")),
        true,
      );
      const digest = createHash("sha256").update(weights).digest("hex");
      const artifacts: Record<string, any> = theirs.artifacts;
      tally.compare("types of artifacts", Object.fromEntries(Object.entries(artifacts).map(([name, { type }]) => [name, type])), {
        "a/b: 100% $x.y": "dict",
        dict: "dict",
        elsewhere: "custom",
        folder: "archive",
        "plain file": "custom",
        table: "pandas",
        text: "string",
      });
      for (const [name, artifact] of Object.entries(artifacts)) tally.compare(`hash of ${name}`, artifact.hash, artifact.sha256);
      tally.compareFields("plain file", artifacts["plain file"], {
        sha256: digest,
        size: weights.length,
        metadata: { rows: "3", from: "here" },
      });
      const [made] = theirs.models.output;
      tally.compareFields("model", made, {
        name: "Detector",
        framework: "PyTorch",
        tags: ["prod"],
        labels: { cat: 1, "dog.big": 2 },
        published: false,
        task: id,
        sha256: digest,
      });
      // Beside what weights of ours carry by themselves, their digest and size.
      const metadata = Object.fromEntries(Object.entries<any>(made.metadata).map(([key, item]) => [key, item.value]));
      tally.compareFields("metadata", metadata, { accuracy: "0.9", stage: "test", sha256: digest });
      tally.compare(
        "input model",
        theirs.models.input.map(({ name, uri }: any) => [name, uri]),
        [["Parent model", "https://example.com/parent.pt"]],
      );
      comparePictures(tally, await pictureOfTask(clearml, id, folder), theirs);
    } finally {
      await python.close();
    }
    await countRequests(server, tally);
    tally.end();
  });

  it("holds artifacts that Python opens as its own kinds", async () => {
    const python = await PythonPeer.open(CURRENT_LINE, server);
    try {
      await runChecks(server, python, "open_artifacts", { task: id });
    } finally {
      await python.close();
    }
  });
});
