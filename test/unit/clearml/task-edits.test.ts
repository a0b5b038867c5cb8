import { describe, expect, it } from "vitest";
import { ENDPOINTS } from "../../../src/protocol/clearml/endpoints.js";
import { artifactItem, checkpointArtifact } from "../../../src/sinks/clearml/artifact-items.js";
import {
  configurationItem,
  editTags,
  namedParameters,
  putArtifact,
  setConfiguration,
  setParameters,
  setRuntime,
} from "../../../src/clearml/task-edits.js";
import { checkpoint, line, record, storedFile } from "../sinks/clearml/facts.js";
import { raise, refusal, scriptedPort, type ScriptedPort, type Loose } from "../sinks/clearml/scripted-port.js";

const calls = (port: ScriptedPort) => ({ port, taskId: "task", projectId: undefined, signal: new AbortController().signal });
/** A task that somebody ended: the atomic way is closed. */
const ended = (endpoint: string, task: object) => ({
  [endpoint]: () => raise(refusal(400, 110)),
  "tasks.get_all": () => ({ tasks: [{ id: "task", status: "completed", ...task }] }),
  "tasks.edit": () => ({ updated: 1 }),
});

describe("artifacts", () => {
  it("files a checkpoint under its type, with its facts as rows and its time in seconds", () => {
    const own = record(1, checkpoint({ isBest: true, metrics: { loss: 0.5 }, metadata: { note: "2024-01-31", n: 3, key: "mine" } }));
    const item = checkpointArtifact(own, own.fact as never);
    expect(item).toMatchObject({
      key: "checkpoint_best",
      type: "custom",
      mode: "output",
      uri: storedFile().uri,
      hash: storedFile().sha256,
      content_size: 1234,
      timestamp: Math.floor(own.createdAtMs / 1000),
      type_data: { content_type: "application/octet-stream" },
    });
    expect(Object.fromEntries(item.display_data as string[][])).toMatchObject({
      type: "best",
      is_best: "true",
      key: storedFile().key,
      epoch: "3",
      "metrics/loss": "0.5",
      note: "2024-01-31 ",
      n: "3",
    });
    expect(ENDPOINTS["tasks.add_or_update_artifacts"].request.safeParse({ task: "t", artifacts: [item] }).success).toBe(true);
  });

  it("files an artifact as the caller named it, with a preview that ClearML takes", () => {
    const item = artifactItem(record(1, line("")), {
      kind: "artifact",
      name: "12:34:56",
      type: "dict",
      uri: "https://x/y",
      preview: "p".repeat(70_000),
      metadata: { rows: "100" },
    });
    expect(item.key).toBe("12:34:56_");
    expect(item.type_data?.preview?.length).toBeLessThanOrEqual(65_536);
    expect(item.type_data?.preview).toMatch(/^p{65000}p*/);
    expect(item.display_data).toEqual([["rows", "100"]]);
    expect(item).not.toHaveProperty("hash");
  });

  it("goes through the whole list when somebody ended the task, and keeps the others", async () => {
    const artifacts = [
      { key: "other", type: "custom", mode: "output", uri: "u", unknown: "field", display_data: [["a", 1]] },
      { key: "checkpoint_best", type: "custom", mode: "output", uri: "old" },
      { key: "checkpoint_best", type: "custom", mode: "input", uri: "not mine" },
    ];
    const port = scriptedPort(ended("tasks.add_or_update_artifacts", { execution: { artifacts } }));
    const own = record(1, checkpoint());
    await putArtifact(calls(port), checkpointArtifact(own, own.fact as never));
    const [edit] = port.requests("tasks.edit");
    expect(edit).toMatchObject({ task: "task", force: true });
    expect(edit.execution.artifacts.map(({ key, uri }: Loose) => [key, uri])).toEqual([
      ["other", "u"],
      ["checkpoint_best", "not mine"],
      ["checkpoint_best", storedFile().uri],
    ]);
    expect(ENDPOINTS["tasks.edit"].request.safeParse(edit).error).toBeUndefined();
  });

  it("leaves a published task alone", async () => {
    const port = scriptedPort({
      ...ended("tasks.add_or_update_artifacts", {}),
      "tasks.get_all": () => ({ tasks: [{ id: "task", status: "published" }] }),
    });
    const own = record(1, checkpoint());
    await expect(putArtifact(calls(port), checkpointArtifact(own, own.fact as never))).rejects.toMatchObject({ subcode: 110 });
    expect(port.requests("tasks.edit")).toEqual([]);
  });

  it("takes no other refusal for an ended task", async () => {
    const port = scriptedPort({ "tasks.add_or_update_artifacts": () => raise(refusal(400, 12)) });
    const own = record(1, checkpoint());
    await expect(putArtifact(calls(port), checkpointArtifact(own, own.fact as never))).rejects.toMatchObject({ subcode: 12 });
  });
});

