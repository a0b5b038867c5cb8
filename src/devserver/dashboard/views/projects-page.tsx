/** All projects as a tree, each with how many tasks it and those below it have. */
import { useMemo, useState } from "preact/hooks";
import type { ProjectDocument } from "../data/documents.js";
import { filterTree, toProjectTree, visibleNodes, type ProjectNode } from "../data/project-tree.js";
import { PAGE_SIZE, useProjects } from "../data/queries.js";
import { useTitle } from "../data/use-title.js";
import { formatCount } from "../format.js";
import { Link } from "../navigation.js";
import { EmptyState, Loaded } from "../parts/notice.js";
import { TimeAgo } from "../parts/time-text.js";

export function ProjectsPage() {
  useTitle("Projects");
  const projects = useProjects();
  const [search, setSearch] = useState("");
  return (
    <main data-view="projects">
      <header class="page-head">
        <h1>Projects</h1>
      </header>
      <Loaded resource={projects} what="the projects">
        {(all) =>
          all.length === 0 ? (
            <EmptyState title="No projects yet">
              <p class="muted">
                A project appears with its first task: <code>CLEARML_PROJECT</code> names it, with slashes for projects within projects.
              </p>
            </EmptyState>
          ) : (
            <>
              <div class="toolbar">
                <input
                  type="search"
                  aria-label="Filter projects by name"
                  placeholder="Filter by name"
                  value={search}
                  onInput={(event) => {
                    setSearch(event.currentTarget.value);
                  }}
                />
                <span class="toolbar-note">
                  {all.length >= PAGE_SIZE
                    ? `first ${formatCount(PAGE_SIZE)}`
                    : `${formatCount(all.length)} ${all.length === 1 ? "project" : "projects"}`}
                </span>
              </div>
              <ProjectTable projects={all} search={search} />
            </>
          )
        }
      </Loaded>
    </main>
  );
}

function ProjectTable({ projects, search }: { readonly projects: readonly ProjectDocument[]; readonly search: string }) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const tree = useMemo(() => toProjectTree(projects), [projects]);
  const nodes = visibleNodes(filterTree(tree, search), (node) => search.trim() !== "" || !closed.has(node.project.id));
  if (nodes.length === 0) return <EmptyState title="No project matches" />;
  const toggle = (id: string): void => {
    const next = new Set(closed);
    if (!next.delete(id)) next.add(id);
    setClosed(next);
  };
  return (
    <table class="table projects">
      <thead>
        <tr>
          <th scope="col">Project</th>
          <th scope="col" class="number">
            Tasks
          </th>
          <th scope="col" class="number">
            Running
          </th>
          <th scope="col" class="number">
            Completed
          </th>
          <th scope="col" class="number">
            Failed
          </th>
          <th scope="col">Models</th>
          <th scope="col" class="number">
            Last change
          </th>
        </tr>
      </thead>
      <tbody>
        {nodes.map((node) => (
          <ProjectRow key={node.project.id} node={node} isOpen={!closed.has(node.project.id)} onToggle={toggle} />
        ))}
      </tbody>
    </table>
  );
}

interface ProjectRowProps {
  readonly node: ProjectNode;
  readonly isOpen: boolean;
  readonly onToggle: (id: string) => void;
}

function ProjectRow({ node, isOpen, onToggle }: ProjectRowProps) {
  const { project, name, depth, children } = node;
  const counts = project.stats?.active;
  const count = (...statuses: readonly string[]): number =>
    statuses.reduce((sum, status) => sum + (counts?.status_count?.[status] ?? 0), 0);
  return (
    <tr data-project={project.id}>
      <th scope="row">
        <span class="tree-name" style={{ paddingLeft: `${String(Math.min(depth, 6) * 20)}px` }}>
          {children.length > 0 ? (
            <button
              type="button"
              class="tree-toggle"
              aria-expanded={isOpen}
              aria-label={`Projects in ${name}`}
              onClick={() => {
                onToggle(project.id);
              }}
            />
          ) : (
            <span class="tree-leaf" />
          )}
          <Link to={{ view: "tasks", project: project.id }}>{name}</Link>
        </span>
      </th>
      <td class="number" data-label="Tasks">
        {formatCount(counts?.total_tasks ?? 0)}
      </td>
      <CountCell label="Running" count={count("in_progress", "queued", "publishing")} />
      <CountCell label="Completed" count={count("completed", "published", "closed")} />
      <CountCell label="Failed" count={count("failed", "stopped")} />
      <td data-label="Models">
        <Link to={{ view: "models", project: project.id }}>Models</Link>
      </td>
      <td class="number muted" data-label="Changed">
        <TimeAgo value={project.last_update} />
      </td>
    </tr>
  );
}

function CountCell({ label, count }: { readonly label: string; readonly count: number }) {
  return (
    <td class={count === 0 ? "number muted" : "number"} data-label={label} data-zero={count === 0 || undefined}>
      {formatCount(count)}
    </td>
  );
}
