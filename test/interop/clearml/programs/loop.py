"""A run that goes on until it is stopped from outside. Order: {"project", "callback": whether it wants to be told first}."""

import sys
import time

from clearml import Task
from sdk_program import answer, order

asked = order()
task = Task.init(project_name=asked["project"], task_name="loop", reuse_last_task_id=False, auto_connect_frameworks=False)
told = {"id": task.id, "callback": False}


def when_aborted():
    told["callback"] = True
    answer(told)


if asked["callback"]:
    task.register_abort_callback(when_aborted, callback_execution_timeout=20)
task.get_logger().report_scalar("loss", "train", 1.0, iteration=0)
task.flush()
answer(told)
while True:
    time.sleep(0.2)
