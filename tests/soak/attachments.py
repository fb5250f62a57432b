#!/usr/bin/env python3
"""Attach to a server and leave it, many times, with gdb in between: attachments.py TIMES

A gunicorn of two workers answers requests all the while. Each time memrec records the master and its workers until they have
answered 10 requests; every third time in between gdb attaches to a worker, prints its stack and leaves. Each trace has exactly
the blocks of its requests, and the workers' mappings, descriptors and threads are as many at the end as after the first tenth.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from service import ask, start, status

TIMES, REQUESTS, BYTES = int(sys.argv[1]), 10, 43210
APP = """
import os
def app(environ, start_response):
    x = bytearray(%d)
    start_response("200 OK", [])
    return [str(os.getpid()).encode()]
""" % BYTES


def figures(pid):
    with open("/proc/%d/maps" % pid) as f:
        return len(f.readlines()), len(os.listdir("/proc/%d/fd" % pid)), len(os.listdir("/proc/%d/task" % pid))


def record():
    """Returns how long attaching took, in seconds."""
    begin = time.monotonic()
    memrec = subprocess.Popen(["memrec", "-v", "--follow-fork", "-f", "-o", "t.lz4", "-p", str(server.pid)],
                              stderr=subprocess.PIPE, text=True)
    said = memrec.stderr.readline()
    took = time.monotonic() - begin
    assert "recording 3 processes" in said, said
    for _ in range(REQUESTS):
        ask(port, "/")
    memrec.send_signal(signal.SIGINT)
    memrec.stderr.read()
    assert memrec.wait() == 0
    rows = subprocess.run(["memcat", "--json", "t.lz4"], capture_output=True, text=True, check=True).stdout
    blocks = len(re.findall(r'"event":"alloc"[^\n]*"size":%d,' % (BYTES + 1), rows))
    assert blocks == REQUESTS, blocks
    return took


def debug(pid):
    gdb = subprocess.run(["timeout", "-k", "1", "60", "gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off",
                          "-p", str(pid), "-ex", "bt 3", "-ex", "detach"],
                         stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert gdb.returncode == 0 and re.search(r"^#[0-9].* in ", gdb.stdout, re.M), (gdb.returncode, gdb.stderr)


server, port = start(APP, "--workers", "2")
try:
    workers = set()
    while len(workers) < 2:
        workers.add(int(ask(port, "/")))
    workers = sorted(workers)
    has_gdb, took, debugged = shutil.which("gdb"), [], 0
    for n in range(1, TIMES + 1):
        took.append(record())
        if has_gdb and n % 3 == 0:
            debug(workers[n // 3 % 2])
            debugged += 1
        if n == max(3, TIMES // 10):
            early = [figures(pid) for pid in workers]
        if n % 20 == 0:
            print("%4d attachments, %d by gdb between them; mappings, descriptors, threads of the workers: %s" %
                  (n, debugged, ", ".join("%d %d %d" % figures(pid) for pid in workers)), flush=True)
    late = [figures(pid) for pid in workers]
    assert sorted({int(ask(port, "/")) for _ in range(200)}) == workers, "a worker was replaced"
finally:
    server.terminate()
    server.wait()
took.sort()
print("%d attachments to 3 processes: median %.0f ms, at most %.0f ms; %d by gdb between them" %
      (TIMES, took[len(took) // 2] * 1000, took[-1] * 1000, debugged))
for first, last in zip(early, late):
    print("mappings, descriptors, threads early: %d %d %d, at the end: %d %d %d" % (*first, *last))
    assert last[0] <= first[0] + 4 and last[1:] == first[1:]
