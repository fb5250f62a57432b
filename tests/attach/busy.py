"""Programs to attach to: busy.py loop | threads | numpy. They check themselves, and exit with 0 at SIGTERM."""
import signal
import sys
import threading
import time

stopped = False


def stop(*_):
    global stopped
    stopped = True


def loop(seed=1):
    n = 0
    while not stopped:
        rows = [str(i * seed) for i in range(200)]
        table = {r: [r] * 3 for r in rows}
        big = bytearray(seed + 5000)
        assert len(table) == len(set(rows)) and len(big) == seed + 5000
        assert sum(int(v[2]) for v in table.values()) == seed * sum(range(200)) if seed else True
        n += 1


def threads():
    all_threads = [threading.Thread(target=loop, args=(i + 1,)) for i in range(8)]
    for t in all_threads:
        t.start()
    for t in all_threads:
        t.join()


def numpy():
    import numpy
    a = numpy.arange(40000.0).reshape(200, 200) / 1e4
    expected = float((a @ a).sum())
    while not stopped:
        b = a.copy()
        assert abs(float((b @ a).sum()) - expected) < 1e-6 * expected


signal.signal(signal.SIGTERM, stop)
{"loop": loop, "threads": threads, "numpy": numpy}[sys.argv[1]]()
