import { expect, it } from "vitest";
import { silentLogger } from "../../../src/base/logger.js";
import { LOSS_LOG_INTERVAL_MS, Losses, type Loss } from "../../../src/outbox/losses.js";
import { FakeClock } from "../../support/fake-clock.js";

const superseded: Loss = { reason: "superseded", detail: "record 2 took its place" };
const refused: Loss = { reason: "refused", sink: "clearml", detail: "no" };

it("calls no loss what a newer file took the place of, warns of what is lost, and says each once a minute with its count", async () => {
  const said: unknown[] = [];
  const clock = new FakeClock();
  const note = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) =>
    said.push([level, message, fields?.["count"]]);
  const losses = new Losses(clock, { ...silentLogger, info: note("info"), warn: note("warn") }, undefined);
  for (const loss of [superseded, superseded, refused]) losses.add(loss);
  await clock.advance(LOSS_LOG_INTERVAL_MS);
  losses.add(superseded);
  expect(said).toEqual([
    ["info", "Files that waited made way for newer ones.", 1],
    ["warn", "Records were given up.", 1],
    ["info", "Files that waited made way for newer ones.", 2],
  ]);
  expect(losses.counts).toMatchObject({ superseded: 3, refused: 1 });
});
