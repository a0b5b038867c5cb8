/**
 * The report of a verification as one HTML page that needs nothing else: no server, no font, no script of others. It opens from a
 * mail or an archive years later. What MLflow or ClearML said is text and never markup. Pure.
 */
import { createHash } from "node:crypto";
import type { Difference } from "./differences.js";
import { PAGE_SCRIPT } from "./verification-page-script.js";
import { PAGE_STYLE } from "./verification-page-style.js";
import { verdictOf } from "./verdict.js";
import type { VerificationReport } from "./verify-migration.js";

/**
 * The page.
 *
 * @param report - Its lists of runs may be of any length: the page shows a hundred at a time, and finds by name or id.
 * @param madeAt - When the verification ended.
 */
export function verificationPage(report: VerificationReport, madeAt: Date): string {
  const { ok, interrupted, differencesTotal } = report;
  const mood = ok ? "good" : "bad";
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src '${digestOf(PAGE_SCRIPT)}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(ok ? "Proved" : "Not proved")}: MLflow in ClearML</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header class="${mood}">
<p class="kind">Verification of a migration from MLflow to ClearML</p>
<h1>${text(verdictOf(report))}</h1>
<p>Read anew from both sides: <code>${text(report.trackingUri)}</code>, moved as <code>${text(report.sourceId)}</code>.
Ended <time datetime="${madeAt.toISOString()}">${text(madeAt.toISOString().replace("T", " ").replace(/\..*/, " UTC"))}</time>.</p>
</header>
<main>
${totals(report)}
${section("Differences", differencesTotal === 0 ? `<p>${interrupted ? "None until it was stopped." : "None."}</p>` : differences(report))}
${report.uncomparedTotal === 0 ? "" : section("In MLflow alone", uncompared(report))}
${report.troubles.length === 0 ? "" : section("Damaged in MLflow", troubles(report))}
${section("Experiments", experiments(report))}
${section("Shown otherwise, and why", lossy(report))}
${section("Runs", runs(report))}
</main>
<script type="application/json" id="data">${data(report)}</script>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

function section(title: string, content: string): string {
  return `<section><h2>${text(title)}</h2>${content}</section>`;
}

function totals({ compared, runsInMlflow, skipped, unread, experiments: all, acceptedLinks }: VerificationReport): string {
  const accepted = acceptedLinks ? "accepted" : "not accepted";
  const cards: readonly (readonly [string, string, string])[] = [
    ["Runs", number(compared.runs), `compared, of ${number(runsInMlflow)} in MLflow`],
    ["Experiments", number(all.length), "each one project"],
    ["Values", number(compared.values), "names, statuses, parameters, tags, texts"],
    [
      "Points",
      number(compared.points),
      `${number(compared.events)} in charts, ${number(compared.collapsed)} behind a later one of their step, ${number(compared.notChartable)} in no chart`,
    ],
    ["Files", number(compared.files), `${bytes(compared.fileBytes)}, by SHA-256 of the bytes`],
    ["Models", number(compared.models), "versions, logged models, registered models without a version"],
  ];
  const notes = [
    compared.linkedFiles > 0 ? `${number(compared.linkedFiles)} files are in MLflow's store alone: linked, ${accepted}.` : "",
    compared.modelsWithoutFiles > 0
      ? `${number(compared.modelsWithoutFiles)} models have no files that MLflow lists: nothing but their address was compared, ${accepted}.`
      : "",
    skipped.experiments + skipped.runs > 0
      ? `Left out, as asked: ${number(skipped.experiments)} deleted experiments, ${number(skipped.runs)} deleted runs.`
      : "",
    skipped.reported > 0
      ? `${number(compared.reportedRuns)} of ${number(skipped.reported)} runs that their trainer wrote to both were compared with the trainer's own tasks.`
      : "",
    unread.workspaces.length > 0 ? `Not read: the workspaces ${unread.workspaces.join(", ")} of MLflow, which were not named.` : "",
    ...unread.limits.map((limit) => `MLflow may hold more than this: ${limit}.`),
  ].filter((note) => note !== "");
  const shown = cards.map(([name, value, what]) => `<div><dt>${text(name)}</dt><dd>${text(value)}<small>${text(what)}</small></dd></div>`);
  return `<dl class="totals">${shown.join("")}</dl>${notes.map((note) => `<p class="note">${text(note)}</p>`).join("")}`;
}

function differences({ differences: kept, differencesTotal, runs: all }: VerificationReport): string {
  const names = new Map(all.map(({ runId, name }) => [runId, name]));
  const row = ({ runId, what, inMlflow, inClearML }: Difference): readonly Cell[] => [
    { label: "Run", html: runId === undefined ? "" : `${text(names.get(runId) ?? "")} <code>${text(runId)}</code>` },
    { label: "What", html: text(what) },
    { label: "In MLflow", html: `<span class="value">${text(inMlflow)}</span>` },
    { label: "In ClearML", html: `<span class="value">${text(inClearML)}</span>` },
  ];
  const cut = differencesTotal > kept.length ? `<p>The first ${number(kept.length)} of ${number(differencesTotal)}.</p>` : "";
  return cut + table("Differences", kept.map(row), "cards");
}

function uncompared({ uncompared: kept, uncomparedTotal, runs: all }: VerificationReport): string {
  const names = new Map(all.map(({ runId, name }) => [runId, name]));
  const rows = kept.map(({ runId, what }): readonly Cell[] => [
    { label: "Run", html: `${text(names.get(runId) ?? "")} <code>${text(runId)}</code>` },
    { label: "What no comparison with the trainer's task covers", html: `<span class="value">${text(what)}</span>` },
  ]);
  const cut = uncomparedTotal > kept.length ? `<p>The first ${number(kept.length)} of ${number(uncomparedTotal)}.</p>` : "";
  return `<p>Of runs that a trainer wrote to both. It is kept with MLflow, and goes with it.</p>${cut}${table("In MLflow alone", rows, "cards")}`;
}

function troubles({ troubles: all }: VerificationReport): string {
  const rows = all.map(({ where, what, isLoss }): readonly Cell[] => [
    { label: "Where", html: `<span class="value">${text(where)}</span>` },
    { label: "What", html: text(what) },
    { label: "Lost", html: isLoss ? "yes" : "no", isBad: isLoss },
  ]);
  return table("Damaged in MLflow", rows, "cards");
}

function experiments({ experiments: all }: VerificationReport): string {
  return table(
    "Experiments",
    all.map(({ name, experimentId, project, runs: count, equalRuns, points, files, differences: found }) => [
      { label: "Experiment", html: `${text(name)} <code>${text(experimentId)}</code>` },
      { label: "Project", html: text(project) },
      { label: "Runs equal", html: `${number(equalRuns)} of ${number(count)}`, isNumber: true },
      { label: "Points", html: number(points), isNumber: true },
      { label: "Files", html: number(files), isNumber: true },
      { label: "Differences", html: number(found), isNumber: true, isBad: found > 0 },
    ]),
    "wide",
  );
}

function lossy({ lossy: things }: VerificationReport): string {
  if (things.length === 0) return "<p>Nothing: ClearML shows all of it as MLflow does.</p>";
  const rows = things.map(({ count, why, example }): readonly Cell[] => [
    { label: "Times", html: number(count), isNumber: true },
    { label: "Why, and what becomes of it", html: text(why) },
    { label: "One of them", html: `<span class="value">${text(example)}</span>` },
  ]);
  return `<p>No loss: each original is in the copy of its run, or where the reason says.</p>${table("Shown otherwise", rows, "cards")}`;
}

function runs({ runs: all }: VerificationReport): string {
  return `<noscript><p>The list of the ${number(all.length)} runs needs JavaScript; the JSON report has it, too.</p></noscript>
<form class="filter" hidden><label>Name or id <input type="search" autocomplete="off"></label>
<label><input type="checkbox"> with differences only</label><output aria-live="polite"></output>
<span class="pages"><button type="button">Back</button><button type="button">Further</button></span></form>
<div class="scroll" tabindex="0" role="region" aria-label="Runs"><table id="runs"></table></div>`;
}

interface Cell {
  readonly label: string;
  /** Escaped already. */
  readonly html: string;
  readonly isNumber?: boolean;
  readonly isBad?: boolean;
}

function table(name: string, rows: readonly (readonly Cell[])[], kind: "cards" | "wide"): string {
  const classes = ({ isNumber = false, isBad = false }: Cell): string => {
    const names = [...(isNumber ? ["number"] : []), ...(isBad ? ["bad"] : [])].join(" ");
    return names === "" ? "" : ` class="${names}"`;
  };
  const head = (rows[0] ?? []).map((cell) => `<th scope="col"${classes({ ...cell, isBad: false })}>${text(cell.label)}</th>`).join("");
  const body = rows.map(
    (row) => `<tr>${row.map((cell) => `<td data-label="${text(cell.label)}"${classes(cell)}>${cell.html}</td>`).join("")}</tr>`,
  );
  return `<div class="scroll" tabindex="0" role="region" aria-label="${text(name)}"><table class="${kind}"><thead><tr>${head}</tr></thead><tbody>${body.join("\n")}</tbody></table></div>`;
}

/** Rows of the list of runs, for the page's script. Nothing in it can end the element that it stands in. */
function data({ runs: all, experiments: known }: VerificationReport): string {
  const places = new Map(known.map(({ experimentId }, at) => [experimentId, at]));
  const rows = all.map((run) => [
    ...[run.name, run.runId, places.get(run.experimentId) ?? -1, run.taskId ?? ""],
    ...[
      run.values,
      run.points,
      run.collapsed,
      run.notChartable,
      run.files,
      run.fileBytes,
      run.linkedFiles,
      run.differences,
      Number(run.isReported),
    ],
  ]);
  return JSON.stringify({ experiments: known.map(({ name }) => name), rows }).replaceAll("<", "\\u003c");
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

function bytes(count: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = count === 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(count) / 10));
  return `${power === 0 ? String(count) : (count / 1024 ** power).toFixed(1)} ${units[power] ?? ""}`;
}

function text(value: string): string {
  const names: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return value.replace(/[&<>"']/g, (character) => names[character] ?? character);
}

function digestOf(script: string): string {
  return `sha256-${createHash("sha256").update(script).digest("base64")}`;
}
