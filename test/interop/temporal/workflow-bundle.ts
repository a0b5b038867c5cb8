/** The workers' workflows, bundled once: that is more than half of a worker's start. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bundleWorkflowCode } from "@temporalio/worker";

export interface WorkflowBundle extends AsyncDisposable {
  readonly codePath: string;
}

const SILENT = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };

export async function bundleWorkflows(): Promise<WorkflowBundle> {
  const workflowsPath = fileURLToPath(new URL("workflows.ts", import.meta.url));
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: SILENT });
  const folder = await mkdtemp(path.join(tmpdir(), "trainer-workflows-"));
  const codePath = path.join(folder, "workflows.js");
  await writeFile(codePath, code);
  return { codePath, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
