import { expect, it } from "vitest";
import { silentLogger } from "../../../src/base/logger.js";
import { TrainerEmitter } from "../../../src/trainer/events.js";

it.each<[string, () => void]>([
  [
    "throws",
    () => {
      throw new Error("the bell is broken");
    },
  ],
  ["is async and rejects", () => Promise.reject(new Error("the bell is broken"))],
])("a listener that %s is logged, and neither its neighbours nor the process hear of it", async (_how, listener) => {
  const warnings: string[] = [];
  const heard: string[] = [];
  const emitter = new TrainerEmitter({ ...silentLogger, warn: (message) => void warnings.push(message) });
  emitter.on("bound", listener);
  emitter.on("bound", ({ id }) => void heard.push(id));
  emitter.emit("bound", { id: "task", projectId: undefined, webUrl: undefined });
  await new Promise(setImmediate);
  expect([heard, warnings]).toEqual([["task"], ["a listener of bound threw: the bell is broken"]]);
});
