/** Compares one metric of one run in a process of its own, and tells what that cost. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClearML } from "../../../../src/clearml/index.js";
import { CopyCursor } from "../../../../src/migrate/copied-points.js";
import { Differences } from "../../../../src/migrate/differences.js";
import { openMlflowSource } from "../../../../src/mlflow/open-source.js";
import { verifyMetrics } from "../../../../src/migrate/verify-metrics.js";

const [database = "", copyPath = "", runId = "", taskId = ""] = process.argv.slice(2);
const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), "verify-metric-"));
const found = new Differences();
await using mlflow = await openMlflowSource({ trackingUri: database }, {});
await using clearml = createClearML();
await using copy = new CopyCursor(copyPath);
const run = await mlflow.run(runId, { signal });
await copy.take("run");
const baseBytes = process.memoryUsage.rss();
await verifyMetrics({ mlflow, clearml, run, taskId, folder, copy, addressOf: undefined, found, signal });
rmSync(folder, { recursive: true });
const grownBytes = process.resourceUsage().maxRSS * 1024 - baseBytes;
process.stdout.write(JSON.stringify({ counts: found.counts, total: found.total, differences: found.kept, grownBytes }));
