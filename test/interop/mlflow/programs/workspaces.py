"""Fills a server that has workspaces: an experiment, a run and a model of the same names in each. Prints run ids by workspace as JSON."""
import json
import os
import tempfile

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

ids = {}
T = 1_700_000_000_000
for workspace in ["default", "team-a", "team-b"]:
    if workspace != "default":
        mlflow.create_workspace(workspace)
    mlflow.set_workspace(workspace)
    client = MlflowClient()
    experiment = client.create_experiment("vision")
    run = client.create_run(experiment, start_time=T, run_name="same name").info.run_id
    client.log_batch(run, metrics=[Metric("loss", step / 3, T + step, step) for step in range(20)], params=[Param("where", workspace)])
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "note.txt"), "w") as file:
            file.write(f"of {workspace}")
        client.log_artifacts(run, folder, "notes")
        with open(os.path.join(folder, "MLmodel"), "w") as file:
            file.write("flavors:\n  pytorch:\n    model_data: data\n")
        model = client.create_logged_model(experiment, name="net", source_run_id=run)
        client.log_model_artifacts(model.model_id, folder)
        client.finalize_logged_model(model.model_id, "READY")
    client.set_terminated(run, "FINISHED", T + 60_000)
    client.create_registered_model("detector", description=f"that of {workspace}", tags={"team": workspace})
    client.create_model_version("detector", f"{client.get_run(run).info.artifact_uri}/notes", run, description=workspace)
    client.set_registered_model_alias("detector", "champion", "1")
    ids[workspace] = run
print(json.dumps(ids))
