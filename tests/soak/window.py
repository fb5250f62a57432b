#!/usr/bin/env python3
"""Record a moving window of a server for a long time: window.py SECONDS LAST

memrec attaches to a gunicorn of two workers and keeps the last LAST seconds, while 40 requests a second are answered. The first
request makes blocks that stay. Every 15 seconds memrec's memory, descriptors and files are read. Every minute, and at
the end, each file is read alone: it is a whole trace, and has the old blocks, with the stack that made them. Memory and
bytes on disk are not larger in the last third than in the first one that has the whole window.
"""
import glob
import json
import os
import signal
import subprocess
import sys
import time

from service import ask, start, status

SECONDS, LAST = float(sys.argv[1]), float(sys.argv[2])
RATE = 40
OLD, OLD_BYTES = 30, 98765
APP = """
import json, os
kept, old = {}, []
def early():
    return bytearray(%d)
def first():
    old.extend(early() for i in range(%d))
def app(environ, start_response):
    n = int(environ["QUERY_STRING"])
    if n < 0 and not old:
        first()
    kept[n %% 50] = [bytearray(54320) for i in range(5)]
    json.dumps({"k%%d" %% i: "v" * (i %% 97) for i in range(200)})
    start_response("200 OK", [])
    return [str(os.getpid()).encode()]
""" % (OLD_BYTES, OLD)


def read_alone(name):
    """Returns the times of its beginning and its end, in seconds."""
    folded = subprocess.run(["memfold", "--leaks", name], capture_output=True, text=True)
    assert folded.returncode == 0, (name, folded.stderr)
    lines = [line for line in folded.stdout.splitlines() if "early (" in line.split(";")[-1]]
    assert lines and all("first (" in line and "app (" in line for line in lines), (name, lines)
    total = sum(int(line.split()[-1]) for line in lines)
    assert total == len(workers) * OLD * (OLD_BYTES + 1), (name, total)
    grown = subprocess.run(["memgrow", "--warm-up", "0", "--json", name], capture_output=True, text=True)
    assert grown.returncode == 0, (name, grown.stderr)
    course = json.loads(grown.stdout)
    return course["begin_ms"] / 1000, course["end_ms"] / 1000


def read_all(now=None):
    """now: it is still being recorded, since so many seconds."""
    names = sorted(glob.glob("window.0*.lz4"))
    if now is not None:         # the oldest may be deleted at any moment
        names = names[1:] if len(names) > 4 else names
    spans = [read_alone(name) for name in names]
    print("       %d files, each whole, from %.1f s to %.1f s" % (len(names), spans[0][0], spans[-1][1]), flush=True)
    return spans[-1][1] - spans[0][0]


def sizes():
    found = []
    for name in glob.glob("window.0*.lz4"):
        try:
            found.append(os.path.getsize(name))
        except FileNotFoundError:       # just deleted
            pass
    return len(found), sum(found)


server, port = start(APP, "--workers", "2")
try:
    ask(port, "/?0")
    memrec = subprocess.Popen(["memrec", "-v", "--follow-fork", "-f", "-o", "window.lz4", "--last", "%gs" % LAST,
                               "-p", str(server.pid)], stderr=subprocess.PIPE, text=True)
    said = memrec.stderr.readline()
    assert "recording 3 processes" in said, said
    workers = set()
    while len(workers) < 2:
        workers.add(ask(port, "/?-1"))
    asked, samples, sampled, checked, begin = 0, [], 0, 60, time.monotonic()
    while time.monotonic() < begin + SECONDS:
        ask(port, "/?%d" % asked)
        asked += 1
        now = time.monotonic() - begin
        if now >= sampled:
            sampled += 15
            samples.append((status(memrec.pid, "VmRSS"), len(os.listdir("/proc/%d/fd" % memrec.pid)), sizes()[1]))
            print("%4d s: %6d requests, memrec %6d KB, %d descriptors, %d files of %d bytes" %
                  (now, asked, *samples[-1][:2], *sizes()), flush=True)
        if now >= checked:
            checked += 60
            assert read_all(now) >= min(now, LAST * 3 / 4) - 5
        time.sleep(max(0, begin + asked / RATE - time.monotonic()))
    memrec.send_signal(signal.SIGINT)
    message = memrec.stderr.read()
    assert memrec.wait() == 0, message
    print(message, end="")
    length = read_all()
    assert LAST - 1 <= length <= LAST * 1.5, length     # up to the last event
    ask(port, "/?0")
finally:
    server.terminate()
    server.wait()
samples = samples[int(LAST * 1.5 / 15):]        # since the window is full
third = max(1, len(samples) // 3)
if len(samples) < 9:
    sys.exit("too short to compare the first third with the last")
for what, first, last in zip(("KB", "descriptors", "bytes on disk"), map(max, zip(*samples[:third])),
                             map(max, zip(*samples[-third:]))):
    print("most %s in the first third: %d, in the last: %d" % (what, first, last))
    assert last <= first * 1.1 + 3, what
