/**
 * Workflows that run while a worker is upgraded: histories that an earlier version wrote must still be told alike. Made
 * with `TEMPORAL_HISTORIES=test/integration/temporal/histories npm run test:interop -- temporal`; never made anew for a change of
 * the workflow, only added to.
 *
 * There is none for each place where trainers run: a workflow does not know its place. Its code imports no manager (which
 * `workflow-bundle.test.ts` holds it to), and of what an activity answers it decides by outcome, status and type of failure
 * alone, whose names are the same everywhere.
 */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bundleWorkflowCode, Worker, type WorkflowBundle } from "@temporalio/worker";
import { beforeAll, describe, expect, it } from "vitest";

const HISTORIES = fileURLToPath(new URL("histories", import.meta.url));
const names = (await readdir(HISTORIES)).sort();
const silent = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** A kept history, its bytes as bytes again. */
function read(text: string): History {
  return JSON.parse(text, (_key, value: unknown) =>
    typeof value === "object" && value !== null && "bytes" in value && typeof value.bytes === "string"
      ? Buffer.from(value.bytes, "base64")
      : value,
  ) as History;
}
type History = Exclude<Parameters<typeof Worker.runReplayHistory>[1], unknown[]>;

describe("a workflow that an earlier version began", () => {
  let workflowBundle: WorkflowBundle;
  beforeAll(async () => {
    const workflowsPath = fileURLToPath(new URL("../../../src/temporal/workflow/training-workflow.ts", import.meta.url));
    workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: silent });
  }, 60_000);

  it.each(names)(
    "goes on: %s",
    async (name) => {
      const history = read(await readFile(path.join(HISTORIES, name), "utf8"));
      await Worker.runReplayHistory({ workflowBundle }, history, "training-7");
    },
    60_000,
  );

  it("is not taken for one that goes on when its steps are others", async () => {
    const [name = ""] = names;
    const text = await readFile(path.join(HISTORIES, name), "utf8");
    const history = read(text.replaceAll('"createClearmlTask"', '"makeTask"'));
    await expect(Worker.runReplayHistory({ workflowBundle }, history, "training-7")).rejects.toThrow(/[Nn]ondeterminism|determin/);
  }, 60_000);

  it("has stories of every end", () => {
    expect(names.length).toBeGreaterThanOrEqual(4);
  });
});
