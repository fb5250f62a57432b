#!/usr/bin/env python3
"""Kill memrec, the recorded program, or both, at random moments: kills.py COUNTING TIMES [SEED]

COUNTING is the program counting.c. memrec and memcat are taken from the PATH; it works in the current folder. After each
kill of the program its trace is complete and has every block that it had counted, and at most one more per thread, made just
before it was killed. After each kill of memrec the program ends as it would alone; readers report that the trace is cut off,
and it has each thread's blocks from the first on without a gap, at least those counted a second before.
"""
import collections
import mmap
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time

THREADS = 3
FLUSHED_S = 1.0         # memrec flushes each 100 ms; a loaded machine may need longer
SIZE = re.compile(r'"event":"alloc","id":\d+,"size":(\d+),"allocator":"malloc"')


def counts(shared):
    return struct.unpack("<3Q", shared[:24])


def blocks(trace):
    """Returns (status of memcat, its messages, the number of blocks of each thread); blocks must be numbered without a gap."""
    memcat = subprocess.run(["memcat", "--json", trace], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    seen = [collections.Counter() for _ in range(THREADS)]
    for line in memcat.stdout.splitlines():
        size = SIZE.search(line)
        if size and 4 <= int(size[1]) and int(size[1]) % 4 < THREADS:
            seen[int(size[1]) % 4][int(size[1]) // 4] += 1
    n = []
    for numbers in seen:
        last = 0
        while numbers[last + 1]:
            last += 1
        n.append(last)
    return memcat.returncode, memcat.stderr, n


def one(program, what, rng):
    with open("counts", "wb") as f:
        f.write(bytes(4096))
    with open("counts", "r+b") as f:
        shared = mmap.mmap(f.fileno(), 4096)
    most = 60000 if what == "recorder" else 1 << 40
    memrec = subprocess.Popen(["memrec", "-f", "-o", "t.lz4", "--", program, "counts", str(most)],
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True)
    while not any(counts(shared)):
        time.sleep(0.01)
        assert memrec.poll() is None, memrec.stderr.read()
    with open("/proc/%d/task/%d/children" % (memrec.pid, memrec.pid)) as f:
        target = int(f.read().split()[0])
    samples = []
    end = time.monotonic() + rng.uniform(0.0, 1.5)
    while time.monotonic() < end:
        samples.append((time.monotonic(), counts(shared)))
        time.sleep(0.02)
    at = time.monotonic()
    if what in ("recorder", "both"):
        os.kill(memrec.pid, signal.SIGKILL)
    if what in ("target", "both"):
        os.kill(target, signal.SIGKILL)
    message = memrec.stderr.read().decode()
    status = memrec.wait()
    if what == "recorder":          # the program continues to its end
        while any(c < most for c in counts(shared)):
            time.sleep(0.02)
    done = counts(shared)
    returned, said, n = blocks("t.lz4")
    if what == "target":
        assert status == 128 + signal.SIGKILL, (status, message)
        assert returned == 0, said
        assert all(c <= k <= c + 1 for c, k in zip(done, n)), (done, n)
    else:
        old = [c for t, c in samples if t < at - FLUSHED_S]
        assert all(k <= c + 1 for c, k in zip(done, n)), (done, n)
        assert not old or all(k >= c for c, k in zip(old[-1], n)), (old[-1], n)
        assert returned == 1 and ("cut off" in said or "empty" in said), (returned, said)
    return sum(n)


def main():
    program, times = os.path.abspath(sys.argv[1]), int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
    print("seed %d" % seed, flush=True)
    rng = random.Random(seed)
    for what in ("target", "recorder", "both"):
        total = sum(one(program, what, rng) for _ in range(times))
        print("%s killed %d times: %d blocks, all that were to be there" % (what, times, total), flush=True)


main()
