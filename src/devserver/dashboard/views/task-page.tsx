/** One task: what it is and how it goes, above the tab that the address names. */
import type { ComponentChildren } from "preact";
import { useContext, useEffect, useRef } from "preact/hooks";
import { isActive, taskProgress, type TaskDocument } from "../data/documents.js";
import { useProjectNames, useTask } from "../data/queries.js";
import { useShortcuts } from "../data/shortcuts.js";
import { useNow } from "../data/use-resource.js";
import { useTitle } from "../data/use-title.js";
import { formatCount, formatDateTime, formatDuration, parseTime } from "../format.js";
import { Link, NavigateContext } from "../navigation.js";
import { CopyButton } from "../parts/copy-button.js";
import { Loaded } from "../parts/notice.js";
import { ProgressBar } from "../parts/progress-bar.js";
import { StatusBadge } from "../parts/status-badge.js";
import { TimeAgo } from "../parts/time-text.js";
import { TASK_TABS, type TaskTab } from "../route.js";
import { ArtifactsTab } from "./artifacts-tab.js";
import { CallbacksTab } from "./callbacks-tab.js";
import { ConfigurationTab } from "./configuration-tab.js";
import { ConsoleTab } from "./console-tab.js";
import { InfoTab } from "./info-tab.js";
import { ModelsTab } from "./models-tab.js";
import { PlotsTab } from "./plots-tab.js";
import { SamplesTab } from "./samples-tab.js";
import { ScalarsTab } from "./scalars-tab.js";

const TAB_WORDS: Readonly<Record<TaskTab, string>> = {
  scalars: "Scalars",
  plots: "Plots",
  samples: "Debug samples",
  console: "Console",
  artifacts: "Artifacts",
  models: "Models",
  configuration: "Configuration",
  callbacks: "Callbacks",
  info: "Info",
};

export interface TaskPageProps {
  readonly project: string;
  readonly task: string;
  readonly tab: TaskTab;
  readonly item: string | undefined;
}

export function TaskPage({ project, task: id, tab, item }: TaskPageProps) {
  const resource = useTask(id);
  useTitle(resource.value?.name);
  return (
    <main data-view="task">
      <Loaded resource={resource} what="the task">
        {(task) => (
          <>
            <TaskHeader task={task} />
            <TaskTabs task={task} project={project} current={tab} />
            <section aria-label={TAB_WORDS[tab]}>
              <TabContent task={task} tab={tab} item={item} />
            </section>
          </>
        )}
      </Loaded>
    </main>
  );
}

function TaskTabs({ task, project, current }: { readonly task: TaskDocument; readonly project: string; readonly current: TaskTab }) {
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a narrow screen the tabs scroll; the one that is open must not be out of sight.
    const open = nav.current?.querySelector<HTMLElement>("[aria-current]");
    if (nav.current && open) nav.current.scrollLeft = open.offsetLeft - (nav.current.clientWidth - open.offsetWidth) / 2;
  }, [current]);
  const navigate = useContext(NavigateContext);
  const turn = (by: number): void => {
    const next = TASK_TABS[(TASK_TABS.indexOf(current) + by + TASK_TABS.length) % TASK_TABS.length];
    if (next !== undefined) navigate?.({ view: "task", project, task: task.id, tab: next, item: undefined });
  };
  useShortcuts("Task", [
    { keys: "]", does: "Next tab", run: () => turn(1) },
    { keys: "[", does: "Tab before", run: () => turn(-1) },
  ]);
  return (
    <nav class="tabs" aria-label="Task" ref={nav}>
      {TASK_TABS.map((name) => (
        <Link key={name} to={{ view: "task", project, task: task.id, tab: name, item: undefined }} current={name === current && "page"}>
          {TAB_WORDS[name]}
          <TabCount count={tabCount(task, name)} />
        </Link>
      ))}
    </nav>
  );
}

function TabContent({ task, tab, item }: { readonly task: TaskDocument; readonly tab: TaskTab; readonly item: string | undefined }) {
  switch (tab) {
    case "scalars":
      return <ScalarsTab task={task} />;
    case "plots":
      return <PlotsTab tasks={[task]} />;
    case "samples":
      return <SamplesTab tasks={[task]} />;
    case "console":
      return <ConsoleTab task={task} />;
    case "artifacts":
      return <ArtifactsTab task={task} selected={item} />;
    case "models":
      return <ModelsTab task={task} selected={item} />;
    case "configuration":
      return <ConfigurationTab task={task} />;
    case "callbacks":
      return <CallbacksTab task={task.id} />;
    case "info":
      return <InfoTab task={task} />;
  }
}

function TabCount({ count }: { readonly count: number }) {
  return count === 0 ? null : <span class="count">{formatCount(count)}</span>;
}

function tabCount(task: TaskDocument, tab: TaskTab): number {
  if (tab === "artifacts") return task.execution?.artifacts?.length ?? 0;
  if (tab === "models") return (task.models?.output?.length ?? 0) + (task.models?.input?.length ?? 0);
  return 0;
}

function TaskHeader({ task }: { readonly task: TaskDocument }) {
  const projects = useProjectNames();
  const percent = taskProgress(task);
  const tags = task.tags ?? [];
  const reason = [task.status_reason, task.status_message].filter((text) => text !== undefined && text !== "").join(". ");
  return (
    <header class="task-head">
      <p class="crumbs">
        <Link to={{ view: "tasks", project: "*" }}>Tasks</Link>
        <span aria-hidden="true">/</span>
        <Link to={{ view: "tasks", project: task.project ?? "*" }}>{projects.get(task.project ?? "") ?? "No project"}</Link>
      </p>
      <div class="title-row">
        <h1>{task.name ?? task.id}</h1>
        <StatusBadge status={task.status} />
      </div>
      {reason !== "" && !isActive(task) && task.status !== "completed" && <p class="reason">{reason}</p>}
      <dl class="facts">
        <Fact name="Started">{task.started === undefined ? "not yet" : <TimeAgo value={task.started} />}</Fact>
        <Fact name={task.completed === undefined ? "Running for" : "Took"}>
          <Elapsed task={task} />
        </Fact>
        <Fact name="Iteration">{formatCount(task.last_iteration ?? 0)}</Fact>
        <Fact name="Last update">
          <TimeAgo value={task.last_update} />
        </Fact>
        <Fact name="Type">{(task.type ?? "–").replaceAll("_", " ")}</Fact>
        <Fact name="Id">
          <code class="id">{task.id.slice(0, 8)}</code>
          <CopyButton text={task.id} what="task id" />
        </Fact>
        {tags.length > 0 && (
          <Fact name="Tags">
            {tags.map((tag) => (
              <span key={tag} class="tag">
                {tag}
              </span>
            ))}
          </Fact>
        )}
      </dl>
      {percent !== undefined && <ProgressBar percent={percent} status={task.status} label="Progress" />}
    </header>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Elapsed({ task }: { readonly task: TaskDocument }) {
  const now = useNow(1000);
  const started = parseTime(task.started);
  if (started === undefined) return <>–</>;
  const end = parseTime(task.completed) ?? (isActive(task) ? now : parseTime(task.last_update));
  return <span title={`Started ${formatDateTime(started)}`}>{formatDuration((end ?? now) - started)}</span>;
}
