"""Draws with ClearML's own client what figures.test.ts draws with ours, and writes the figures as JSON, by series.

No server is asked: an offline session. python-figures.json was made with clearml 2.1.12:

    python draw_python_figures.py python-figures.json
"""

import json
import pathlib
import sys
import zipfile

from clearml import Logger, Task

Task.set_offline(True)
task = Task.init("figures", "figures", auto_connect_frameworks=False, auto_resource_monitoring=False, auto_connect_streams=False)
logger = task.get_logger()

rows = [[1, 2, 3], [4, 5, 6]]
logger.report_histogram("bars", "plain", [1, 2, 4], iteration=1, xaxis="x", yaxis="y")
logger.report_histogram("bars", "groups", rows, labels=["a", "b"], xlabels=["p", "q", "r"], mode="stack", extra_layout={"bargap": 0.5})
logger.report_histogram("bars", "labels", rows, labels=["a", "b"], data_args={"orientation": "h"})
logger.report_table("table", "rows", table_plot=[["name", "legs"], ["falcon", 2], ["dog", 4]], extra_layout={"height": 600})
logger.report_table("table", "empty", table_plot=[])
logger.report_scatter2d("points", "scatter2d", [[0, 1.5], [1, 0.25], [2, 4]], xaxis="x", yaxis="y", labels=["a", "b", "c"], mode="markers")
logger.report_scatter2d("points", "bare", [[0, 1], [1, 2]], comment="small letters")
logger.report_scatter3d("points", "scatter3d", [[0, 1, 2], [3, 4, 5.5]], xaxis="x", yaxis="y", zaxis="z")
logger.report_line_plot(
    "lines",
    [Logger.SeriesInfo(name="one", data=[[0, 1], [1, 4]]), Logger.SeriesInfo(name="two", data=[[0, 2], [1, 3]], labels=["s", "t"])],
    "x",
    "y",
    mode="lines+markers",
    reverse_xaxis=True,
)
logger.report_confusion_matrix("matrix", "confusion", [[5, 1], [0, 7]], xaxis="x", yaxis="y", xlabels=["c", "d"], ylabels=["c", "d"], yaxis_reversed=True)
logger.report_surface("matrix", "surface", [[0.5, 1], [0, 0.25]], xaxis="x", yaxis="y", zaxis="z", xlabels=["u", "v"], camera=(1, 2, 3))
logger.report_plotly("any", "plotly", {"data": [{"type": "pie", "values": [1, 2]}], "layout": {"title": "lost", "width": 5}})
logger.report_scatter2d("points", "thinned", [[float(i), (i * 7919) % 1000] for i in range(120_000)])

logger.flush(wait=True)
folder = pathlib.Path(task.get_offline_mode_folder())
task.close()
lines = (folder / "metrics.jsonl").read_text().splitlines() if folder.exists() else []
if not lines:
    with zipfile.ZipFile(f"{folder}.zip") as archive:
        lines = archive.read("metrics.jsonl").decode().splitlines()
figures = {}
for line in lines:
    for event in json.loads(line):
        figure = json.loads(event["plot_str"])
        if event["variant"] == "thinned":
            # Too long to keep: what it is made of, at both ends and in the middle.
            for axis in ("x", "y"):
                values = figure["data"][0][axis]
                figure["data"][0][axis] = {"length": len(values), "first": values[3:6], "middle": values[20_000:20_003], "last": values[-6:-3]}
        figures[event["variant"] or "lines"] = {"metric": event["metric"], "iteration": event["iter"], "figure": figure}
pathlib.Path(sys.argv[1]).write_text(json.dumps(figures, indent=1, sort_keys=True))
