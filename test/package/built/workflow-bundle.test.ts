/** The published workflow entry goes through the worker's bundler, which refuses Node's modules, activities and clients. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { bundleWorkflowCode } from "@temporalio/worker";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { importGraph } from "./import-graph.js";

const root = path.resolve(import.meta.dirname, "../../..");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(root, ".cache", "workflow-bundle-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const logger = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };

describe("the workflow entry", () => {
  it.each(["index.js", "index.cjs"])("is bundled for the sandbox (%s), with the workflow and nothing of a worker's", async (file) => {
    const workflowsPath = path.join(folder, `workflows-${file}.ts`);
    await writeFile(
      workflowsPath,
      `export { trainingWorkflow } from ${JSON.stringify(path.join(root, "dist/temporal/workflow", file))};\n`,
    );
    const { code } = await bundleWorkflowCode({ workflowsPath, logger });
    expect(code).toContain("trainingProgress");
    expect(code).not.toMatch(/node:(fs|path|crypto|child_process)|subprocess/);
  });

  it.each(["temporal/workflow/index.js", "temporal/workflow/index.cjs"])("%s imports Temporal's workflow packages alone", async (entry) => {
    const graph = await importGraph(path.join(root, "dist"), entry);
    expect([...graph.packages].sort()).toEqual(["@temporalio/common", "@temporalio/workflow"]);
    expect(graph.sources.filter((source) => /^src\/(?!temporal\/(workflow\/|failure-types))/.test(source))).toEqual([]);
  });
});
