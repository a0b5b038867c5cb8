"""Fills a server with MLflow's own authentication: an experiment of the administrator, and one of a user who may read no other. Prints ids as JSON."""
import json
import os
import tempfile

import mlflow
from mlflow import MlflowClient
from mlflow.server.auth.client import AuthServiceClient

T = 1_700_000_000_000
uri = os.environ["MLFLOW_TRACKING_URI"]
AuthServiceClient(uri).create_user("eve", "eve-has-a-password")
client = MlflowClient()


def run_in(experiment):
    run = client.create_run(client.create_experiment(experiment), start_time=T, run_name=experiment).info.run_id
    client.log_metric(run, "loss", 0.5, timestamp=T, step=1)
    return run


secret = run_in("secret")
with tempfile.TemporaryDirectory() as folder:
    # Names as clients give them: of a step's image since 3.10, and before; escapes, halves of escapes, and what they would become.
    for name in ["x+step+3+timestamp+1700000000000+ab.png", "x%step%3%timestamp%1700000000000%deadbeef.png", "100%.txt", "a b.txt", "a%20b.txt", "a%2Fb.txt"]:
        with open(os.path.join(folder, name), "w") as file:
            file.write(f"<{name}>")
        client.log_artifact(secret, os.path.join(folder, name), "images")
if hasattr(client, "log_image") and not mlflow.__version__.startswith("2.9."):
    import numpy

    for step in [3, 12]:
        client.log_image(secret, numpy.zeros((4, 4, 3), dtype="uint8"), key="part/x", step=step, timestamp=T)
client.set_terminated(secret, "FINISHED", T + 1)
os.environ["MLFLOW_TRACKING_USERNAME"] = "eve"
os.environ["MLFLOW_TRACKING_PASSWORD"] = "eve-has-a-password"
hers = run_in("hers")
client.set_terminated(hers, "FINISHED", T + 1)
print(json.dumps({"secret": secret, "hers": hers}))
