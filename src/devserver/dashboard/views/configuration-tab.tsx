/** What a task was started with: hyperparameters by section, configuration objects as text. */
import type { TaskDocument } from "../data/documents.js";
import { CopyButton } from "../parts/copy-button.js";
import { KeyValueTable } from "../parts/key-value-table.js";
import { EmptyState } from "../parts/notice.js";

export function ConfigurationTab({ task }: { readonly task: TaskDocument }) {
  const sections = Object.entries(task.hyperparams ?? {}).filter(([, values]) => Object.keys(values).length > 0);
  const objects = Object.entries(task.configuration ?? {});
  if (sections.length === 0 && objects.length === 0) {
    return (
      <EmptyState title="No hyperparameters or configuration">
        <p class="muted">
          The job&rsquo;s configuration (<code>CONFIG</code> or <code>TRAINER_CONFIG_FILE</code>) is shown here, and whatever the training
          connects to the task.
        </p>
      </EmptyState>
    );
  }
  return (
    <>
      {sections.map(([section, values]) => (
        <KeyValueTable
          key={section}
          title={section}
          rows={Object.entries(values)
            .sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }))
            .map(([name, entry]) => ({ name: entry.name ?? name, value: entry.value ?? "", note: entry.type }))}
        />
      ))}
      {objects.map(([name, entry]) => (
        <section key={name} class="key-values">
          <h2>{entry.name ?? name}</h2>
          {entry.description !== undefined && entry.description !== "" && <p class="muted">{entry.description}</p>}
          <div class="code-block">
            <pre tabIndex={0}>{entry.value ?? ""}</pre>
            <CopyButton text={entry.value ?? ""} what={name} />
          </div>
        </section>
      ))}
    </>
  );
}
