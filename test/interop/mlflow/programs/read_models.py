"""Reads models by MLflow's own client, of a server or a tracking folder, and prints all that it says of them as JSON: versions of registered models, logged models, and which of them runs have read and made."""
import hashlib
import json
import os
import sys
import tempfile

import mlflow
from mlflow import MlflowClient

client = MlflowClient(sys.argv[1])
mlflow.set_tracking_uri(sys.argv[1])


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def contents(uri):
    """Path and digest of each file, and the text of MLmodel; nothing where MLflow's client finds none."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            root = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder)
        except Exception:
            return {"files": {}, "mlmodel": None}
        found = [os.path.join(at, name) for at, _, names in os.walk(root) for name in names]
        described = os.path.join(root, "MLmodel")
        mlmodel = None
        if os.path.exists(described):
            with open(described, encoding="utf-8") as file:
                mlmodel = file.read()
        return {"files": {os.path.relpath(path, root): digest(path) for path in found}, "mlmodel": mlmodel}


def last_points(metrics):
    last = {}
    for metric in sorted(metrics, key=lambda m: (m.step, m.timestamp, m.value)):
        last[metric.key] = [metric.timestamp, metric.step, repr(metric.value), metric.run_id, metric.dataset_name, metric.dataset_digest]
    return last


versions = []
registered = []
for model in client.search_registered_models():
    registered.append(
        {
            "name": model.name,
            "description": model.description or "",
            "tags": model.tags,
            "aliases": model.aliases,
            "times": [model.creation_timestamp, model.last_updated_timestamp],
            "latest": {latest.current_stage: str(latest.version) for latest in model.latest_versions},
        }
    )
    for version in client.search_model_versions(f"name = '{model.name}'"):
        full = client.get_model_version(model.name, version.version)
        uri = f"models:/{model.name}/{version.version}"
        for alias in full.aliases:
            assert str(client.get_model_version_by_alias(model.name, alias).version) == str(full.version)
        versions.append(
            {
                "name": full.name,
                "version": str(full.version),
                "stage": full.current_stage,
                "aliases": sorted(full.aliases),
                "description": full.description or "",
                "tags": full.tags,
                "runId": full.run_id or "",
                "source": full.source,
                "status": full.status,
                "times": [full.creation_timestamp, full.last_updated_timestamp],
                **contents(uri),
            }
        )
logged = []
if hasattr(client, "search_logged_models"):
    experiments = [experiment.experiment_id for experiment in client.search_experiments(view_type=3)]
    for model in client.search_logged_models(experiments):
        uri = f"models:/{model.model_id}"
        logged.append(
            {
                "id": model.model_id,
                "name": model.name,
                "tags": {key: value for key, value in model.tags.items()},
                "params": model.params,
                "runId": model.source_run_id or "",
                "type": model.model_type,
                "experiment": model.experiment_id,
                "status": str(model.status),
                "times": [model.creation_timestamp, model.last_updated_timestamp],
                # Of several points a folder answers the last one, and a database all. NaN a database has lost already.
                "metrics": last_points(model.metrics or []),
                **contents(uri),
            }
        )
links = {}
for experiment in client.search_experiments(view_type=3):
    for found in client.search_runs([experiment.experiment_id], run_view_type=3, max_results=1000) if logged else []:
        run = client.get_run(found.info.run_id)
        inputs = sorted(model.model_id for model in (run.inputs.model_inputs or [])) if run.inputs else []
        outputs = sorted([model.model_id, model.step] for model in (run.outputs.model_outputs or [])) if run.outputs else []
        if inputs or outputs:
            links[run.info.run_id] = [inputs, outputs]
print(json.dumps({"links": links, "registered": registered, "versions": versions, "logged": logged}, sort_keys=True))
