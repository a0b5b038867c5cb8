"""One training run that uses the SDK as widely as a run can. Order: {"depth": "current" | "older", "folder": ...}.

Answers with what it wrote, in the words of picture.py; what it leaves out, the suite compares between the two readers.
"""

import argparse
import hashlib
import io
import json
import os
import sys

from sdk_program import answer, order

asked = order()
folder = asked["folder"]
current = asked["depth"] == "current"
os.chdir(folder)

import numpy as np
from clearml import InputModel, OutputModel, Task
from PIL import Image


def file_with(name, content):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    return path


# The command line is hooked into the task; frameworks are not, for none is installed.
sys.argv = [sys.argv[0], "--lr", "0.25", "--layers", "3"]
task = Task.init(project_name="Interop/Python writes", task_name="Every kind, ünïcödé", tags=["nightly", "ünïcödé"])
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--layers", type=int, default=2)
parser.add_argument("--name", type=str, default="resnet")
parser.add_argument("--verbose", action="store_true")
parser.parse_args()


class Optimizer:
    def __init__(self):
        self.kind = "adam"
        self.betas = (0.9, 0.999)


task.connect({"batch size": 32, "optim": {"name": "sgd", "momentum": 0.9}, "none": None, "flag": True, "a.b$c%d__e": "kept"})
task.connect({"date": "2024-01-01x", "list": [1, 2, 3]}, name="Data/set")
task.connect(Optimizer(), name="Optimizer")
task.connect_configuration({"depth": 3, "stages": ["a", "b"], "nested": {"rate": 0.5}}, name="network")
task.connect_configuration(file_with("settings.yaml", b"rate: 0.5\nnames:\n  - one\n"), name="settings.yaml")
task.connect_label_enumeration({"background": 0, "cat": 1, "dog.big": 2})
task.set_user_properties(owner="someone", **{"build number": "17"})
task.set_comment("A run of the interop suite.\nSecond line.")
task.set_base_docker("python:3.11", docker_arguments="--ipc=host", docker_setup_bash_script=["apt-get update"])
task.set_progress(40)
task.set_parameter("General/late", 3)

logger = task.get_logger()
losses = [1.0 / (step + 1) for step in range(50)]
for step, loss in enumerate(losses):
    logger.report_scalar("loss", "train", loss, iteration=step)
    logger.report_scalar("loss", "val", loss * 2, iteration=step)
logger.report_scalar("a-b", "c", 1.5, iteration=0)
logger.report_scalar("a", "b-c", 2.5, iteration=0)
logger.report_scalar("per class / precision", "Café 100%", 0.5, iteration=7)
logger.report_scalar("negative", "point", -3.25, iteration=49)
logger.report_single_value("best accuracy", 0.9375)
logger.report_single_value("parameters", 1500000)
logger.report_text("a line of text: ünïcödé")
print("a line that was printed")
logger.report_vector("vector", "series", values=[1, 2, 3], iteration=1, xlabels=["a", "b", "c"], xaxis="x", yaxis="y")
logger.report_histogram("histogram", "series", values=np.array([[1, 2], [3, 4]]), iteration=1, labels=["one", "two"], mode="stack")
logger.report_table("table", "csv", iteration=1, table_plot=[["id", "value"], [1, "x"], [2, "y"]])
logger.report_line_plot(
    "line",
    series=[{"name": "first", "data": [[0, 1], [1, 2]]}, {"name": "second", "data": [[0, 3], [1, 4]]}],
    xaxis="time",
    yaxis="value",
    iteration=1,
)
logger.report_scatter2d("scatter", "2d", scatter=[[0, 1], [1, 2], [2, 0.5]], iteration=1, mode="markers", labels=["p", "q", "r"])
logger.report_scatter3d("scatter", "3d", scatter=np.array([[0, 1, 2], [1, 2, 3.5]]), iteration=1)
logger.report_surface("surface", "series", matrix=np.array([[1, 2], [3, 4.5]]), iteration=1, xaxis="x", yaxis="y", zaxis="z")
logger.report_confusion_matrix("confusion", "series", matrix=np.array([[9, 1], [2, 8]]), iteration=1, xlabels=["t", "f"])
logger.report_matrix("matrix", "series", matrix=np.array([[0.5, 1.5], [2.5, 3.5]]), iteration=1)
logger.report_plotly("plotly", "figure", iteration=1, figure={"data": [{"type": "bar", "x": ["a"], "y": [1]}], "layout": {"title": "any"}})
# Large enough for the server to store it compressed.
big = {"data": [{"type": "scatter", "x": list(range(20000)), "y": list(range(20000))}], "layout": {}}
logger.report_plotly("plotly", "large", iteration=2, figure=big)
for step in range(3):
    logger.report_image("image", "pil", iteration=step, image=Image.new("RGB", (8, 8), (step * 40, 0, 0)))
logger.report_image("image", "array: #1", iteration=0, image=np.zeros((4, 4, 3), dtype=np.uint8))
logger.report_media("media", "html", iteration=1, stream=io.StringIO("<html><body>hello</body></html>"), file_extension=".html")
logger.report_media("media", "wav", iteration=1, local_path=file_with("tone.wav", b"RIFF0000WAVE"))
logger.report_media("media", "linked", iteration=1, url="https://example.com/film.mp4")

