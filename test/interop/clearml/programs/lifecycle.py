"""Tasks through every state, found again in every way, copied, queued, moved and deleted. Order: {"depth": ...}."""

import os

from checks import Checks
from clearml import Model, OutputModel, Task
from clearml.backend_api.session.client import APIClient
from sdk_program import order

current = order()["depth"] == "current"
version = order()["version"]
checks = Checks()
project = f"Interop/Lifecycle {version}"
client = APIClient()

# Made without a run.
base = Task.create(
    project_name=project,
    task_name="template",
    task_type="testing",
    repo="https://example.com/code.git",
    branch="main",
    script="train.py",
    working_directory=".",
    packages=["numpy==2.0"],
    docker="python:3.11",
    docker_args="--ipc=host",
    argparse_args=[("lr", "0.1")],
    add_task_init_call=False,
)
base = Task.get_task(task_id=base.id)
checks.equal("created: status", str(base.status), "created")
checks.equal("created: type", str(base.task_type), "testing")
checks.equal("created: repository", base.data.script.repository, "https://example.com/code.git")
checks.equal("created: branch", base.data.script.branch, "main")
checks.equal("created: entry point", base.data.script.entry_point, "train.py")
checks.equal("created: requirements", base.data.script.requirements["pip"].splitlines()[0], "numpy==2.0")
checks.equal("created: container", base.data.container["image"], "python:3.11")
checks.equal("created: parameter", base.get_parameter("Args/lr"), "0.1")

# Copied and changed.
copy = Task.clone(source_task=base, name="copy", comment="a copy")
checks.equal("cloned: name", copy.name, "copy")
checks.equal("cloned: comment", copy.comment, "a copy")
checks.equal("cloned: parent", copy.parent, base.id)
checks.equal("cloned: status", str(copy.status), "created")
checks.equal("cloned: parameter", copy.get_parameter("Args/lr"), "0.1")
copy.update_parameters({"Args/lr": 0.5, "General/new": [1, 2]})
copy.set_parameter("General/described", 3, description="how many", value_type=int)
copy.set_parameters_as_dict({"General": {"nested": {"deep": 1}}, "Args": {"lr": 0.75}})
copy.reload()
checks.equal(
    "parameters as a dictionary",
    copy.get_parameters_as_dict(),
    {"General": {"nested": {"deep": "1"}, "new": "[1, 2]", "described": "3"}, "Args": {"lr": "0.75"}},
)
checks.equal("parameter deleted", copy.delete_parameter("General/nested/deep"), True)
copy.reload()
checks.equal("parameters left", copy.get_parameters(), {"Args/lr": "0.75", "General/new": "[1, 2]", "General/described": "3"})
# Without a type of its own, a value from a command line stays text.
checks.equal("cast", copy.get_parameters(cast=True), {"Args/lr": "0.75", "General/new": [1, 2], "General/described": 3})
copy.add_tags(["one", "two"])
copy.set_user_properties({"name": "owner", "value": "me", "description": "who"})
copy.reload()
checks.equal("tags added", sorted(copy.get_tags()), ["one", "two"])
if hasattr(copy, "remove_tags"):
    copy.remove_tags(["one"])
    copy.reload()
    checks.equal("tag removed", copy.get_tags(), ["two"])
    copy.add_tags(["one"])
checks.equal("user property", copy.get_user_properties()["owner"]["value"], "me")
copy.delete_user_properties([("properties", "owner")])
copy.reload()
checks.equal("user property deleted", copy.get_user_properties(), {})
copy.set_configuration_object("network", config_dict={"depth": 3})
copy.set_configuration_object("notes", config_text="free text", description="words", config_type="txt")
copy.reload()
checks.equal("configuration", copy.get_configuration_object_as_dict("network"), {"depth": 3})
checks.equal("configuration text", copy.get_configuration_object("notes"), "free text")
copy.rename("renamed copy")
copy.reload()
checks.equal("renamed", copy.name, "renamed copy")
copy.set_base_docker(docker_image="ubuntu:22.04", docker_arguments=["--gpus", "all"])
copy.reload()
checks.equal("container", copy.get_base_docker(), "ubuntu:22.04 --gpus all")
copy.set_script(repository="https://example.com/other.git", commit="abc", working_dir="src", entry_point="main.py")
copy.set_packages(["torch==2.0"])
copy.reload()
checks.equal("script", copy.get_script()["repository"], "https://example.com/other.git")
checks.equal("packages", copy.data.script.requirements["pip"].strip(), "torch==2.0")

