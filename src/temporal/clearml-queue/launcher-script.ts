/**
 * The program that a clearml-agent runs in the place of a trainer: it starts the trainer, ends it when somebody asks
 * through ClearML, and writes down how it ended. An agent alone would kill at once, and would keep of an end its code at
 * best. Shell in its first lines and Python from there: the one makes the agent skip its virtual environment, the other
 * is wherever an agent is. It uses Python's own library alone.
 */

import { TASK_PART } from "./launcher-task.js";

/** Keys of the task's runtime by which launcher and manager speak. */
export const RUNTIME_KEYS = {
  /** Set by the launcher that runs the trainer: its own name. */
  started: "trainer_sdk_started",
  /** Set by the launcher: how the trainer ended. JSON. */
  end: "trainer_sdk_end",
  /** Set by the manager: somebody asked for the end. JSON. */
  stop: "trainer_sdk_stop",
  /** The agent's own: how many seconds after a request to stop it waits before it kills. */
  agentPatience: "_abort_callback_timeout",
} as const;

/** What the launcher is to do; becomes a part of its text. No secret. */
export interface LaunchOrder {
  readonly fence: number;
  readonly command: readonly string[];
  readonly workingDirectory?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** How often it asks ClearML whether the trainer is to end. */
  readonly pollSeconds: number;
  /** From SIGTERM to SIGKILL when whoever asks does not say. */
  readonly graceSeconds: number;
  /** The kernel's counters of memory kills. Default: of the control group that it runs in. */
  readonly memoryEventsFile?: string | undefined;
}

/** Lines of the console between which the trainer's own stand. */
export function logMarks(fence: number): { readonly begin: string; readonly end: string } {
  return { begin: `[trainer-sdk] trainer ${String(fence)} begins`, end: `[trainer-sdk] trainer ${String(fence)} ended` };
}

/** The text of the launcher with its order in it. */
export function launcherScript(order: LaunchOrder): string {
  const payload = Buffer.from(JSON.stringify({ ...order, keys: RUNTIME_KEYS, marks: logMarks(order.fence) })).toString("base64");
  return `${PROGRAM}\nmain(json.loads(base64.b64decode("${payload}")))\n`;
}

const PROGRAM = String.raw`#!/bin/sh
''':'
exec python3 -u "$0"
'''
# Runs a trainer for trainer-sdk; written by its ClearML queue manager.
import base64, ctypes, json, os, queue, re, signal, ssl, subprocess, sys, threading, time, urllib.error, urllib.request, uuid


${TASK_PART}

def wish(task, keys):
    """Why the trainer is to end, and after which grace; None: it is not."""
    if task is None:
        return "its ClearML task was deleted", None
    stop = (task.get("runtime") or {}).get(keys["stop"])
    if stop:
        asked = json.loads(stop)
        return asked["reason"], asked["graceMs"] / 1000
    if task["status"] != "in_progress":
        return "its ClearML task is now " + task["status"], None
    if "stopping" in (task.get("status_message") or ""):
        return "somebody stopped its ClearML task", None
    return None


def memory_kills(path):
    """So many processes the kernel killed for want of memory."""
    try:
        if path is None:
            with open("/proc/self/cgroup") as file:
                group = [line for line in file.read().splitlines() if line.startswith("0::")][0][3:]
            path = "/sys/fs/cgroup" + group.rstrip("/") + "/memory.events"
        with open(path) as file:
            return int([line for line in file.read().splitlines() if line.startswith("oom_kill ")][0].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def watch(task, order, parent, events):
    """Tells of wishes to end; a ClearML that is away wishes nothing."""
    while True:
        time.sleep(order["pollSeconds"])
        if os.getppid() != parent:
            events.put(("agentLost", "its agent is gone", None))
        try:
            asked = wish(task.look(), order["keys"])
            if asked is not None:
                events.put(("stopRequested", asked[0], asked[1]))
        except Exception:
            pass


def die_with_launcher():
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    except (OSError, AttributeError):
        pass


def signal_group(leader, number):
    try:
        os.killpg(leader, number)
    except OSError:
        pass


def end_as_stopped():
    """An end that an agent reports as stopped, and not as failed."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)


def run(task, order, parent):
    """Runs the trainer; answers how it ended."""
    agents_own = ("CLEARML_TASK_ID", "TRAINS_TASK_ID", "CLEARML_LOG_TASK_TO_BACKEND", "TRAINS_LOG_TASK_TO_BACKEND", "PYTHONPATH")
    env = {name: value for name, value in os.environ.items() if name not in agents_own}
    env.update(order["env"])
    # Not Queue: a signal's handler puts too, and must not wait for a lock.
    events = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: events.put(("interrupted", "its agent was told to end", None)))
    kills = memory_kills(order.get("memoryEventsFile"))
    try:
        trainer = subprocess.Popen(
            order["command"],
            cwd=order.get("workingDirectory"),
            env=env,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_launcher,
        )
    except OSError as error:
        return {"startError": str(error)}
    threading.Thread(target=lambda: events.put(("exit", trainer.wait(), None)), daemon=True).start()
    threading.Thread(target=watch, args=(task, order, parent, events), daemon=True).start()
    told, deadline = {}, None
    while True:
        try:
            kind, what, grace = events.get(timeout=None if deadline is None else max(0, deadline - time.monotonic()))
        except queue.Empty:
            signal_group(trainer.pid, signal.SIGKILL)
            deadline = time.monotonic() + 1
            continue
        if kind == "exit":
            break
        if not told:
            print("[trainer-sdk] the trainer is asked to end: %s" % what)
            signal_group(trainer.pid, signal.SIGTERM)
        told[kind] = True
        due = time.monotonic() + (order["graceSeconds"] if grace is None else grace)
        deadline = due if deadline is None else min(deadline, due)
    signal_group(trainer.pid, signal.SIGKILL)
    end = dict(told, oom=memory_kills(order.get("memoryEventsFile")) > kills)
    if what < 0:
        return dict(end, signal={each.value: each.name for each in signal.Signals}.get(-what, "signal %d" % -what))
    return dict(end, code=what)


def main(order):
    keys, marks = order["keys"], order["marks"]
    parent = os.getppid()
    name = uuid.uuid4().hex
    try:
        task = Task()
        before = patiently(task.look, parent)
        if before is not None and wish(before, keys) is None and not (before.get("runtime") or {}).get(keys["started"]):
            patiently(lambda: task.note(keys["started"], name), parent)
            # Of two that claim the task at once, the one who wrote last has it.
            time.sleep(min(1, order["pollSeconds"]))
            before = patiently(task.look, parent)
    except Refused as error:
        print("[trainer-sdk] the trainer is not started: %s" % error)
        sys.exit(78)
    if before is None:
        end_as_stopped()
    asked = wish(before, keys)
    if asked is None and (before.get("runtime") or {}).get(keys["started"]) != name:
        print("[trainer-sdk] another agent runs this task")
        while True:
            # An end of this process would be taken for the task's.
            time.sleep(order["pollSeconds"])
            now = patiently(task.look, parent)
            if now is None or now["status"] != "in_progress" or (now.get("runtime") or {}).get(keys["end"]):
                sys.exit(0)
    if asked is None:
        print(marks["begin"])
        end = run(task, order, parent)
        print("\n" + marks["end"])
    else:
        end = {"stopRequested": True, "neverStarted": True}
    try:
        patiently(lambda: task.note(keys["end"], json.dumps(end)), seconds=300)
    except Refused as error:
        print("[trainer-sdk] the end could not be written down: %s" % error)
    if end.get("stopRequested"):
        end_as_stopped()
    sys.exit(end.get("code", 1))

`;
