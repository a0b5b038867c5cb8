"""Fills an MLflow, a server or a tracking folder, by its own client, with what a migration may stumble over. Prints ids as JSON."""
import json
import os
import sys
import tempfile

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

try:
    from mlflow.entities import LoggedModelInput, LoggedModelOutput
except ImportError:
    # Of MLflow 3.
    LoggedModelInput = None

client = MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
has_logged_models = hasattr(client, "create_logged_model")
# In a folder a name cannot be a file and a folder at once, and a database takes both.
is_folder = "://" not in os.environ["MLFLOW_TRACKING_URI"]
T = 1_700_000_000_000
ids = {}


def run(experiment, name, status="FINISHED", parent=None, **tags):
    given = {"mlflow.runName": name, "mlflow.user": "ada", **tags}
    if parent:
        given["mlflow.parentRunId"] = parent
    found = client.create_run(experiment, start_time=T, tags=given)
    ids[name] = found.info.run_id
    return found.info.run_id


def end(run_id, status="FINISHED"):
    client.set_terminated(run_id, status=status, end_time=T + 60_000)


def points(run_id, key, rows):
    rows = [Metric(key, value, T + at, step) for value, at, step in rows]
    for first in range(0, len(rows), 1000):
        client.log_batch(run_id, metrics=rows[first : first + 1000])


vision = client.create_experiment("vision/détecteur", tags={"team": "blue", "mlflow.note.content": "All detectors."})
short = client.create_experiment("a")
client.create_experiment("a__")
gone = client.create_experiment("gone")

# One run with every trap of names and numbers.
traps = run(vision, "traps", **{"mlflow.note.content": "# A note\nwith *lines*", "mlflow.source.git.commit": "abc123", "mlflow.source.name": "train.py",
            "mlflow.source.git.repoURL": "https://ada:s3cret@host.example/team/repo.git", "mlflow.source.git.branch": "main", "day": "2024-01-31", "stage ": "x", "stage": "y", "empty": ""})
client.log_batch(traps, params=[Param("lr", "0.1"), Param("when", "2024-01-31"), Param(" x y", "one"), Param("x y", "two"), Param("2024-01-01", "iso"),
                                Param("empty", ""), Param("long", "ä" * 6000), Param("lines", "a\nb"), Param("size", "1"), Param("a.b/c", "dots")])
points(traps, "train_loss", [(1 / (step + 1), step * 10, step) for step in range(5)])
points(traps, "train/loss", [(2.0, 0, 0)])
points(traps, "loss", [(0.5, 0, 0)])
points(traps, "a-b/c", [(1.0, 0, 1)])
points(traps, "b/c-a", [(2.0, 0, 1)])
points(traps, "a/b-c", [(3.0, 0, 1)])
points(traps, "2024-01-01", [(1.0, 0, 1)])
points(traps, "name with spaces/détail", [(0.30000000000000004, 0, 0), (5e-324, 1, 1), (-0.0, 2, 2), (1e300, 3, 3), (3.0e38, 4, 4)])
points(traps, "nonfinite", [(float("nan"), 0, 0), (float("inf"), 1, 1), (float("-inf"), 2, 2), (7.0, 3, 3)])
points(traps, "same step", [(float(n), n, 0) for n in range(7)])
points(traps, "one moment", [(3.0, 0, 5), (1.0, 0, 5), (2.0, 0, 5)])
points(traps, "negative", [(float(step), abs(step), step) for step in range(-4, 3)])
points(traps, "backwards", [(float(step), 10 - step, step) for step in range(10)])
points(traps, "huge step", [(1.0, 0, 2**53 + 1), (2.0, 1, 2**40), (3.0, 2, -(2**31))])
points(traps, "system/cpu_utilization_percentage", [(12.5, 0, 0), (13.5, 10_000, 1)])
points(traps, "k" * 250, [(1.0, 0, 0)])
if not is_folder:
    points(traps, "loss/train", [(4.0, 0, 0)])
client.set_tag(traps, "as long as may be", "ä" * 5000)
end(traps)

with tempfile.TemporaryDirectory() as folder:
    files = {"plain.txt": b"hello", "empty.bin": b"", "deep/er/tree/x.json": b"{}", "deep/mit Umlaut \xc3\xa4.txt".encode("latin1").decode("utf8"): b"\x00\x01", "big.bin": os.urandom(3_000_000),
             "2024-01-31": b"a date for a name", "images/map%step%3%zz.png": b"not really"}
    for name, content in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
    client.log_artifacts(traps, folder)

