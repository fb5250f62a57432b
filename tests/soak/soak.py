#!/usr/bin/env python3
"""Record a server for a long time: soak.py SECONDS

A gunicorn of three workers, which are replaced now and then, answers 40 requests a second. Every 15 seconds memrec's
memory and descriptors are read. At the end: the trace is complete and has exactly the blocks that the requests made; memory
and descriptors are not larger in the last third than in the first, which begins after a minute.
"""
import collections
import os
import signal
import subprocess
import sys
import time

from service import ask, start, status

SECONDS = float(sys.argv[1])
RATE = 40
BLOCKS, BYTES = 5, 54320       # of a request
APP = """
import json
kept = {}
def app(environ, start_response):
    n = int(environ["QUERY_STRING"])
    kept[n %% 50] = [bytearray(%d) for i in range(%d)]
    body = json.dumps({"k%%d" %% i: "v" * (i %% 97) for i in range(200)}).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
""" % (BYTES, BLOCKS)


memrec, port = start(APP, "--workers", "3", "--max-requests", "1500",
                     before=["memrec", "--follow-fork", "-f", "-o", "soak.lz4", "--"], stderr=subprocess.PIPE)
begin = time.monotonic()
asked, samples, sampled = 0, [], 0
while time.monotonic() < begin + SECONDS:
    ask(port, "/?%d" % asked)
    asked += 1
    now = time.monotonic() - begin
    if now >= sampled:
        sampled += 15
        samples.append((status(memrec.pid, "VmRSS"), len(os.listdir("/proc/%d/fd" % memrec.pid))))
        print("%4d s: %6d requests, memrec %6d KB, %d descriptors, trace %d bytes" %
              (now, asked, *samples[-1], os.path.getsize("soak.lz4")), flush=True)
    time.sleep(max(0, begin + asked / RATE - time.monotonic()))
memrec.send_signal(signal.SIGTERM)
message = memrec.stderr.read().decode()
assert memrec.wait() == 0, (memrec.returncode, message)
memcat = subprocess.Popen(["memcat", "--json", "soak.lz4"], stdout=subprocess.PIPE)
kinds = collections.Counter()
wanted = b'"size":%d,' % (BYTES + 1)
for line in memcat.stdout:
    kinds["all"] += line.startswith(b'{"event":"alloc"')
    kinds["asked for"] += line.startswith(b'{"event":"alloc"') and wanted in line
    kinds["processes"] += line.startswith(b'{"event":"exit"')
assert memcat.wait() == 0
print("%d requests, %d of %d blocks in the trace, %d allocations, %d processes" %
      (asked, kinds["asked for"], asked * BLOCKS, kinds["all"], kinds["processes"]))
assert kinds["asked for"] == asked * BLOCKS
samples = samples[4:]       # without the first minute
third = max(1, len(samples) // 3)
if len(samples) < 9:
    sys.exit("too short to compare the first third with the last")
for what, first, last in zip(("KB", "descriptors"), map(max, zip(*samples[:third])), map(max, zip(*samples[-third:]))):
    print("most %s in the first third: %d, in the last: %d" % (what, first, last))
    assert last <= first * 1.1 + 3, what
