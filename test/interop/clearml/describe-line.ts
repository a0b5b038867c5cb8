/**
 * What every line of the official SDK is put through: one run of every kind of report, read back by itself and by us, and
 * programs that go their whole way. An older line is spared what costs most and has not changed since.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportOfflineSession, importOfflineSession, type ClearML } from "../../../src/clearml/index.js";
import { Tally } from "../support/tally.js";
import { comparePictures } from "./compare-pictures.js";
import { pictureOfTask, type Picture } from "./our-picture.js";
import { PythonPeer } from "./python.js";
import { noteTrouble, RUN, runChecks } from "./run-checks.js";
import type { SdkLine } from "./sdk-lines.js";
import { countRequests, openServer, type PeerServer } from "./server.js";

/** The tests of a line, against a server of its own. */
export function describeLine(line: SdkLine): void {
  describe(`Python SDK ${line.version}`, () => {
    let server: PeerServer;
    let clearml: ClearML;
    let python: PythonPeer;
    let folder: string;

    beforeAll(async () => {
      server = await openServer();
      clearml = server.client();
      python = await PythonPeer.open(line, server);
      folder = await mkdtemp(path.join(tmpdir(), "interop-"));
    });

    afterAll(async () => {
      await python.close();
      await clearml.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    });

    /** A folder for one program to work in. */
    async function place(name: string): Promise<string> {
      const made = path.join(python.folder, name);
      await mkdir(made);
      return made;
    }

    let written: any;
    let theirs: Picture;

    it("runs a training script of every kind of report without a complaint or a request that is refused", async () => {
      const tally = new Tally("clearml", `Python ${line.version} writes`);
      const place = path.join(python.folder, "work");
      await mkdir(place);
      const run = await python.run("write", { depth: line.depth, folder: place, files: server.env.CLEARML_FILES_HOST });
      expect(run.answer, run.output).toBeDefined();
      written = run.answer;
      noteTrouble(tally, run);
      await countRequests(server, tally);
      tally.end();
    });

    it("reads back what it wrote", async () => {
      const tally = new Tally("clearml", `Python ${line.version} reads Python's`);
      const run = await python.run("read", { tasks: [written.id] });
      expect(run.answer, run.output).toBeDefined();
      noteTrouble(tally, run);
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

    it("takes tasks and models through every state and finds them in every way", async () => {
      const { modelWithScalars } = await runChecks(server, python, "lifecycle");
      const tally = new Tally("clearml", `we read Python ${line.version}'s`);
      const { metrics } = await clearml.events.getScalarMetricsAndVariants({ task: modelWithScalars, model_events: true });
      tally.compare("metrics of a model", metrics, { Summary: ["best"], eval: ["accuracy"] });
      const { variants } = await clearml.events.scalarMetricsIterRaw({
        task: modelWithScalars,
        metric: { metric: "eval" },
        key: "iter",
        model_events: true,
      });
      tally.compare("scalars of a model", variants, { accuracy: { iter: [0, 1, 2], y: [0, 0.25, 0.5] } });
      await countRequests(server, tally);
      tally.end();
    });

    it("runs as an agent starts it, with our values in place of its own", async () => {
      const { id: project } = await clearml.projects.findOrCreate("Interop/Remote");
      const { id: task } = await clearml.tasks.create({
        name: "remote",
        type: "training",
        project,
        hyperparams: {
          Args: { lr: { section: "Args", name: "lr", value: "0.75", type: "float" } },
          General: {
            batch: { section: "General", name: "batch", value: "64" },
            "optim/name": { section: "General", name: "optim/name", value: "sgd" },
            flags: { section: "General", name: "flags", value: "[3, 4]" },
            on: { section: "General", name: "on", value: "False" },
            ratio: { section: "General", name: "ratio", value: "1e-05" },
            nothing: { section: "General", name: "nothing", value: "" },
          },
        },
        configuration: { network: { name: "network", value: '{"depth": 7}', type: "dictionary" } },
        execution: { model_labels: { cat: 1 } },
      });
      await clearml.tasks.started({ task });
      const order = {
        task,
        lr: 0.75,
        settings: { batch: 64, optim: { name: "sgd" }, flags: [3, 4], on: false, ratio: 0.00001, nothing: null },
        network: { depth: 7 },
        labels: { cat: 1 },
      };
      await runChecks(server, python, "remote", order, { CLEARML_TASK_ID: task, CLEARML_LOG_TASK_TO_BACKEND: "0" });
      const tally = new Tally("clearml", `we read Python ${line.version}'s`);
      const read = await clearml.tasks.getById({ task });
      tally.compare("the agent ends the task", read.task.status, "in_progress");
      tally.compare("what the remote run reported", read.task.last_metrics && Object.keys(read.task.last_metrics).length, 1);
      await countRequests(server, tally);
      tally.end();
    });

    it.each(line.depth === "current" ? [false, true] : [true])("stops when we ask for it, told first: %s", async (callback) => {
      const tally = new Tally("clearml", `Python ${line.version} obeys`);
      // Of this run and line alone, whoever else stops tasks at that server.
      const project = `Interop/Stopping ${line.version} ${RUN}`;
      const { ended } = python.start("loop", { callback, project });
      const id = await runningTask(clearml, project, ended);
      await clearml.tasks.stop({ task: id });
      const run = await ended;
      tally.compare("told before", run.answer.callback, callback);
      const { task } = await clearml.tasks.getById({ task: id });
      tally.compare("status", task.status, "stopped");
      // It says so; older lines do not print this.
      for (const complaint of run.complaints) if (!complaint.includes("### TASK STOPP")) tally.differ(complaint);
      await countRequests(server, tally);
      tally.end();
    });

    it("records a run without a server, and brings it there later", async () => {
      const nowhere = {
        CLEARML_API_HOST: "http://127.0.0.1:9",
        CLEARML_WEB_HOST: "http://127.0.0.1:9",
        CLEARML_FILES_HOST: server.env.CLEARML_FILES_HOST,
      };
      const tally = new Tally("clearml", `Python ${line.version} offline`);
      const recorded = await python.run("offline", { folder: await place("offline") }, nowhere);
      expect(recorded.answer, recorded.output).toBeDefined();
      noteTrouble(tally, recorded);
      const imported = await python.run("import_offline", recorded.answer);
      expect(imported.answer, imported.output).toBeDefined();
      noteTrouble(tally, imported);
      const { task } = imported.answer as { task: string };
      const theirs = (await python.run("read", { tasks: [task] })).answer.tasks[task];
      tally.compare("name", theirs.name, "recorded");
      tally.compare("status", theirs.status, "completed");
      tally.compare("points", theirs.scalars.loss.train.x.length, 20);
      tally.compare("artifacts", Object.keys(theirs.artifacts).sort(), ["data", "file"]);
      const imports = await pictureOfTask(clearml, task, folder);
      comparePictures(tally, imports, theirs);

      const { archive } = recorded.answer as { archive: string };
      const ours = await importOfflineSession(clearml, archive);
      tally.compare("problems of our import", ours.problems, []);
      compareStories(tally, await pictureOfTask(clearml, ours.taskId, folder), imports);
      const again = await importOfflineSession(clearml, archive);
      tally.compare("imported once", [again.taskId, again.wasThere], [ours.taskId, true]);

      const { file } = await exportOfflineSession(clearml, ours.taskId, { file: path.join(folder, "session.zip") });
      const back = await python.run("import_offline", { archive: file });
      expect(back.answer, back.output).toBeDefined();
      noteTrouble(tally, back);
      compareStories(tally, await pictureOfTask(clearml, back.answer.task, folder), imports);
      await countRequests(server, tally);
      tally.end();
    });

    if (line.depth === "older") return;

    it("makes, finds, fetches and deletes data sets", async () => {
      await runChecks(server, python, "dataset", { folder: await place("dataset") });
    });

    it("runs a pipeline's steps and leaves what the web page shows", async () => {
      const { controller, steps } = await runChecks(server, python, "pipeline");
      const tally = new Tally("clearml", `we read Python ${line.version}'s`);
      const children: string[] = [];
      for await (const { id } of clearml.tasks.getAll({ parent: [controller] })) children.push(id);
      tally.compare("steps by their parent", children.sort(), Object.values<string>(steps).sort());
      await countRequests(server, tally);
      tally.end();
    });
  });
}

/** What two tasks tell, whatever they are called and wherever their files lie. */
function compareStories(tally: Tally, one: Picture, other: Picture): void {
  for (const name of [
    "name",
    "project",
    "type",
    "status",
    "comment",
    "tags",
    "parameters",
    "configurations",
    "scalars",
    "singleValues",
    "plots",
    "console",
    "script",
  ])
    tally.compare(`story.${name}`, one[name], other[name]);
  tally.compare("story.artifacts", digests(one), digests(other));
  tally.compare(
    "story.samples",
    one["debugSamples"].map(({ metric, variant, iter }: any) => [metric, variant, iter]),
    other["debugSamples"].map(({ metric, variant, iter }: any) => [metric, variant, iter]),
  );
}

function digests({ artifacts }: Picture): unknown {
  return Object.fromEntries(
    Object.entries<any>(artifacts).map(([name, { sha256, type, size, preview }]) => [name, { sha256, type, size, preview }]),
  );
}

/** Curves without their names, which repeat the series. */
function namedCurves(series: any): any {
  return Object.fromEntries(Object.entries<any>(series ?? {}).map(([name, { x, y }]) => [name, { x, y }]));
}

function places(events: any[], parts: number): unknown[] {
  return events.map(({ metric, variant, iter }) => [metric, variant, iter].slice(0, parts));
}

/** The task of a project that is at work. Asks until it is there; fails when the program ends before. */
async function runningTask(client: ClearML, project: string, ended: Promise<{ readonly output: string }>): Promise<string> {
  let over: string | undefined;
  void ended.then(({ output }) => (over = output));
  for (;;) {
    if (over !== undefined) throw new Error(over);
    const found = await client.projects.find(project);
    if (found) {
      for await (const { id, last_metrics } of client.tasks.getAll({ project: [found.id], status: ["in_progress"] }))
        if (Object.keys(last_metrics ?? {}).length > 0) return id;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
