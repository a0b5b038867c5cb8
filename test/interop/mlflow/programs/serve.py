"""Runs `mlflow server` with the given arguments until its standard input ends, so that no server outlives its test."""
import os
import signal
import subprocess
import sys
import threading

server = subprocess.Popen([sys.executable, "-m", "mlflow", "server", *sys.argv[1:]], stdin=subprocess.DEVNULL)


def end_with_input():
    sys.stdin.read()
    # The group is this process's own: the server's workers and helpers are in it.
    os.killpg(0, signal.SIGKILL)


threading.Thread(target=end_with_input, daemon=True).start()
sys.exit(server.wait())
