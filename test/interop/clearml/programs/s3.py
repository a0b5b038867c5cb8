"""Artifacts and weights on S3, as the SDK stores them; and those of a task of ours opened. Order: {"destination", "ours"}."""

import os

from checks import Checks
from clearml import OutputModel, Task
from sdk_program import order

asked = order()
checks = Checks()
ours = Task.get_task(task_id=asked["ours"])
checks.equal("a file of ours", open(ours.artifacts["file"].get_local_copy(), encoding="utf-8").read(), "stored by us")
checks.equal("weights of ours", open(ours.models["output"][0].get_weights(), encoding="utf-8").read(), "stored by us")

task = Task.init(
    project_name="Interop/Object store",
    task_name="by Python",
    output_uri=asked["destination"],
    reuse_last_task_id=False,
    auto_connect_frameworks=False,
)
with open("weights.bin", "w", encoding="utf-8") as file:
    file.write("stored by Python")
task.upload_artifact("file: 100%", artifact_object="weights.bin", wait_on_upload=True)
model = OutputModel(task=task, name="on S3")
model.update_weights(weights_filename=os.path.abspath("weights.bin"), auto_delete_file=False)
model.wait_for_uploads()
task.close()
checks.tell(task=task.id)
