/** One call of the ClearML API on loopback, through our client and by bare fetch. */
import { createClearML } from "trainer-sdk/clearml";
import { answer, input } from "./input.ts";

const { calls } = input<{ calls: number }>();
await using clearml = createClearML();
const { id: task } = await clearml.tasks.create({ name: "round trip", type: "training", project: null });
const { CLEARML_API_HOST: host = "", CLEARML_API_ACCESS_KEY: key = "", CLEARML_API_SECRET_KEY: secret = "" } = process.env;
const login = await fetch(`${host}/auth.login`, {
  headers: { authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString("base64")}` },
});
const { data } = (await login.json()) as { data: { token: string } };

async function byFetch(): Promise<void> {
  const answered = await fetch(`${host}/tasks.get_by_id`, {
    method: "POST",
    headers: { authorization: `Bearer ${data.token}`, "content-type": "application/json" },
    body: JSON.stringify({ task }),
  });
  await answered.json();
}

async function timed(call: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await call();
  return performance.now() - startedAt;
}

const [ours, fetched]: [number[], number[]] = [[], []];
for (let at = 0; at < calls + 50; at++) {
  const [own, bare] = [await timed(() => clearml.tasks.getById({ task })), await timed(byFetch)];
  if (at < 50) continue;
  ours.push(own);
  fetched.push(bare);
}
answer({ ours, fetched });
