/** What a user without a client would write: one `fetch` for each point, awaited. */
import { createClearML } from "trainer-sdk/clearml";
import { answer, input } from "./input.ts";

const { points, series } = input<{ points: number; series: number }>();
const { CLEARML_API_HOST: host = "", CLEARML_API_ACCESS_KEY: key = "", CLEARML_API_SECRET_KEY: secret = "" } = process.env;
await using clearml = createClearML();
const { id: task } = await clearml.tasks.create({ name: "raw", type: "training", project: null });
await clearml.tasks.started({ task });

const login = await fetch(`${host}/auth.login`, {
  headers: { authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString("base64")}` },
});
const { data } = (await login.json()) as { data: { token: string } };

async function post(at: number): Promise<void> {
  const answered = await fetch(`${host}/events.add`, {
    method: "POST",
    headers: { authorization: `Bearer ${data.token}`, "content-type": "application/json" },
    body: JSON.stringify({
      type: "training_stats_scalar",
      task,
      metric: "chart",
      variant: `line ${String(at % series)}`,
      value: at / points,
      iter: Math.floor(at / series),
      timestamp: Date.now(),
    }),
  });
  await answered.text();
  if (answered.status !== 200) throw new Error(`events.add answered ${String(answered.status)}`);
}

for (let at = 0; at < 50; at++) await post(at);
const cpu = process.cpuUsage();
const startedAt = performance.now();
for (let at = 0; at < points; at++) await post(at);
const seconds = (performance.now() - startedAt) / 1000;
const used = process.cpuUsage(cpu);
answer({ callSeconds: seconds, wholeSeconds: seconds, cpuSeconds: (used.user + used.system) / 1e6 });
