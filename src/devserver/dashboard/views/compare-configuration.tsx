/** Hyperparameters of several tasks in columns; those that differ stand out, the others can be left out. */
import { useState } from "preact/hooks";
import { taskLabels } from "../data/chart-data.js";
import type { TaskDocument } from "../data/documents.js";
import { compareParameters, type ComparedParameter } from "../data/parameter-differences.js";
import { formatCount } from "../format.js";
import { EmptyState } from "../parts/notice.js";

export function CompareConfiguration({ tasks }: { readonly tasks: readonly TaskDocument[] }) {
  const [onlyDifferences, setOnlyDifferences] = useState(true);
  const sections = compareParameters(tasks);
  const all = sections.flatMap((section) => section.parameters);
  if (all.length === 0) return <EmptyState title="No hyperparameters or configuration" />;
  const different = all.filter((parameter) => parameter.differs).length;
  return (
    <>
      <div class="toolbar">
        <label class="check">
          <input
            type="checkbox"
            checked={onlyDifferences}
            onChange={(event) => {
              setOnlyDifferences(event.currentTarget.checked);
            }}
          />
          Only differences
        </label>
        <span class="toolbar-note">
          {formatCount(different)} of {formatCount(all.length)} differ
        </span>
      </div>
      {onlyDifferences && different === 0 && <EmptyState title="Nothing differs" />}
      {sections.map((section) => {
        const parameters = section.parameters.filter((parameter) => parameter.differs || !onlyDifferences);
        return parameters.length > 0 && <SectionTable key={section.name} title={section.name} parameters={parameters} tasks={tasks} />;
      })}
    </>
  );
}

interface SectionTableProps {
  readonly title: string;
  readonly parameters: readonly ComparedParameter[];
  readonly tasks: readonly TaskDocument[];
}

function SectionTable({ title, parameters, tasks }: SectionTableProps) {
  const labels = taskLabels(tasks);
  return (
    <section class="key-values differences">
      <h2>{title}</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label={title}>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Name</th>
              {tasks.map((task) => (
                <th key={task.id} scope="col">
                  {labels.get(task.id)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {parameters.map((parameter) => (
              <tr key={parameter.name} data-differs={parameter.differs || undefined}>
                <th scope="row">{parameter.name}</th>
                {parameter.values.map((value, index) => (
                  <td key={tasks[index]?.id}>{value === undefined ? <span class="muted">not set</span> : value}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
