"""The official client's side: report_scalar for the same points, then flush. Prints one line of JSON."""
import json
import resource
import sys
import time

from clearml import Task


def cpu_seconds():
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main():
    asked = json.loads(sys.argv[1])
    points, series = asked["points"], asked["series"]
    task = Task.init(
        project_name="bench",
        task_name="python",
        auto_connect_frameworks=False,
        auto_connect_arg_parser=False,
        auto_connect_streams=False,
        auto_resource_monitoring=False,
    )
    logger = task.get_logger()
    logger.report_scalar("warm", "up", 1.0, 0)
    task.flush(wait_for_uploads=True)
    clock = time.perf_counter
    calls = []
    cpu = cpu_seconds()
    begun = clock()
    for at in range(points):
        before = clock()
        logger.report_scalar("chart", "line %d" % (at % series), at / points, at // series)
        calls.append(clock() - before)
    reported = clock()
    task.flush(wait_for_uploads=True)
    flushed = clock()
    used = cpu_seconds() - cpu
    calls.sort()
    answer = {
        "taskId": task.id,
        "callSeconds": sum(calls),
        "callP50Us": calls[len(calls) // 2] * 1e6,
        "callP99Us": calls[int(len(calls) * 0.99)] * 1e6,
        "callMaxUs": calls[-1] * 1e6,
        "loopSeconds": reported - begun,
        "wholeSeconds": flushed - begun,
        "cpuSeconds": used,
    }
    task.close()
    print(json.dumps(answer), flush=True)


main()