# Queued.
queue = client.queues.create(name=f"interop {version}")
# A queue by its name is first looked for by its id.
checks.provoke("queues.get_by_id")
Task.enqueue(copy, queue_name=f"interop {version}")
copy.reload()
checks.equal("queued: status", str(copy.status), "queued")
checks.equal("queued: in the queue", [entry.task for entry in client.queues.get_by_id(queue.id).entries], [copy.id])
checks.equal("queued: how many", Task.get_num_enqueued_tasks(queue_name=f"interop {version}"), 1)
checks.equal("queued: executed queue", copy.get_executed_queue(return_name=True), f"interop {version}")
checks.raises("queued twice", lambda: Task.enqueue(copy, queue_id=queue.id), refused="tasks.enqueue")
Task.dequeue(copy)
copy.reload()
checks.equal("dequeued: status", str(copy.status), "created")
checks.equal("dequeued: queue", len(client.queues.get_by_id(queue.id).entries or []), 0)

# From one state to the next.
copy.mark_started()
copy.reload()
checks.equal("started", str(copy.status), "in_progress")
copy.get_logger().report_scalar("loss", "train", 0.5, iteration=3)
copy.flush(wait_for_uploads=True)
copy.mark_stopped(status_message="enough")
copy.reload()
checks.equal("stopped", [str(copy.status), copy.data.status_message], ["stopped", "enough"])
copy.mark_started(force=True)
copy.mark_failed(status_reason="broken", status_message="it broke", force=True)
copy.reload()
checks.equal("failed", [str(copy.status), copy.data.status_reason, copy.data.status_message], ["failed", "broken", "it broke"])
checks.equal("last iteration", copy.get_last_iteration(), 3)
copy.reset(set_started_on_success=False, force=True)
copy.reload()
checks.equal("reset", [str(copy.status), copy.data.last_iteration, copy.get_all_reported_scalars()], ["created", 0, {}])
copy.mark_started(force=True)
copy.mark_completed()
copy.reload()
checks.equal("completed", str(copy.status), "completed")
copy.publish()
copy.reload()
checks.equal("published", str(copy.status), "published")

# Found again.
for index in range(3):
    task = Task.create(project_name=project, task_name=f"many {index}")
    task.add_tags(["many", f"number {index}"])
    if index == 2:
        task.mark_started()
checks.equal("by name", Task.get_task(project_name=project, task_name="template").id, base.id)
checks.equal("by pattern", sorted(task.name for task in Task.get_tasks(project_name=project, task_name="^many ")), [f"many {i}" for i in range(3)])
checks.equal("by tag", sorted(task.name for task in Task.get_tasks(project_name=project, tags=["many"])), [f"many {i}" for i in range(3)])
checks.equal("by all of several tags", len(Task.get_tasks(project_name=project, tags=["__$all", "many", "number 1"])), 1)
checks.equal("without a tag", sorted(task.name for task in Task.get_tasks(project_name=project, tags=["-many"])), ["renamed copy", "template"])
checks.equal(
    "by status, newest first",
    Task.query_tasks(project_name=project, task_filter={"status": ["created"], "order_by": ["-name"]}, additional_return_fields=["name"]),
    [{"id": Task.get_task(project_name=project, task_name=name).id, "name": name} for name in ("template", "many 1", "many 0")],
)
checks.equal("by ids", [task.id for task in Task.get_tasks(task_ids=[copy.id])], [copy.id])
checks.equal("nothing", Task.query_tasks(project_name=project, task_name="no such"), [])
checks.raises("an id that is not there", lambda: Task.get_task(task_id="0" * 32), refused="tasks.get_by_id")
checks.equal("projects", [found.name for found in Task.get_projects(name=f"^{project}$", search_hidden=True)], [project])
checks.equal("project id", Task.get_project_id(project), base.project)
many = Task.get_task(project_name=project, task_name="many 0")

