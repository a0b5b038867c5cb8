/** Names with their values, under a heading. */
import type { ComponentChildren } from "preact";

export interface KeyValueRow {
  readonly name: string;
  readonly value: ComponentChildren;
  /** Small print beside the value, such as its type. */
  readonly note?: string | undefined;
}

export interface KeyValueTableProps {
  readonly title: string;
  readonly rows: readonly KeyValueRow[];
}

export function KeyValueTable({ title, rows }: KeyValueTableProps) {
  return (
    <section class="key-values">
      <h2>{title}</h2>
      <table class="table">
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">{row.name}</th>
              <td>
                {row.value}
                {row.note !== undefined && row.note !== "" && <span class="note">{row.note}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
