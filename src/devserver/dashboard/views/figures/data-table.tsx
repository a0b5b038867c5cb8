/** Rows of texts under a heading, in a place of bounded height. */
import type { TablePanel } from "../../data/figures/figure.js";
import { formatCount } from "../../format.js";

/** Rows drawn at most: a table of a million rows is not read, it is downloaded. */
const MOST_ROWS = 500;
const MOST_COLUMNS = 200;

export function DataTable({ table, title }: { readonly table: TablePanel; readonly title: string }) {
  const rows = table.rows.slice(0, MOST_ROWS);
  return (
    <>
      <div class="points figure-table" tabIndex={0} role="region" aria-label={`Table ${title}`}>
        <table>
          <thead>
            <tr>
              {table.header.slice(0, MOST_COLUMNS).map((name, index) => (
                <th key={index} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              <tr key={index}>
                {row.slice(0, MOST_COLUMNS).map((cell, column) => (
                  <td key={column}>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {(table.rows.length > MOST_ROWS || table.header.length > MOST_COLUMNS) && (
        <p class="figure-note">
          The first {formatCount(MOST_ROWS)} of {formatCount(table.rows.length)} rows and {formatCount(MOST_COLUMNS)} of{" "}
          {formatCount(table.header.length)} columns at most.
        </p>
      )}
    </>
  );
}
