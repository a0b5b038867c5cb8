"""Every API endpoint that the installed SDK's code can call, by reading that code: request classes, raw requests, client calls."""

import ast
import os
import re

import clearml
from sdk_program import answer

ROOT = os.path.dirname(clearml.__file__)
SERVICES = os.path.join(ROOT, "backend_api", "services")


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def endpoints_of(tree):
    """`events.AddBatchRequest(...)`, `send_request("users", "get_vaults")`, `client.tasks.get_all(...)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.endswith("Request") and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{snake(node.attr[: -len('Request')])}"
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr == "send_request":
            named = {word.arg: word.value for word in node.keywords}
            service, action = [
                argument.value if isinstance(argument, ast.Constant) else None
                for argument in (
                    named.get("service", node.args[0] if node.args else None),
                    named.get("action", node.args[1] if len(node.args) > 1 else None),
                )
            ]
            if service and action:
                yield f"{service}.{action}"
        owner = node.func.value
        if isinstance(owner, ast.Attribute) and "client" in ast.unparse(owner.value).lower():
            yield f"{owner.attr}.{node.func.attr}"


found = set()
for folder, _, names in os.walk(ROOT):
    if folder.startswith(SERVICES):
        continue
    for name in names:
        if name.endswith(".py"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                found.update(endpoints_of(ast.parse(file.read())))
known = {"auth", "debug", "events", "models", "organization", "pipelines", "projects", "queues", "reports", "server", "tasks", "users"}
known |= {"workers", "datasets", "dataviews", "frames", "serving", "routing", "login", "async"}
answer({"version": clearml.__version__, "endpoints": sorted(name for name in found if name.split(".")[0] in known)})
