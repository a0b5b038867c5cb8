/** The rest of a task's document that a person may look for. */
import type { TaskDocument } from "../data/documents.js";
import { formatDateTime, parseTime } from "../format.js";
import { CopyButton } from "../parts/copy-button.js";
import { KeyValueTable, type KeyValueRow } from "../parts/key-value-table.js";
import { statusWord } from "../parts/status-badge.js";

export function InfoTab({ task }: { readonly task: TaskDocument }) {
  return (
    <>
      <KeyValueTable
        title="Task"
        rows={[
          {
            name: "Id",
            value: (
              <>
                <code>{task.id}</code>
                <CopyButton text={task.id} what="task id" />
              </>
            ),
          },
          { name: "Status", value: statusWord(task.status) },
          ...present("Status reason", task.status_reason),
          ...present("Status message", task.status_message),
          ...present("Comment", task.comment),
          ...present("Parent", task.parent),
          ...present("Worker", task.last_worker),
          ...present("Output destination", task.output?.destination),
          { name: "Created", value: formatDateTime(parseTime(task.created)) },
          { name: "Started", value: formatDateTime(parseTime(task.started)) },
          { name: "Completed", value: formatDateTime(parseTime(task.completed)) },
          { name: "Last update", value: formatDateTime(parseTime(task.last_update)) },
          ...present("System tags", task.system_tags?.join(", ")),
        ]}
      />
      <ObjectTable title="Runtime" object={task.runtime} />
      <ObjectTable title="Script" object={task.script} />
      <ObjectTable title="Container" object={task.container} />
    </>
  );
}

function present(name: string, value: string | undefined): KeyValueRow[] {
  return value === undefined || value === "" ? [] : [{ name, value }];
}

function ObjectTable({ title, object }: { readonly title: string; readonly object: Readonly<Record<string, unknown>> | undefined }) {
  const rows = Object.entries(object ?? {})
    .map(([name, value]) => ({ name, value: typeof value === "string" ? value : JSON.stringify(value) }))
    .filter((row) => row.value !== "" && row.value !== "{}" && row.value !== "null");
  return rows.length === 0 ? null : <KeyValueTable title={title} rows={rows} />;
}
