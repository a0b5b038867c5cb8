"""The figures that the suite has both sides draw. What is drawn here is drawn by figures.ts, from the same numbers."""

from clearml import Task
from sdk_program import answer

task = Task.init(project_name="Interop/Figures", task_name="by Python", reuse_last_task_id=False, auto_connect_frameworks=False)
logger = task.get_logger()
logger.report_histogram("histogram", "plain", values=[1, 2, 3.5], iteration=1)
logger.report_histogram(
    "histogram", "rows", values=[[1, 2], [3, 4]], iteration=2, labels=["one", "two"], xlabels=["a", "b"], xaxis="x", yaxis="y", mode="stack"
)
logger.report_vector("vector", "series", values=[1, 2, 3], iteration=1, xaxis="x", yaxis="y")
logger.report_table("table", "rows", iteration=1, table_plot=[["id", "value"], [1, "x"], [2, "y"]])
logger.report_line_plot(
    "line",
    series=[{"name": "first", "data": [[0, 1], [1, 2]]}, {"name": "second", "data": [[0, 3], [1, 4]]}],
    xaxis="time",
    yaxis="value",
    iteration=1,
    mode="lines+markers",
)
logger.report_scatter2d("scatter", "plain", scatter=[[0, 1], [1, 2], [2, 0.5]], iteration=1)
logger.report_scatter2d(
    "scatter", "markers", scatter=[[0, 1], [1, 2]], iteration=2, mode="markers", labels=["p", "q"], xaxis="x", yaxis="y", comment="note"
)
logger.report_scatter3d("scatter 3d", "plain", scatter=[[0, 1, 2], [1, 2, 3.5]], iteration=1)
logger.report_scatter3d(
    "scatter 3d", "axes", scatter=[[0, 1, 2], [1, 2, 3.5]], iteration=2, xaxis="x", yaxis="y", zaxis="z", mode="lines", labels=["p", "q"]
)
logger.report_surface("surface", "plain", matrix=[[1, 2], [3, 4.5]], iteration=1)
logger.report_surface(
    "surface", "axes", matrix=[[1, 2], [3, 4.5]], iteration=2, xaxis="x", yaxis="y", zaxis="z", xlabels=["a", "b"], ylabels=["c", "d"]
)
logger.report_confusion_matrix("confusion", "plain", matrix=[[9, 1], [2, 8]], iteration=1)
logger.report_confusion_matrix(
    "confusion",
    "axes",
    matrix=[[9, 1], [2, 8]],
    iteration=2,
    xaxis="said",
    yaxis="true",
    xlabels=["t", "f"],
    ylabels=["t", "f"],
    yaxis_reversed=True,
    comment="note",
)
logger.report_plotly("plotly", "figure", iteration=1, figure={"data": [{"type": "bar", "x": ["a"], "y": [1]}], "layout": {"title": "any"}})
task.flush(wait_for_uploads=True)
task.close()
answer({"task": task.id})
