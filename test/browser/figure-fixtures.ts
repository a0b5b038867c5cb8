/** Figures in the shapes that ClearML's Python SDK and Plotly write. */

/** As `Logger.report_confusion_matrix` writes it. */
export const confusionMatrix = {
  data: [
    {
      type: "heatmap",
      x: ["cat", "dog", "bird"],
      y: ["cat", "dog", "bird"],
      z: [
        [52, 3, 1],
        [6, 47, 2],
        [0, 4, 61],
      ],
      colorscale: [
        [0, "rgb(220,220,220)"],
        [0.5, "rgb(106,137,247)"],
        [1, "rgb(5,10,172)"],
      ],
      colorbar: { title: "count" },
    },
  ],
  layout: {
    title: "validation",
    showlegend: true,
    xaxis: { title: "Predicted" },
    yaxis: { title: "Actual", autorange: "reversed" },
    name: "validation",
  },
};

/** As `Logger.report_table` writes it: cells by column. */
export const table = {
  data: [
    {
      type: "table",
      header: { values: ["class", "precision", "recall"], align: "left", line: { color: "white" } },
      cells: {
        height: 30,
        values: [
          ["cat", "dog", "<b>bird</b>"],
          [0.897, 0.87, 0.953],
          [0.929, 0.855, "nan"],
        ],
      },
    },
  ],
  layout: { "title.text": "per class", title: "validation" },
};

/** As `Logger.report_scatter2d` writes it. */
export const scatter = {
  data: [
    {
      type: "scatter",
      mode: "lines+markers",
      name: "ROC",
      x: [0, 0.1, 0.3, 0.6, 1],
      y: [0, 0.62, 0.84, 0.95, 1],
      text: ["a", "b", "c", "d", "e"],
    },
    { type: "scatter", mode: "lines", name: "chance", x: [0, 1], y: [0, 1], line: { dash: "dash" } },
  ],
  layout: {
    title: "roc<br><sup>five thresholds</sup>",
    xaxis: { title: { text: "False positives" } },
    yaxis: { title: { text: "True positives" } },
  },
};

/** As `Logger.report_histogram` writes it. */
export const groupedBars = {
  data: [
    { type: "bar", name: "train", x: ["cat", "dog", "bird"], y: [120, 80, 40] },
    { type: "bar", name: "val", x: ["cat", "dog", "bird"], y: [30, 20, 12] },
  ],
  layout: { title: "class balance", barmode: "group", bargap: 0.08, xaxis: { title: "class" }, yaxis: { title: "images" } },
};

/** Raw values, binned by whoever draws them; packed as Plotly 6 packs them. */
export const packedHistogram = {
  data: [{ type: "histogram", name: "weights", x: packed(Array.from({ length: 500 }, (_none, index) => Math.sin(index * 12.9898) * 2)) }],
  layout: { title: "weights" },
};

/** As `Logger.report_surface` writes it. */
export const surface = {
  data: [
    {
      type: "surface",
      showscale: false,
      colorscale: "Viridis",
      z: Array.from({ length: 24 }, (_row, y) => Array.from({ length: 30 }, (_cell, x) => Math.sin(x / 5) * Math.cos(y / 4))),
    },
  ],
  layout: { title: "loss landscape", scene: { xaxis: { title: "w1" }, yaxis: { title: "w2" }, zaxis: { title: "loss" } } },
};

/** As `Logger.report_scatter3d` writes it. */
export const scatter3d = {
  data: [{ type: "scatter3d", name: "embedding", mode: "markers", x: [1, 2, 3, 4], y: [4, 1, 3, 2], z: [9, 8, 7, 6], marker: { size: 8 } }],
  layout: { title: "embedding", showlegend: true, scene: { xaxis: { title: "a" }, yaxis: { title: "b" }, zaxis: { title: "c" } } },
};

/** A pipeline's flow: no drawing for it here. */
export const sankey = {
  data: [{ type: "sankey", node: { label: ["load", "train"] }, link: { source: [0], target: [1], value: [3] } }],
  layout: { title: "flow" },
};

/** Float64 as base64, little end first. */
function packed(numbers: readonly number[]): object {
  return { dtype: "f8", bdata: Buffer.from(Float64Array.from(numbers).buffer).toString("base64") };
}

/** A red pixel. */
export const redPng = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
  "base64",
);
