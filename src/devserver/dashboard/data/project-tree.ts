/** Projects as the tree that their names spell: `A/B` lies in `A`. Pure. */
import type { ProjectDocument } from "./documents.js";

/** One project, with what lies in it. */
export interface ProjectNode {
  readonly project: ProjectDocument;
  /** Last part of its name. */
  readonly name: string;
  /** 0 at the top. */
  readonly depth: number;
  readonly children: readonly ProjectNode[];
}

/** Roots and children in order of name. A project whose parent is not in the list stands at the top, with its whole name. */
export function toProjectTree(projects: readonly ProjectDocument[]): ProjectNode[] {
  const byName = new Map(projects.map((project) => [nameOf(project), project]));
  const children = Map.groupBy(projects, (project) => {
    const parent = parentName(nameOf(project));
    return parent !== undefined && byName.has(parent) ? parent : undefined;
  });
  const nodesOf = (parent: string | undefined, depth: number): ProjectNode[] =>
    [...(children.get(parent) ?? [])]
      .sort((a, b) => nameOf(a).localeCompare(nameOf(b), "en", { numeric: true }))
      .map((project) => {
        const name = nameOf(project);
        return {
          project,
          name: parent === undefined ? name : name.slice(parent.length + 1),
          depth,
          children: nodesOf(name, depth + 1),
        };
      });
  return nodesOf(undefined, 0);
}

/** The rows of the tree that are shown, top down: what `isOpen` says no to keeps its children to itself. */
export function visibleNodes(roots: readonly ProjectNode[], isOpen: (node: ProjectNode) => boolean): ProjectNode[] {
  return roots.flatMap((node) => [node, ...(isOpen(node) ? visibleNodes(node.children, isOpen) : [])]);
}

/** Those whose name contains `text`, and what leads to them; all of them without `text`. */
export function filterTree(roots: readonly ProjectNode[], text: string): ProjectNode[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return [...roots];
  return roots.flatMap((node) => {
    if (nameOf(node.project).toLowerCase().includes(wanted)) return [node];
    const children = filterTree(node.children, text);
    return children.length === 0 ? [] : [{ ...node, children }];
  });
}

function nameOf(project: ProjectDocument): string {
  return project.name ?? project.id;
}

function parentName(name: string): string | undefined {
  const slash = name.lastIndexOf("/");
  return slash <= 0 ? undefined : name.slice(0, slash);
}
