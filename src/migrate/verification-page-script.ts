/**
 * The list of runs in the page of a verification: a hundred at a time, found by name or id. Plain JavaScript as it stands in the page,
 * whose policy lets run what has this very digest and nothing else. Values become text nodes, never markup.
 */
export const PAGE_SCRIPT = `
"use strict";
(() => {
  const PAGE = 100;
  const { experiments, rows } = JSON.parse(document.getElementById("data").textContent);
  const HEADS = ["Run", "Experiment", "Task", "Values", "Points", "Not in a chart", "Files", "Bytes", "Differences"];
  const number = (value) => value.toLocaleString("en-US");
  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };
  const table = document.getElementById("runs");
  const head = table.createTHead().insertRow();
  HEADS.forEach((name, at) => { const cell = element("th", name, at > 2 ? "number" : ""); cell.scope = "col"; head.append(cell); });
  const body = table.createTBody();
  const form = document.querySelector(".filter");
  const [search, only] = form.querySelectorAll("input");
  const [back, further] = form.querySelectorAll("button");
  const output = form.querySelector("output");
  const order = rows.map((row, at) => at).sort((one, other) => rows[other][11] - rows[one][11] || one - other);
  const words = rows.map(([name, run, experiment, task]) => [name, run, task, experiments[experiment] ?? ""].join("\\n").toLowerCase());
  let found = order;
  let first = 0;
  const show = () => {
    const lines = found.slice(first, first + PAGE).map((at) => {
      const [name, run, experiment, task, values, points, collapsed, notChartable, files, bytes, linked, differences, reported] = rows[at];
      const line = element("tr", undefined, differences > 0 ? "bad" : "");
      const title = element("td", name);
      title.append(element("code", run));
      const id = element("td");
      id.append(element("code", task === "" ? "none" : task));
      if (reported) id.append(element("small", "the trainer's own: it wrote to both"));
      line.append(title, element("td", experiments[experiment] ?? ""), id);
      const loose = number(collapsed + notChartable);
      const filed = number(files) + (linked > 0 ? " (" + number(linked) + " linked)" : "");
      for (const value of [number(values), number(points), loose, filed, number(bytes), number(differences)]) line.append(element("td", value, "number"));
      return line;
    });
    body.replaceChildren(...lines);
    output.value = found.length === 0 ? "no run" : number(first + 1) + " to " + number(first + lines.length) + " of " + number(found.length);
    back.disabled = first === 0;
    further.disabled = first + PAGE >= found.length;
  };
  const find = () => {
    const word = search.value.trim().toLowerCase();
    found = order.filter((at) => (!only.checked || rows[at][11] > 0) && words[at].includes(word));
    first = 0;
    show();
  };
  search.addEventListener("input", find);
  only.addEventListener("change", find);
  form.addEventListener("submit", (event) => event.preventDefault());
  back.addEventListener("click", () => { first -= PAGE; show(); });
  further.addEventListener("click", () => { first += PAGE; show(); });
  form.hidden = false;
  find();
})();
`;
