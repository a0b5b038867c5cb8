"""Everything about a task, a model or a project that the SDK's public interface tells, as plain JSON.

The suite draws the same picture with TypeScript's client: two readers of one server must see the same.
"""

import hashlib
import json
import os

from clearml import Model, Task


def digest_of(path):
    """SHA-256 of a file, or of the names and contents of a folder's files."""
    digest = hashlib.sha256()
    if os.path.isdir(path):
        for folder, folders, names in os.walk(path):
            folders.sort()
            for name in sorted(names):
                full = os.path.join(folder, name)
                digest.update(os.path.relpath(full, path).encode("utf-8"))
                with open(full, "rb") as file:
                    digest.update(file.read())
    else:
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def picture_of_model(model_id, download=True):
    model = Model(model_id=model_id)
    local = model.get_local_copy(extract_archive=False) if download and model.url.startswith(os.environ["CLEARML_FILES_HOST"]) else None
    return {
        "id": model.id,
        "name": model.name,
        "project": model.project,
        "uri": model.url,
        "framework": model.framework,
        "comment": model.comment,
        "tags": sorted(model.tags or []),
        "labels": model.labels,
        "design": model.config_text,
        "published": model.published,
        "task": model.original_task,
        "metadata": model.get_all_metadata(),
        "sha256": digest_of(local) if local else None,
    }


def picture_of_artifact(artifact, download=True):
    local = artifact.get_local_copy(extract_archive=False) if download and artifact.url.startswith(os.environ["CLEARML_FILES_HOST"]) else None
    return {
        "type": artifact.type,
        "mode": artifact.mode,
        "size": artifact.size,
        "uri": artifact.url,
        "hash": artifact.hash,
        "preview": artifact.preview or "",
        "metadata": artifact.metadata,
        "timestamp": int(artifact.timestamp.timestamp()) if artifact.timestamp else None,
        "sha256": digest_of(local) if local else None,
    }


def picture_of_plot(event):
    plot = event.get("plot_str")
    return {
        "metric": event.get("metric"),
        "variant": event.get("variant"),
        "iter": event.get("iter"),
        "plot": json.loads(plot) if plot else None,
    }


def picture_of_task(task_id, download=True):
    task = Task.get_task(task_id=task_id)
    data = task.data
    debug_samples = []
    for title, series in sorted(samples_of(task)):
        for event in task.get_debug_samples(title, series, n_last_iterations=100):
            debug_samples.append({name: event.get(name) for name in ("metric", "variant", "iter", "url", "key")})
    return {
        "id": task.id,
        "name": task.name,
        "project": task.get_project_name(),
        "type": str(task.task_type),
        "status": str(task.get_status()),
        "statusMessage": data.status_message or "",
        "comment": task.comment or "",
        "parent": task.parent,
        "tags": sorted(task.get_tags()),
        "systemTags": sorted(task.get_system_tags() or []),
        "lastIteration": task.get_last_iteration(),
        "progress": task.get_progress(),
        "outputUri": data.output.destination or None,
        "parameters": task.get_parameters(),
        "userProperties": {name: item["value"] for name, item in task.get_user_properties().items()},
        "configurations": {name: task.get_configuration_object(name) for name in sorted(data.configuration or {})},
        "labels": task.get_labels_enumeration() or {},
        "script": {
            name: getattr(data.script, name, None) or ""
            for name in ("binary", "repository", "branch", "version_num", "working_dir", "entry_point", "diff")
        },
        "requirements": (task.get_requirements() or {}).get("pip"),
        "container": {key: value for key, value in (data.container or {}).items() if value},
        "scalars": charts(task.get_all_reported_scalars()),
        "chart": task.get_reported_scalars(max_samples=500),
        "lastMetrics": {
            title: {series: {name: values[name] for name in ("last", "min", "max")} for series, values in variants.items()}
            for title, variants in task.get_last_scalar_metrics().items()
        },
        "singleValues": task.get_reported_single_values(),
        "plots": sorted((picture_of_plot(event) for event in task.get_reported_plots(max_iterations=1000)), key=place),
        "debugSamples": sorted(debug_samples, key=place),
        "console": "".join(task.get_reported_console_output(number_of_reports=1000)).splitlines(),
        "artifacts": {name: picture_of_artifact(artifact, download) for name, artifact in task.artifacts.items()},
        "models": {
            side: [{"as": name, **picture_of_model(model.id, download)} for name, model in named(models)]
            for side, models in task.models.items()
        },
    }


SINGLE_VALUE = -(2**31)


def charts(scalars):
    """Without single values, which the SDK tells among the points of charts; they are in the picture by themselves."""
    kept = {}
    for title, variants in scalars.items():
        for series, points in variants.items():
            if points["x"] != [SINGLE_VALUE]:
                kept.setdefault(title, {})[series] = points
    return kept


def named(models):
    """Names and models of one side: a mapping that also behaves as a list."""
    return [(name, models[name]) for name in models.keys()]


def place(event):
    return (event["metric"], event["variant"], event["iter"], event.get("key") or "")


def samples_of(task):
    """Titles and series of debug samples. The SDK's interface names no call that lists them, so this goes by its session."""
    answered = task.session.send_request(
        service="events", action="get_task_metrics", json={"tasks": [task.id], "event_type": "training_debug_image"}
    ).json()["data"]["metrics"]
    titles = [title for entry in answered for title in entry["metrics"]]
    found = []
    for title in titles:
        images = task.session.send_request(
            service="events",
            action="debug_images",
            version="2.14",
            json={"metrics": [{"task": task.id, "metric": title}], "iters": 100},
        ).json()["data"]["metrics"]
        events = [event for entry in images for iteration in entry["iterations"] for event in iteration["events"]]
        found += [(title, series) for series in {event["variant"] for event in events}]
    return found
