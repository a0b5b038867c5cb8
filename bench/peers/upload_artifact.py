"""The official client's Task.upload_artifact into the same S3 server, until it says that the upload is over."""
import json
import sys
import time

from clearml import Task


def main():
    asked = json.loads(sys.argv[1])
    task = Task.init(
        project_name="bench",
        task_name="python upload",
        output_uri=asked["outputUri"],
        auto_connect_frameworks=False,
        auto_connect_arg_parser=False,
        auto_connect_streams=False,
        auto_resource_monitoring=False,
    )
    begun = time.perf_counter()
    done = task.upload_artifact(asked["key"], artifact_object=asked["file"], wait_on_upload=True)
    seconds = time.perf_counter() - begun
    url = task.artifacts[asked["key"]].url if done and asked["key"] in task.artifacts else ""
    task.close()
    print(json.dumps({"seconds": seconds, "ok": bool(done), "url": url}), flush=True)


main()
