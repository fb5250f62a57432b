#!/usr/bin/env python3
"""The cost of recording a live service: processor time of a gunicorn worker a request, and of the recorder beside it.

Seven workers run the same Flask application: one is not recorded, to the others memrec (whole, and sampled) or memray (by gdb or lldb, whichever
works here) has attached, each with and without Python's allocators. They take turns of 100 requests, so that they all see the same load of the machine. Processor time is what
the kernel counted for the worker, and for memrec, in nanoseconds (schedstat). Prints medians of the turns as a table.

usage: service.py [--turns N] [--out FILE.md]

Needs PyPI for memray, Flask and gunicorn: a venv is made in build/bench. Without a debugger that memray can attach with, it has no rows.
"""
import argparse
import http.client
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from rival import BIN, set_up

REQUESTS = 100
APP = """
from flask import Flask, jsonify
app = Flask(__name__)
kept = {}

@app.route("/<int:n>")
def order(n):
    kept[n % 50] = [bytearray(2_000) for i in range(20)]
    return jsonify({"item %d" % i: {"price": i * n, "tags": ["a" * (i % 7), "b"]} for i in range(100)})
"""
# Each with a recorder that is started, and one that is only told to begin.
MEMREC, MEMRAY = [os.path.join(BIN, "memrec"), "-v", "-f"], ["memray", "attach", "-f"]
SERVICES = {
    "not recorded": None,
    "memrec": MEMREC,
    "memrec, Python's allocators": [*MEMREC, "--trace-python-allocators"],
    "memrec, sampled": [*MEMREC, "--sample", "512KiB"],
    "memrec, sampled, Python's allocators": [*MEMREC, "--sample", "512KiB", "--trace-python-allocators"],
    "memray": MEMRAY,
    "memray, Python's allocators": [*MEMRAY, "--trace-python-allocators"],
}


def spent(pid):
    """Nanoseconds on a processor, of all threads that there are."""
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, task)) as f:
            total += int(f.read().split()[0])
    return total


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Service:
    def __init__(self, venv, name):
        self.name, self.port, self.recorder, self.turns = name, free_port(), None, []
        self.server = subprocess.Popen([os.path.join(venv, "gunicorn"), "--workers", "1", "--bind", "127.0.0.1:%d" % self.port,
                                        "--log-level", "warning", "app:app"])
        self.ask(50)
        with open("/proc/%d/task/%d/children" % (self.server.pid, self.server.pid)) as f:
            self.worker = int(f.read().split()[0])

    def ask(self, requests):
        for n in range(requests):
            for attempt in range(200):
                try:
                    c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
                    c.connect()
                    break
                except ConnectionRefusedError:
                    time.sleep(.1)
            c.request("GET", "/%d" % n)
            assert c.getresponse().read()
            c.close()

    def attach(self, venv, command, method=None):
        begin = time.monotonic()
        if command[0] == "memray":
            subprocess.run([os.path.join(venv, "memray"), *command[1:], "--method", method, "-o", "memray.%d.bin" % self.worker,
                            str(self.worker)], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        else:
            self.recorder = subprocess.Popen([*command, "-o", "memrec.%d.lz4" % self.worker, "-p", str(self.worker)],
                                             stderr=subprocess.PIPE, text=True)
            assert "recording process" in self.recorder.stderr.readline()
        self.attach_seconds = time.monotonic() - begin
        self.ask(50)

    def turn(self):
        pids = [self.worker] + ([self.recorder.pid] if self.recorder else [])
        before = [spent(pid) for pid in pids]
        self.ask(REQUESTS)
        time.sleep(.1)          # the recorder takes the rest
        self.turns.append([(spent(pid) - was) / REQUESTS / 1000 for pid, was in zip(pids, before)])

    def end(self):
        if self.recorder:
            self.recorder.send_signal(signal.SIGINT)
            self.recorder.communicate()
        self.server.terminate()
        self.server.wait()


def debugger(venv):
    """The first debugger by which memray attaches to a program here, or None: not every gdb can, with every kernel."""
    for method in ("gdb", "lldb"):
        if not shutil.which(method):
            continue
        program = subprocess.Popen([os.path.join(venv, "python"), "-c", "import time\nwhile True: time.sleep(.01)"])
        time.sleep(1)
        try:
            subprocess.run([os.path.join(venv, "memray"), "attach", "--method", method, "-f", "-o", "tried.bin", str(program.pid)],
                           check=True, timeout=240, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return method
        except subprocess.SubprocessError:
            print("memray cannot attach with %s here" % method, file=sys.stderr)
        finally:
            program.kill()
            program.wait()
    return None


def table(services):
    yield "| | attaching, s | worker, µs a request | relative | with the recorder |"
    yield "|---|---|---|---|---|"
    plain = services[0]
    for s in services:
        worker = statistics.median(t[0] for t in s.turns)
        # Each turn is compared with the turn of the plain worker just before or after it.
        alone = statistics.median(t[0] / p[0] for t, p in zip(s.turns, plain.turns))
        both = statistics.median(sum(t) / p[0] for t, p in zip(s.turns, plain.turns))
        attaching = "%.2f" % s.attach_seconds if s is not plain else ""
        yield "| %s | %s | %.0f | %.2f | %.2f |" % (s.name, attaching, worker, alone, both)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=24)
    parser.add_argument("--out", type=os.path.abspath)
    options = parser.parse_args()
    python = set_up()
    venv = os.path.dirname(python)
    subprocess.run([python, "-m", "pip", "-q", "install", "flask==3.1.2", "gunicorn==23.0.0"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open("app.py", "w") as f:
            f.write(APP)
        method = debugger(venv)
        if method:
            print("memray attaches with %s" % method)
        services = [Service(venv, name) for name, command in SERVICES.items() if method or command is None or command[0] != "memray"]
        try:
            for s in services:
                if SERVICES[s.name]:
                    s.attach(venv, SERVICES[s.name], method)
            for turn in range(options.turns):
                for s in services:
                    s.turn()
        finally:
            for s in services:
                s.end()
        os.chdir("/")
    lines = list(table(services))
    print("%d requests each; load average %.1f" % (options.turns * REQUESTS, os.getloadavg()[0]))
    print("\n".join(lines))
    if options.out:
        with open(options.out, "w") as f:
            f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
