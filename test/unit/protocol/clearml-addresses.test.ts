import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  artifactObjectPath,
  cleanObjectName,
  metricObjectPath,
  modelObjectPath,
  objectPathOfUrl,
  quoteObjectUrl,
} from "../../../src/protocol/clearml/object-path.js";
import { modelWebUrl, projectWebUrl, taskWebUrl } from "../../../src/protocol/clearml/web-urls.js";

const taskId = "b1f0".padEnd(32, "0");
const owner = { projectName: "Vision/Cats & dogs", taskName: "run 1", taskId };

describe("object paths", () => {
  it("keep spaces and slashes of project and task, and quote the rest", () => {
    expect(artifactObjectPath(owner, "model stats", "stats.json")).toBe(
      `Vision/Cats %26 dogs/run 1.${taskId}/artifacts/model stats/stats.json`,
    );
    expect(modelObjectPath({ ...owner, taskName: "a/b: ü" }, "w:1.pt")).toBe(`Vision/Cats %26 dogs/a/b%3A %C3%BC.${taskId}/models/w:1.pt`);
  });

  it("of a task without a project begin with the task's own folder", () => {
    expect(modelObjectPath({ ...owner, projectName: "" }, "w.pt")).toBe(`run 1.${taskId}/models/w.pt`);
  });

  it("spell out what artifacts and files must not hold", () => {
    expect(cleanObjectName("a/b\\c")).toBe("a.slash.b.slash.c");
    expect(cleanObjectName("/a/")).toBe("a");
    expect(cleanObjectName("50%?\r\n")).toBe("500x250x3f0x0d0x0a");
    expect(metricObjectPath(owner, "loss", "a=b", "x.png")).toContain("/metrics/loss/a0x3db/x.png");
  });

  it("turn a name that is too long into a digest and keep its extension", () => {
    const cleaned = cleanObjectName(`${"x".repeat(300)}.json`);
    expect(cleaned).toMatch(/^[0-9a-f]{32}\.json$/);
    expect(cleaned).not.toBe(cleanObjectName(`${"y".repeat(300)}.json`));
  });

  it("cut folders that are too long, ids kept", () => {
    const path = artifactObjectPath(
      { projectName: "p".repeat(300), projectId: "q".repeat(32), taskName: "t".repeat(300), taskId },
      "a",
      "f",
    );
    const [project, task] = path.split("/");
    expect(project).toHaveLength(256);
    expect(project).toMatch(/p\.q{32}$/);
    expect(task).toHaveLength(128);
    expect(task?.endsWith(`t.${taskId}`)).toBe(true);
  });
});

describe("addresses of objects", () => {
  it("quote the path once more, so that a name's own escapes survive", () => {
    expect(quoteObjectUrl("http://files:8081/", "a b/c%3Ad")).toBe("http://files:8081/a%20b/c%253Ad");
  });

  it("give the path back when decoded once, whatever it holds", () => {
    const paths = fc
      .string({ minLength: 1, unit: fc.constantFrom("a", "/", " ", "%", "3", "ü", "?", "#", "&") })
      .filter((path) => !path.startsWith("/"));
    fc.assert(fc.property(paths, (path) => objectPathOfUrl("http://f", quoteObjectUrl("http://f", path)) === path));
  });

  it("do not belong to another host", () => {
    expect(objectPathOfUrl("http://files:8081", "http://files:8081.evil.example/x")).toBeUndefined();
    expect(objectPathOfUrl("http://files:8081", "http://files:8081/%zz")).toBeUndefined();
  });
});

describe("addresses of pages", () => {
  it("lead to a task's console, with * for a project that is not known", () => {
    expect(taskWebUrl("http://web:8080/", { taskId: "t", projectId: "p" })).toBe("http://web:8080/projects/p/experiments/t/output/log");
    expect(taskWebUrl("http://web:8080", { taskId: "t" })).toBe("http://web:8080/projects/*/experiments/t/output/log");
  });

  it("lead to a model and to a project's tasks", () => {
    expect(modelWebUrl("http://web", { modelId: "m", projectId: "p" })).toBe("http://web/projects/p/models/m/general");
    expect(projectWebUrl("http://web", "p")).toBe("http://web/projects/p/tasks");
    expect(projectWebUrl("http://web")).toBe("http://web/projects/*/tasks");
  });
});
