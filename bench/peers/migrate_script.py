"""What one writes first in Python, with both official clients: run after run, metric after metric, one call for each point, then close.

Prints one line of JSON. It moves points alone. Its own search for a repository, its watching of the process and its console are off.
"""
import json
import os
import resource
import sys
import time

from clearml import Task
from mlflow import MlflowClient


def cpu_seconds():
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def migrate(client, run_id):
    run = client.get_run(run_id)
    task = Task.init(
        project_name="Migrated",
        task_name=run.info.run_name,
        reuse_last_task_id=False,
        auto_connect_frameworks=False,
        auto_connect_arg_parser=False,
        auto_connect_streams=False,
        auto_resource_monitoring=False,
    )
    logger = task.get_logger()
    points = 0
    for key in run.data.metrics:
        for point in client.get_metric_history(run_id, key):
            logger.report_scalar(title=key, series=key, value=point.value, iteration=point.step)
            points += 1
    task.close()
    return task.id, points


def main():
    asked = json.loads(sys.argv[1])
    client = MlflowClient(tracking_uri=asked["trackingUri"])
    cpu, begun = cpu_seconds(), time.perf_counter()
    moved = [migrate(client, run_id) for run_id in asked["runIds"]]
    seconds, used = time.perf_counter() - begun, cpu_seconds() - cpu
    arrived = 0
    for task_id, _ in moved:
        for chart in Task.get_task(task_id=task_id).get_reported_scalars(max_samples=0).values():
            arrived += sum(len(line["x"]) for line in chart.values())
    points = sum(count for _, count in moved)
    problem = {} if arrived == points else {"problem": "%d of %d points arrived" % (arrived, points)}
    print(json.dumps({"points": points, "seconds": seconds, "cpuSeconds": used, "rssBytes": [], **problem}), flush=True)
    # What is left of the client's threads is not waited for.
    os._exit(0)


main()
