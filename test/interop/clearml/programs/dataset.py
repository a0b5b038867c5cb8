"""A data set in two versions: made, uploaded, closed, found, fetched, changed, compared, deleted."""

import os

from checks import Checks
from clearml import Dataset, Task
from sdk_program import order

asked = order()
version = asked["version"]
folder = asked["folder"]
checks = Checks()
project = "Interop/Data"
name = f"numbers {version}"


def put(path, content):
    full = os.path.join(folder, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as file:
        file.write(content)


put("first/one.txt", "1")
put("first/deep/two.txt", "2")
first = Dataset.create(dataset_project=project, dataset_name=name, dataset_version="1.0.0", dataset_tags=["numbers"], description="numbers")
checks.equal("files added", first.add_files(os.path.join(folder, "first")), 2)
first.set_metadata({"origin": "here"}, metadata_name="info")
first.upload(show_progress=False)
checks.equal("finalized", first.finalize(), True)

put("second/three.txt", "3")
second = Dataset.create(dataset_project=project, dataset_name=name, dataset_version="1.1.0", parent_datasets=[first.id])
second.add_files(os.path.join(folder, "second"))
second.remove_files("one.txt")
checks.equal("added", second.list_added_files(first.id), ["three.txt"])
checks.equal("removed", second.list_removed_files(first.id), ["one.txt"])
second.upload(show_progress=False)
second.finalize()

found = Dataset.get(dataset_project=project, dataset_name=name)
checks.equal("newest", found.id, second.id)
checks.equal("version", found.version, "1.1.0")
checks.equal("older by version", Dataset.get(dataset_project=project, dataset_name=name, dataset_version="1.0.0").id, first.id)
checks.equal("by id", Dataset.get(dataset_id=first.id).name, name)
checks.equal("files", sorted(found.list_files()), ["deep/two.txt", "three.txt"])
local = found.get_local_copy()
read = {}
for place, _, names in os.walk(local):
    for one in names:
        with open(os.path.join(place, one), encoding="utf-8") as file:
            read[os.path.relpath(os.path.join(place, one), local)] = file.read()
checks.equal("contents", read, {"deep/two.txt": "2", "three.txt": "3"})
checks.equal("graph", found.get_dependency_graph(), {second.id: [first.id], first.id: []})
checks.equal("final", found.is_final(), True)
checks.equal("metadata", Dataset.get(dataset_id=first.id).get_metadata(metadata_name="info"), {"origin": "here"})
listed = Dataset.list_datasets(dataset_project=project, partial_name=name, only_completed=True)
checks.equal("listed", sorted(one["id"] for one in listed), sorted([first.id, second.id]))
checks.equal("tagged", [one["id"] for one in Dataset.list_datasets(tags=["numbers"], partial_name=name)], [first.id])
checks.equal("hidden", [one.name for one in Task.get_projects(name=r"^Interop/Data/\.datasets")], [])

task = Task.init(project_name=project, task_name=f"uses {version}", auto_connect_frameworks=False, reuse_last_task_id=False)
Dataset.get(dataset_id=second.id, alias="training data")
task.reload()
checks.equal("lineage", task.get_parameters().get("Datasets/training data"), second.id)
copy = Dataset.get(dataset_id=first.id).get_mutable_local_copy(target_folder=os.path.join(folder, "copy"))
checks.equal("mutable copy", sorted(os.listdir(copy)), ["deep", "one.txt"])
task.close()
Dataset.delete(dataset_id=second.id)
checks.raises("gone", lambda: Dataset.get(dataset_id=second.id), refused="tasks.get_by_id")
checks.tell(first=first.id, task=task.id)
