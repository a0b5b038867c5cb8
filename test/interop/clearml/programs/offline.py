"""A run without a server. Answers with where its archive is. Nothing is sent: the addresses lead nowhere.

No output model: the SDK itself cannot register one in this mode (it asks its stand-in for a field that it lacks).
"""

import os

from clearml import Task
from sdk_program import answer, order

asked = order()
os.chdir(asked["folder"])
Task.set_offline(True)
task = Task.init(
    project_name="Interop/Offline", task_name="recorded", tags=["offline"], auto_connect_frameworks=False, reuse_last_task_id=False
)
task.connect({"lr": 0.5, "nested": {"deep": [1, 2]}})
task.connect_configuration({"depth": 3}, name="network")
task.set_comment("made without a server")
logger = task.get_logger()
for step in range(20):
    logger.report_scalar("loss", "train", 1 / (step + 1), iteration=step)
logger.report_single_value("best", 0.75)
logger.report_text("a line without a server")
logger.report_plotly("plot", "figure", iteration=1, figure={"data": [{"type": "bar", "x": ["a"], "y": [1]}], "layout": {}})
with open("sample.html", "w", encoding="utf-8") as file:
    file.write("<html>sample</html>")
logger.report_media("media", "html", iteration=2, local_path="sample.html")
with open("weights.bin", "wb") as file:
    file.write(b"weights of the offline run")
task.upload_artifact("data", artifact_object={"some": "data"}, wait_on_upload=True)
task.upload_artifact("file", artifact_object="weights.bin", wait_on_upload=True)
folder = task.get_offline_mode_folder()
task.close()
answer({"folder": str(folder), "archive": str(folder) + ".zip"})
