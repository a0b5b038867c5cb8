/** A status that somebody else changes at the same moment: ClearML answers 400/121, and once that is worth another try. */
import { expect, it } from "vitest";
import { createClearML } from "../../../src/clearml/create-clearml.js";
import { TaskApi } from "../../../src/clearml/task-api.js";
import { changeStatus } from "../../../src/clearml/task-status-change.js";
import { FakeApi, failureOf, refusal } from "./fake-api.js";

const ID = "0".repeat(32);

/** A server at which somebody else is faster, so many times. */
function racing(times: number) {
  const server = new FakeApi();
  let left = times;
  server.respond = ({ endpoint }) => {
    if (endpoint === "tasks.get_all") return { data: { tasks: [{ id: ID, status: "stopped" }] } };
    return left-- > 0 ? refusal(400, 121, "Task status race") : { data: { updated: 1, fields: {} } };
  };
  const options = { apiHost: "http://api.test:8008", accessKey: "AKEY", secretKey: "ASECRET", transport: server, clock: server.clock };
  const api = new TaskApi(createClearML(options, {}), ID);
  return { change: () => changeStatus(api, "tasks.completed", {}, {}), asked: () => server.calls.map(({ endpoint }) => endpoint) };
}

it("a change that somebody else's change crossed is made once more", async () => {
  const { change, asked } = racing(1);
  expect(await change()).toMatchObject({ updated: 1 });
  expect(asked()).toEqual(["tasks.completed", "tasks.completed"]);
});

it("a change that is crossed again is refused with the status that the task has now", async () => {
  const { change, asked } = racing(2);
  expect(await failureOf(change())).toMatchObject({
    name: "TaskStatusError",
    taskId: ID,
    status: "stopped",
    cause: { status: 400, subcode: 121 },
  });
  expect(asked()).toEqual(["tasks.completed", "tasks.completed", "tasks.get_all"]);
});
