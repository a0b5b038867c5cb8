/** The migrator, or its proof, in a process of its own: moves the named experiments and samples its own memory on the way. */
import { createClearML } from "trainer-sdk/clearml";
import { openMlflowSource, runMigration, verifyMigration } from "trainer-sdk/migrate";
import { answer, input } from "./input.ts";

const SAMPLE_MS = 100;

const { step, source, artifactsRoot, experiment, into } = input<{
  step: "run" | "verify";
  source: string;
  artifactsRoot?: string;
  experiment: string;
  into: string;
}>();
await using mlflow = await openMlflowSource({ trackingUri: source, artifactsRoot });
await using clearml = createClearML();
const rssBytes: number[] = [];
const sample = (): void => {
  rssBytes.push(process.memoryUsage.rss());
};
sample();
const sampling = setInterval(sample, SAMPLE_MS);
const given = { mlflow, clearml, sourceId: into, into, experiments: [experiment] };
const cpu = process.cpuUsage();
const startedAt = performance.now();
const done = step === "run" ? await moved() : await proved();
const seconds = (performance.now() - startedAt) / 1000;
const used = process.cpuUsage(cpu);
clearInterval(sampling);
sample();
answer({ ...done, seconds, cpuSeconds: (used.user + used.system) / 1e6, rssBytes });

async function moved(): Promise<{ readonly points: number; readonly problem: string | undefined }> {
  const { points, failures, models, interrupted } = await runMigration(given);
  const [first] = [...failures, ...models.failures];
  return { points, problem: first?.reason ?? (interrupted ? "it was interrupted" : undefined) };
}

async function proved(): Promise<{ readonly points: number; readonly problem: string | undefined }> {
  const { ok, compared, differences } = await verifyMigration(given);
  return { points: compared.points, problem: ok ? undefined : JSON.stringify(differences[0] ?? "nothing was compared") };
}