# Archived, moved, exported, imported.
many.set_archived(True)
checks.equal("archived", many.get_archived(), True)
checks.equal("not among the others", len(Task.get_tasks(project_name=project, tags=["many"], allow_archived=False)), 2)
many.set_archived(False)
checks.equal("taken back", many.get_archived(), False)
checks.equal("moved", many.move_to_project(new_project_name=project + "/Moved"), True)
many.reload()
checks.equal("moved: project", many.get_project_name(), project + "/Moved")
exported = copy.export_task()
checks.equal("exported", [exported["id"], exported["name"]], [copy.id, "renamed copy"])
exported["name"] = "imported"
imported = Task.import_task(exported)
checks.equal("imported", [imported.name, imported.get_parameters(), imported.id != copy.id], ["imported", copy.get_parameters(), True])
many.set_parent(base.id)
many.reload()
checks.equal("parent", many.parent, base.id)
many.set_task_type("inference")
many.set_comment("words")
many.reload()
checks.equal("type and comment", [str(many.task_type), many.comment], ["inference", "words"])
many.set_initial_iteration(10)
checks.equal("initial iteration", many.get_initial_iteration(), 10)
checks.equal("page", many.get_output_log_web_page().startswith(os.environ["CLEARML_WEB_HOST"] + "/projects/"), True)

# Models by themselves.
owner = Task.create(project_name=project, task_name="owner")
owner.mark_started()
first = OutputModel(task=owner, name="first", framework="PyTorch", tags=["good"])
first.update_weights(register_uri="https://example.com/first.pt", iteration=1)
second = OutputModel(task=owner, name="second", framework="Keras", tags=["good", "bad"])
second.update_weights(register_uri="https://example.com/second.h5", iteration=2)
second.set_all_metadata({"accuracy": {"value": "0.5", "type": "float"}, "stage": {"value": "test", "type": "str"}})
names = lambda models: sorted(model.name for model in models)
checks.equal("models by project", names(Model.query_models(project_name=project)), ["first", "second"])
checks.equal("models by tag", names(Model.query_models(project_name=project, tags=["good"])), ["first", "second"])
checks.equal("models without a tag", names(Model.query_models(project_name=project, tags=["good", "-bad"])), ["first"])
checks.equal("models by name", names(Model.query_models(model_name="second", project_name=project)), ["second"])
checks.equal("models by metadata", names(Model.query_models(project_name=project, metadata={"stage": "test"})), ["second"])
checks.equal("metadata", Model(second.id).get_all_metadata_casted(), {"accuracy": 0.5, "stage": "test"})
first.publish()
checks.equal("only published", names(Model.query_models(project_name=project, only_published=True)), ["first"])
checks.equal("published model", Model(first.id).published, True)
second_model = Model(second.id)
second_model.archive()
checks.equal("archived models", names(Model.query_models(project_name=project, include_archived=True)), ["first", "second"])
checks.equal("without archived models", names(Model.query_models(project_name=project)), ["first"])
second_model.unarchive()
second_model.tags = ["new"]
second_model.comment = "words"
checks.equal("model edited", [Model(second.id).tags, Model(second.id).comment], [["new"], "words"])
for step in range(3):
    second_model.report_scalar("eval", "accuracy", 0.25 * step, step)
second_model.report_single_value("best", 0.5)
checks.tell(modelWithScalars=second.id)
third = OutputModel(task=owner, name="third")
third.update_weights(register_uri="https://example.com/third.bin")
checks.equal("model removed", Model.remove(third.id, delete_weights_file=False), True)
checks.raises("model gone", lambda: Model(third.id).name, refused="models.get_by_id")

# Deleted.
victim = Task.create(project_name=project, task_name="victim")
victim.mark_started()
victim.upload_artifact("data", artifact_object={"some": "data"}, wait_on_upload=True)
victim.mark_completed()
checks.equal("deleted", bool(victim.delete()), True)
checks.raises("deleted: gone", lambda: Task.get_task(task_id=victim.id), refused="tasks.get_by_id")
checks.equal("queue deleted", client.queues.delete(queue.id).meta.result_code, 200)
