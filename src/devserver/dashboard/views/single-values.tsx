/** Values that have no iteration: of one task as tiles, of several as columns beside each other. */
import { compareNames, taskLabels } from "../data/chart-data.js";
import type { SingleValueDocument, TaskDocument } from "../data/documents.js";
import type { TaskSingleValues } from "../data/queries.js";
import { formatNumber } from "../format.js";

/** ClearML's name for the metric of single values; it is not worth showing. */
const SUMMARY = "Summary";

export function SummaryTiles({ values }: { readonly values: readonly SingleValueDocument[] }) {
  const sorted = [...values].sort((a, b) => compareNames(a.variant, b.variant));
  return (
    <dl class="summary" aria-label="Single values">
      {sorted.map((value) => (
        <div key={`${value.metric}/${value.variant}`}>
          <dt>{nameOf(value)}</dt>
          <dd title={String(value.value)}>{formatNumber(value.value)}</dd>
        </div>
      ))}
    </dl>
  );
}

export interface SummaryTableProps {
  readonly tasks: readonly TaskDocument[];
  readonly values: readonly TaskSingleValues[];
}

export function SummaryTable({ tasks, values }: SummaryTableProps) {
  const byTask = new Map(values.map(({ task, values: own }) => [task, new Map(own.map((value) => [nameOf(value), value.value]))]));
  const names = [...new Set([...byTask.values()].flatMap((own) => [...own.keys()]))].sort(compareNames);
  const labels = taskLabels(tasks);
  return (
    <div class="scroll summary-table" tabIndex={0} role="region" aria-label="Single values">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Value</th>
            {tasks.map((task) => (
              <th key={task.id} scope="col" class="number">
                {labels.get(task.id)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {tasks.map((task) => (
                <td key={task.id} class="number">
                  {formatNumber(byTask.get(task.id)?.get(name))}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function nameOf({ metric, variant }: SingleValueDocument): string {
  return metric === SUMMARY ? variant : `${metric} ${variant}`;
}