weights = os.urandom(5000)
plain = file_with("weights/plain file.bin", weights)
file_with("tree/one.txt", b"one")
file_with("tree/deep/two.txt", b"two")
uploads = {
    "plain file": dict(artifact_object=plain, metadata={"rows": 3, "from": "here"}),
    "folder": dict(artifact_object=os.path.join(folder, "tree")),
    "dict": dict(artifact_object={"b": [1, 2], "a": {"c": None}}),
    "text": dict(artifact_object="just some text"),
    "numpy": dict(artifact_object=np.arange(6).reshape(2, 3)),
    "image": dict(artifact_object=Image.new("RGB", (4, 4), (1, 2, 3))),
    "url": dict(artifact_object="https://example.com/elsewhere.bin"),
    "a/b: 100% $x.y": dict(artifact_object={"odd": "name"}),
}
if current:
    import pandas

    uploads["pandas"] = dict(artifact_object=pandas.DataFrame({"x": [1, 2], "y": ["a", "b"]}))
    uploads["pickle"] = dict(artifact_object={1, 2, 3}, auto_pickle=True)
for name, arguments in uploads.items():
    assert task.upload_artifact(name, wait_on_upload=True, **arguments), name

parent = InputModel.import_model(
    weights_url="https://example.com/parent.pt", name="Parent model", label_enumeration={"cat": 1}, framework="PyTorch"
)
task.connect(parent)
output = OutputModel(task=task, name="Detector", tags=["prod"], framework="PyTorch", comment="by hand", label_enumeration={"cat": 1})
output.update_design(config_dict={"layers": 3})
output.set_metadata("accuracy", "0.9", "float")
output.update_weights(weights_filename=plain, upload_uri=asked["files"], iteration=49, auto_delete_file=False)
output.wait_for_uploads()
registered = OutputModel(task=task, name="Registered elsewhere", framework="ONNX")
registered.update_weights(register_uri="https://example.com/registered.onnx")
task.flush(wait_for_uploads=True)
task.set_progress(90)

digest = hashlib.sha256(weights).hexdigest()
written = {
    "id": task.id,
    "task": {
        "id": task.id,
        "name": "Every kind, ünïcödé",
        "project": "Interop/Python writes",
        "type": "training",
        "status": "completed",
        "tags": ["nightly", "ünïcödé"],
        # Connecting a model adds a line.
        "comment": f"A run of the interop suite.\nSecond line.\nUsing model id: {parent.id}",
        "userProperties": {"owner": "someone", "build number": "17"},
        "labels": {"background": 0, "cat": 1, "dog.big": 2},
        "lastIteration": 49,
        "progress": 100,
        "container": {"image": "python:3.11", "arguments": "--ipc=host", "setup_shell_script": "apt-get update"},
    },
    "parameters": {
        "Args/lr": "0.25",
        "Args/layers": "3",
        "Args/name": "resnet",
        "Args/verbose": "False",
        "General/batch size": "32",
        "General/optim/name": "sgd",
        "General/optim/momentum": "0.9",
        "General/none": "",
        "General/flag": "True",
        "General/a.b$c%d__e": "kept",
        "General/late": "3",
        "Data/set/date": "2024-01-01x",
        "Data/set/list": "[1, 2, 3]",
        "Optimizer/kind": "adam",
        "Optimizer/betas": "[0.9, 0.999]",
    },
    "scalars": {
        "loss": {
            "train": {"x": list(range(50)), "y": losses},
            "val": {"x": list(range(50)), "y": [loss * 2 for loss in losses]},
        },
        # The server gives "a-b"/"c" and "a"/"b-c" one identity: the later one stays.
        "a": {"b-c": {"x": [0], "y": [2.5]}},
        "per class / precision": {"Café 100%": {"x": [7], "y": [0.5]}},
        "negative": {"point": {"x": [49], "y": [-3.25]}},
    },
    "singleValues": {"best accuracy": 0.9375, "parameters": 1500000},
    "plots": sorted(
        [
            ["vector", "series"],
            ["histogram", "series"],
            ["table", "csv"],
            ["line", ""],
            ["scatter", "2d"],
            ["scatter", "3d"],
            ["surface", "series"],
            ["confusion", "series"],
            ["matrix", "series"],
            ["plotly", "figure"],
            ["plotly", "large"],
        ]
    ),
    "samples": sorted(
        [["image", "pil", step] for step in range(3)]
        + [["image", "array: #1", 0], ["media", "html", 1], ["media", "wav", 1], ["media", "linked", 1]]
    ),
    "console": ["a line of text: ünïcödé", "a line that was printed"],
    "artifacts": sorted(uploads),
    "plainFile": {"sha256": digest, "size": len(weights)},
    "models": {"input": [parent.id], "output": [output.id, registered.id]},
    "output": {
        "id": output.id,
        "name": "Detector",
        "framework": "PyTorch",
        # The task's, once it has some.
        "labels": {"background": 0, "cat": 1, "dog.big": 2},
        "tags": ["prod"],
        "sha256": digest,
        "published": False,
        "task": task.id,
        "metadata": {"accuracy": {"key": "accuracy", "type": "float", "value": "0.9"}},
    },
}
task.close()
answer(json.loads(json.dumps(written)))
