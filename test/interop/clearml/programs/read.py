"""Reads tasks and models by id. Order: {"tasks": [...], "models": [...], "download": true}."""

from picture import picture_of_model, picture_of_task
from sdk_program import answer, order

asked = order()
download = asked.get("download", True)
answer(
    {
        "tasks": {task: picture_of_task(task, download) for task in asked.get("tasks", [])},
        "models": {model: picture_of_model(model, download) for model in asked.get("models", [])},
    }
)
