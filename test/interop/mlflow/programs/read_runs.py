"""Reads runs by MLflow's own client, from a server or a tracking folder, and prints all that it says of them as JSON."""
import hashlib
import json
import os
import sys
import tempfile

from mlflow import MlflowClient

client = MlflowClient(sys.argv[1])


def files(run_id, path=None):
    for entry in client.list_artifacts(run_id, path):
        if entry.is_dir:
            yield from files(run_id, entry.path)
        else:
            yield entry.path


def digest(run_id, path, folder):
    with open(client.download_artifacts(run_id, path, folder), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def step(point):
    # JavaScript rounds what is larger: that goes as a text.
    return point.step if abs(point.step) < 2**53 else str(point.step)


def read(run_id):
    run = client.get_run(run_id)
    info = run.info
    with tempfile.TemporaryDirectory() as folder:
        return {
            "info": [info.run_id, info.experiment_id, info.run_name, info.status, info.start_time, info.end_time, info.lifecycle_stage, info.user_id],
            "params": run.data.params,
            "tags": run.data.tags,
            # By value's own spelling: NaN is not equal to itself.
            "points": {key: sorted([m.timestamp, step(m), repr(m.value)] for m in client.get_metric_history(run_id, key)) for key in run.data.metrics},
            "files": {path: digest(run_id, path, folder) for path in files(run_id)},
        }


runs = {run_id: read(run_id) for run_id in json.load(sys.stdin)}
experiments = {}
for run in runs.values():
    one = client.get_experiment(run["info"][1])
    experiments[one.experiment_id] = [one.name, one.lifecycle_stage, one.creation_time, one.tags]
print(json.dumps({"runs": runs, "experiments": experiments}, sort_keys=True))
