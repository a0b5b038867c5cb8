import { describe, expect, it } from "vitest";
import { COMPARE_TABS, parseRoute, routePath, TASK_TABS, type Route } from "../../../../src/devserver/dashboard/route.js";

const TASK = "0123456789abcdef0123456789abcdef";
const PROJECT = "fedcba9876543210fedcba9876543210";

describe("addresses of the dashboard", () => {
  it.each([
    // What the official Python SDK prints, then what ClearML's web app has in its address bar.
    [`/projects/${PROJECT}/experiments/${TASK}/output/log`, "console", undefined],
    [`/projects/*/experiments/${TASK}/output/log`, "console", undefined],
    [`/projects/*/tasks/${TASK}/output/log`, "console", undefined],
    [`/projects/*/experiments/${TASK}/output/metrics/scalar`, "scalars", undefined],
    [`/projects/*/experiments/${TASK}/info-output/metrics/scalar`, "scalars", undefined],
    [`/projects/*/experiments/${TASK}/output/metrics/plots`, "plots", undefined],
    [`/projects/*/experiments/${TASK}/output/debugImages`, "samples", undefined],
    [`/projects/*/experiments/${TASK}/output/artifacts`, "artifacts", undefined],
    [`/projects/*/experiments/${TASK}/output/artifacts/artifact/checkpoint_best/output`, "artifacts", "checkpoint_best"],
    [`/projects/*/experiments/${TASK}/artifacts/artifact/model%20stats/output`, "artifacts", "model stats"],
    [`/projects/*/experiments/${TASK}/output/artifacts/output-model/abc`, "models", "abc"],
    [`/projects/*/experiments/${TASK}/output/artifacts/input-model/abc`, "models", "abc"],
    [`/projects/*/experiments/${TASK}/output/execution`, "configuration", undefined],
    [`/projects/*/experiments/${TASK}/output/hyper-params/hyper-param/General`, "configuration", "General"],
    [`/projects/*/experiments/${TASK}/hyper-params/configuration/job`, "configuration", "job"],
    [`/projects/*/experiments/${TASK}/output/general`, "info", undefined],
    [`/projects/*/experiments/${TASK}/output/callbacks`, "callbacks", undefined],
    [`/projects/*/experiments/${TASK}`, "scalars", undefined],
    [`/projects/*/experiments/${TASK}/output/something-new`, "scalars", undefined],
    [`/pipelines/${PROJECT}/tasks/${TASK}`, "scalars", undefined],
    [`/datasets/simple/${PROJECT}/tasks/${TASK}`, "scalars", undefined],
    [`/reports/${PROJECT}/${TASK}`, "scalars", undefined],
  ])("opens %s on the tab %s", (path, tab, item) => {
    expect(parseRoute(path)).toMatchObject({ view: "task", task: TASK, tab, item });
  });

  it.each(["/", "/dashboard", "/projects/*/tasks", "/projects/*", "/projects/*/overview", "/login"])(
    "opens %s on the list of all tasks",
    (path) => {
      expect(parseRoute(path)).toEqual({ view: "tasks", project: "*" });
    },
  );

  it("opens a project on its own tasks, and all projects without one", () => {
    expect(parseRoute(`/projects/${PROJECT}/tasks`)).toEqual({ view: "tasks", project: PROJECT });
    expect(parseRoute("/projects")).toEqual({ view: "projects" });
  });

  it.each([
    ["scalars/values", "scalars"],
    ["scalars/graph", "scalars"],
    ["metrics-plots", "plots"],
    ["debug-images", "samples"],
    ["hyper-params/values", "configuration"],
    ["details", "configuration"],
    ["", "scalars"],
  ])("opens a comparison of ClearML's on the tab that %j means", (path, tab) => {
    const expected = { view: "compare", project: PROJECT, tasks: ["a", "b"], tab };
    expect(parseRoute(`/projects/${PROJECT}/compare-tasks;ids=a,b,a/${path}`)).toEqual(expected);
    expect(parseRoute(`/projects/${PROJECT}/compare-experiments;ids=a,b/${path}`)).toEqual(expected);
  });

  it("shows the tasks for a comparison of none", () => {
    expect(parseRoute("/projects/*/compare-tasks;ids=/scalars")).toEqual({ view: "tasks", project: "*" });
  });

  it("opens a model's address on the model, whatever its tab", () => {
    expect(parseRoute(`/projects/${PROJECT}/models/${TASK}/general`)).toEqual({ view: "model", project: PROJECT, model: TASK });
    expect(parseRoute(`/projects/*/models/${TASK}/scalars`)).toEqual({ view: "model", project: "*", model: TASK });
    expect(parseRoute(`/projects/${PROJECT}/models`)).toEqual({ view: "models", project: PROJECT });
  });

  it("says that it has no view for an address of another kind, and survives a broken escape", () => {
    expect(parseRoute("/workers-and-queues/workers")).toMatchObject({ view: "unknown" });
    expect(parseRoute("/projects/%E0%A4%A/tasks")).toEqual({ view: "tasks", project: "%E0%A4%A" });
  });

  it("reads every address that it writes", () => {
    const routes: Route[] = [
      { view: "tasks", project: "*" },
      { view: "tasks", project: PROJECT },
      { view: "projects" },
      ...COMPARE_TABS.map((tab): Route => ({ view: "compare", project: "*", tasks: [TASK, "other"], tab })),
      { view: "models", project: "*" },
      { view: "model", project: PROJECT, model: TASK },
      { view: "callbacks" },
      ...TASK_TABS.map((tab): Route => ({ view: "task", project: PROJECT, task: TASK, tab, item: undefined })),
      { view: "task", project: "*", task: TASK, tab: "models", item: "a/b c" },
    ];
    for (const route of routes) expect(parseRoute(routePath(route))).toEqual(route);
  });
});
