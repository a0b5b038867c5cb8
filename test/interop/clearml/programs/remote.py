"""A run as an agent starts it: of a task that exists, whose values win over those of the code."""

import argparse
import sys

from checks import Checks
from clearml import Task
from sdk_program import order

asked = order()
sys.argv = sys.argv[:1]
checks = Checks()
task = Task.init(project_name="Ignored", task_name="ignored", auto_connect_frameworks=False)
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--epochs", type=int, default=5)
arguments = parser.parse_args()
checks.equal("attached to", task.id, asked["task"])
checks.equal("runs remotely", Task.running_locally(), False)
checks.equal("argument", arguments.lr, asked["lr"])
checks.equal("argument that is not set", arguments.epochs, 5)
settings = task.connect({"batch": 8, "optim": {"name": "adam"}, "flags": [1, 2], "on": True, "ratio": 0.5, "nothing": None})
checks.equal("connected values", settings, asked["settings"])
network = task.connect_configuration({"depth": 1}, name="network")
checks.equal("configuration", network, asked["network"])
checks.equal("labels", task.get_labels_enumeration(), asked["labels"])
task.get_logger().report_scalar("remote", "seen", 1.0, iteration=0)
task.flush(wait_for_uploads=True)
