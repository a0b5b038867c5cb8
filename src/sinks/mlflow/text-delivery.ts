/** Small files that the sink makes of what a record says: configurations, results, plots. */
import { ConfigError } from "../../base/errors.js";
import type { RunCalls } from "./run-calls.js";
import type { RunFiles } from "./run-files.js";

/** Puts a text where MLflow shows it. @throws as {@link RunFiles.put}. */
export async function putText(calls: RunCalls, path: string, text: string, contentType: string): Promise<void> {
  const body = text.toWellFormed();
  await filesOf(calls).put(path, { body, sizeBytes: Buffer.byteLength(body), contentType }, calls.signal);
}

/** @throws ConfigError when it takes none. */
export function filesOf({ files }: RunCalls): RunFiles {
  if (ConfigError.isInstance(files)) throw files;
  return files;
}

/** A page that draws a Plotly figure, of the kind that MLflow's own client makes: the library comes from its own network. */
export function figurePage(title: string, figure: string): string {
  // What could end the script, or begin another, is written as JSON has it too.
  const data = figure.replaceAll("<", "\\u003c").replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
  const name = title.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<!doctype html>
<html>
<head><meta charset="utf-8"><title>${name}</title><script src="https://cdn.plot.ly/plotly-2.35.2.min.js"></script></head>
<body><div id="figure" style="height:100vh"></div>
<script type="application/json" id="data">${data}</script>
<script>
const { data, layout } = JSON.parse(document.getElementById("data").textContent);
Plotly.newPlot("figure", data, layout, { responsive: true });
</script></body>
</html>
`;
}
