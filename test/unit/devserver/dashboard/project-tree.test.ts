import { describe, expect, it } from "vitest";
import { filterTree, toProjectTree, visibleNodes, type ProjectNode } from "../../../../src/devserver/dashboard/data/project-tree.js";

const projects = ["Vision/Detection 10", "Language", "Vision/Detection 9", "Vision", "Lost/Child", "Vision/Detection 9/Night"].map(
  (name) => ({
    id: name,
    name,
  }),
);

const outline = (nodes: readonly ProjectNode[]) => nodes.map((node) => "  ".repeat(node.depth) + node.name);

describe("the tree of projects", () => {
  it("lies as the names say, in order, numbers by their value; one without its parent stands at the top", () => {
    expect(outline(visibleNodes(toProjectTree(projects), () => true))).toEqual([
      "Language",
      "Lost/Child",
      "Vision",
      "  Detection 9",
      "    Night",
      "  Detection 10",
    ]);
  });

  it("hides what lies in a closed project", () => {
    const shown = visibleNodes(toProjectTree(projects), (node) => node.name !== "Vision");
    expect(outline(shown)).toEqual(["Language", "Lost/Child", "Vision"]);
  });

  it("keeps what matches, the way to it, and all that lies in it", () => {
    expect(outline(visibleNodes(filterTree(toProjectTree(projects), " NIGHT"), () => true))).toEqual([
      "Vision",
      "  Detection 9",
      "    Night",
    ]);
    expect(outline(visibleNodes(filterTree(toProjectTree(projects), "detection 9"), () => true))).toHaveLength(3);
    expect(filterTree(toProjectTree(projects), "nothing")).toEqual([]);
  });
});
