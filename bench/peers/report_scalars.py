"""The official client's side: report_scalar for the same points, then flush. Prints one line of JSON."""
import json
import os
import resource
import sys
import time

from clearml import Task


def living_children(pid):
    """Ids of all processes below: the client may report from one of its own."""
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task)) as file:
            for child in file.read().split():
                found += [int(child)] + living_children(int(child))
    return found


def cpu_seconds():
    """This process, its children that ended, and those that live."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    used = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    for child in living_children(os.getpid()):
        with open("/proc/%d/stat" % child) as file:
            fields = file.read().rsplit(")", 1)[1].split()
        used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


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
