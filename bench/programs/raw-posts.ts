/** What a user without a client would write: one `fetch` for each point, awaited. */
import { createClearML } from "trainer-sdk/clearml";
import { RawClearML, type ServerAddress } from "../../test/support/raw-clearml.ts";
import { answer, input } from "./input.ts";

const { points, series } = input<{ points: number; series: number }>();
await using clearml = createClearML();
const { id: task } = await clearml.tasks.create({ name: "raw", type: "training", project: null });
await clearml.tasks.started({ task });
const raw = await RawClearML.login(process.env as unknown as ServerAddress);

async function post(at: number): Promise<void> {
  await raw.call("events.add", {
    type: "training_stats_scalar",
    task,
    metric: "chart",
    variant: `line ${String(at % series)}`,
    value: at / points,
    iter: Math.floor(at / series),
    timestamp: Date.now(),
  });
}

for (let at = 0; at < 50; at++) await post(at);
const cpu = process.cpuUsage();
const startedAt = performance.now();
for (let at = 0; at < points; at++) await post(at);
const seconds = (performance.now() - startedAt) / 1000;
const used = process.cpuUsage(cpu);
answer({ callSeconds: seconds, wholeSeconds: seconds, cpuSeconds: (used.user + used.system) / 1e6 });
