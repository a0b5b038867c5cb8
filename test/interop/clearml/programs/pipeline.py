"""A pipeline of two steps, run on this machine."""

import json

from checks import Checks
from clearml import PipelineController, Task
from sdk_program import order

version = order()["version"]
checks = Checks()


def prepare(start):
    return {"first": int(start) + 1}


def train(value):
    from clearml import Logger

    Logger.current_logger().report_scalar("loss", "train", 0.5, iteration=1)
    return value["first"] * 2


pipeline = PipelineController(name=f"pipeline {version}", project="Interop/Pipelines", version="1.0.0", add_pipeline_tags=True, pool_frequency=0.02)
pipeline.add_parameter("start", default=4, description="where to begin")
pipeline.add_function_step(
    name="prepare", function=prepare, function_kwargs={"start": "${pipeline.start}"}, function_return=["value"], packages=[]
)
pipeline.add_function_step(
    name="train", parents=["prepare"], function=train, function_kwargs={"value": "${prepare.value}"}, function_return=["result"], packages=[]
)
pipeline.start_locally(run_pipeline_steps_locally=True)
checks.equal("succeeded", pipeline.is_successful(), True)
nodes = pipeline.get_pipeline_dag()
checks.equal("steps", sorted(nodes), ["prepare", "train"])
steps = {name: Task.get_task(task_id=node.executed) for name, node in nodes.items()}
controller = Task.get_task(task_id=pipeline.task.id)
checks.equal("what one step hands to the next", steps["prepare"].artifacts["value"].get(), {"first": 5})
checks.equal("result", steps["train"].get_parameter("return/result"), "10")
checks.equal("scalars of a step", steps["train"].get_all_reported_scalars()["loss"]["train"]["y"], [0.5])
for name, step in steps.items():
    checks.equal(f"{name}: status", str(step.status), "completed")
    checks.equal(f"{name}: parent", step.parent, controller.id)
    checks.equal(f"{name}: tag", f"pipe: {controller.id}" in step.get_tags(), True)
checks.equal("type", str(controller.task_type), "controller")
checks.equal("system tag", "pipeline" in controller.get_system_tags(), True)
checks.equal("project", controller.get_project_name(), f"Interop/Pipelines/.pipelines/pipeline {version}")
checks.equal("argument", controller.get_parameter("Args/start"), "4")
dag = json.loads(controller.get_configuration_object("Pipeline"))
checks.equal("graph", sorted(dag), ["prepare", "train"])
checks.equal("states in the graph", [dag[name]["status"] for name in ("prepare", "train")], ["completed", "completed"])
checks.equal("hidden", [project.name for project in Task.get_projects(name="^Interop/Pipelines/.pipelines/")], [])
checks.equal("found", PipelineController.get(pipeline_id=controller.id).id, controller.id)
checks.tell(controller=controller.id, steps={name: step.id for name, step in steps.items()})
