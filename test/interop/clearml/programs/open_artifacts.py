"""Opens the artifacts of a task of ours the way the SDK opens its own. Order: {"task": id}."""

import os

from checks import Checks
from clearml import Model, Task
from sdk_program import order

checks = Checks()
task = Task.get_task(task_id=order()["task"])
checks.equal("a dictionary", task.artifacts["dict"].get(), {"a": {"c": None}, "b": [1, 2]})
checks.equal("an odd name", task.artifacts["a/b: 100% $x.y"].get(), {"odd": "name"})
checks.equal("a text", task.artifacts["text"].get(), "just some text")
checks.equal("a table", task.artifacts["table"].get().to_dict("list"), {"x": [1, 2], "y": ["a", "b"]})
unpacked = task.artifacts["folder"].get_local_copy(extract_archive=True)
found = [os.path.relpath(os.path.join(place, name), unpacked) for place, _, names in os.walk(unpacked) for name in names]
checks.equal("a folder", sorted(found), ["deep/two.txt", "one.txt"])
checks.equal("a file", os.path.getsize(task.artifacts["plain file"].get_local_copy()), task.artifacts["plain file"].size)
model = task.models["output"][0]
checks.equal("weights", os.path.getsize(model.get_weights()), task.artifacts["plain file"].size)
metadata = Model(model.id).get_all_metadata_casted()
checks.equal("metadata with types", [metadata["accuracy"], metadata["stage"]], [0.9, "test"])
checks.equal("design", model.config_dict, {"layers": 3})
checks.equal("parameters with types", task.get_parameters(cast=True)["General/lr"], 0.25)
checks.equal("a list with its type", task.get_parameters(cast=True)["General/layers"], [64, 32])
checks.equal("configuration", task.get_configuration_object_as_dict("network"), {"depth": 3, "stages": ["a", "b"]})
copy = Task.clone(source_task=task, name="copy of ours")
checks.equal("a copy", copy.get_parameters()["General/optim/name"], "adam")