# Data sets: a digest that YAML 1.2 reads as a number, texts with lines, a run with two.
data = run(vision, "on data")
first = Dataset("cats and dogs", "1234e567", "local", json.dumps({"uri": "cats.csv"}), schema='{"a": [1,\n2]}', profile=None)
second = Dataset("birds", "0o17", "http", json.dumps({"uri": "https://host.example/birds?x=1"}), schema=None, profile='{"rows": 5}')
client.log_inputs(data, [DatasetInput(first, [InputTag("mlflow.data.context", "training")]), DatasetInput(second, [InputTag("note", "null"), InputTag("mlflow.data.context", "validation")])])
points(data, "loss", [(1.5, 0, 0)])
if has_logged_models:
    client.log_batch(data, metrics=[Metric("accuracy", 0.5 + n / 10, T + n, n, dataset_name="birds", dataset_digest="0o17", run_id=data) for n in range(3)])
end(data)

# A family, children first in time; statuses; a deleted run; parents that are not there or go in a circle.
child = run(vision, "child", parent="0" * 32)
parent = run(vision, "parent")
client.set_tag(child, "mlflow.parentRunId", parent)
end(child, "FAILED")
end(parent, "KILLED")
still = run(vision, "still running")
orphan = run(vision, "orphan", parent="f" * 32)
end(orphan)
left, right = run(short, "left"), run(short, "right")
client.set_tag(left, "mlflow.parentRunId", right)
client.set_tag(right, "mlflow.parentRunId", left)
end(left)
end(right)
deleted = run(short, "deleted one")
points(deleted, "loss", [(1.0, 0, 0)])
end(deleted)
client.delete_run(deleted)
end(run(gone, "in a deleted experiment"))
client.delete_experiment(gone)

# Registered models: versions with files of a run, stages, aliases, a gap in the numbers, a version without a run.
client.create_registered_model("detector", tags={"team": "blue", "day": "2024-01-31"}, description="Finds things.")
with tempfile.TemporaryDirectory() as folder:
    os.makedirs(os.path.join(folder, "model", "data"))
    for name, content in {"MLmodel": b"artifact_path: model\nflavors:\n  python_function:\n    loader_module: mlflow.sklearn\n  sklearn:\n    code: null\n", "data/weights.bin": os.urandom(1000)}.items():
        with open(os.path.join(folder, "model", name), "wb") as file:
            file.write(content)
    client.log_artifacts(parent, os.path.join(folder, "model"), "model")
root = client.get_run(parent).info.artifact_uri
for number in range(3):
    client.create_model_version("detector", f"{root}/model", parent, tags={"number": str(number), "mlflow_version": "a tag"}, description=f"Take {number}")
client.delete_model_version("detector", "2")
client.create_model_version("detector", "gs://somewhere/else", None)
client.transition_model_version_stage("detector", "1", "Production")
client.set_registered_model_alias("detector", "champion", "3")
client.set_registered_model_alias("detector", "best", "3")
client.create_registered_model("empty one")

# MLflow 3: a model beside its run, with measurements of its own, a deleted one, and a version; a prompt, which is no model.
logged = 0
if has_logged_models:
    model = client.create_logged_model(vision, name="net", source_run_id=parent, tags={"kind": "cnn"}, params={"depth": "3"}, model_type="torch")
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "MLmodel"), "w") as file:
            file.write("flavors:\n  pytorch:\n    model_data: data\n")
        client.log_model_artifacts(model.model_id, folder)
    client.finalize_logged_model(model.model_id, "READY")
    client.log_batch(still, metrics=[Metric("accuracy", value, T + n, n, model_id=model.model_id, run_id=still, dataset_name="birds", dataset_digest="0o17") for n, value in enumerate([0.5, float("nan"), 0.7])])
    client.create_model_version("detector", f"models:/{model.model_id}", parent, model_id=model.model_id)
    # A second one of the same name in the same run, without a file, as checkpoints of one training have it; and a run that reads the first.
    client.create_logged_model(vision, name="net", source_run_id=parent)
    client.log_inputs(child, models=[LoggedModelInput(model.model_id)])
    client.log_outputs(parent, [LoggedModelOutput(model.model_id, 7)])
    client.log_metric(parent, "net loss", 0.5, timestamp=T, step=1, model_id=model.model_id)
    client.delete_logged_model(client.create_logged_model(vision, name="thrown away", source_run_id=parent).model_id)
    client.register_prompt("a-prompt", "Say {{what}}.")
    logged = 2
# A version of a run that was deleted, and had no such files.
client.create_model_version("detector", f"{client.get_run(deleted).info.artifact_uri}/model", deleted)
ids["modelsWithoutFiles"] = str(3 if logged else 2)
ids["models"] = str(logged + 1 + (5 if logged else 4))

# More points than a page holds, and enough runs to be killed in the middle of.
long = run(vision, "long")
points(long, "loss", [(step / 7, step, step) for step in range(int(sys.argv[1]))])
end(long)
many = client.create_experiment("many")
for number in range(int(sys.argv[2])):
    one = run(many, f"run {number}")
    client.log_batch(one, metrics=[Metric("loss", n / 3 + number, T + n, n) for n in range(200)], params=[Param("number", str(number))])
    end(one)

print(json.dumps(ids))