describe("parameters, configuration, runtime and tags", () => {
  const fact = {
    kind: "hyperparameters",
    section: "General",
    values: { since: { value: "2024-01-31", type: "str" }, "optim/lr": { value: "0.1", type: "float" } },
  } as const;

  it("merges hyperparameters, and guards a value that the server would take for a date", async () => {
    const port = scriptedPort({ "tasks.edit_hyper_params": () => ({ updated: 1 }) });
    await setParameters(calls(port), namedParameters(fact));
    expect(port.requests("tasks.edit_hyper_params")).toEqual([
      {
        task: "task",
        replace_hyperparams: "none",
        force: true,
        hyperparams: [
          { section: "General", name: "since", value: "2024-01-31 ", type: "str" },
          { section: "General", name: "optim/lr", value: "0.1", type: "float" },
        ],
      },
    ]);
  });

  it("asks for nothing when there is nothing to set", async () => {
    const port = scriptedPort();
    await setParameters(calls(port), []);
    await editTags(calls(port), { kind: "tags", add: [], remove: [] });
    expect(port.calls).toEqual([]);
  });

  it("keeps the hyperparameters of an ended task that it does not set", async () => {
    const port = scriptedPort(
      ended("tasks.edit_hyper_params", {
        hyperparams: {
          Args: { a: { section: "Args", name: "a", value: "1" } },
          General: { since: { section: "General", name: "since", value: "old" }, kept: { section: "General", name: "kept", value: "x" } },
        },
      }),
    );
    await setParameters(calls(port), namedParameters(fact));
    const { hyperparams } = port.requests("tasks.edit")[0];
    expect(Object.keys(hyperparams)).toEqual(["Args", "General"]);
    expect(hyperparams.General).toMatchObject({ since: { value: "2024-01-31 " }, kept: { value: "x" }, "optim/lr": { value: "0.1" } });
  });

  it("keeps the configuration and the runtime of an ended task that it does not set", async () => {
    const port = scriptedPort(ended("tasks.edit_configuration", { configuration: { kept: { name: "kept", value: "x" } } }));
    await setConfiguration(calls(port), configurationItem({ name: "new", text: "{}", type: "json" }));
    expect(port.requests("tasks.edit")[0].configuration).toMatchObject({ kept: { value: "x" }, new: { value: "{}", type: "json" } });
    const runtime = scriptedPort(ended("tasks.edit_runtime", { runtime: { kept: 1 } }));
    await setRuntime(calls(runtime), { outcome: "{}" });
    expect(runtime.requests("tasks.edit")[0].runtime).toEqual({ kept: 1, outcome: "{}" });
  });

  it("adds and removes tags in one call", async () => {
    const port = scriptedPort({ "tasks.update_tags": () => ({ updated: 1 }) });
    await editTags(calls(port), { kind: "tags", add: ["prod", "2024-01-31"], remove: ["old"] });
    expect(port.requests("tasks.update_tags")).toEqual([{ ids: ["task"], add_tags: ["prod", "2024-01-31_"], remove_tags: ["old"] }]);
  });
});
