"""Daemon threads that allocate, with and without the GIL, while the interpreter shuts down; forks from threads; atexit."""
import atexit
import ctypes
import os
import sys
import threading
import time

loops = ctypes.CDLL(sys.argv[1])
loops.name_crashes()
loops.mallocs.argtypes = [ctypes.c_int, ctypes.c_size_t]


def without_lock():
    while True:
        loops.mallocs(2000, 3000)


def with_lock():
    while True:
        [bytearray(800) for _ in range(20)]


def forker():
    pid = os.fork()
    if pid == 0:
        def down(n):
            return [bytearray(900) for _ in range(100)] if n == 0 else down(n - 1)
        down(20)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


class Late:
    def __del__(self):
        [bytearray(1000) for _ in range(1000)]


for target in without_lock, without_lock, with_lock, with_lock:
    threading.Thread(target=target, daemon=True).start()
for _ in range(3):
    t = threading.Thread(target=forker)
    t.start()
    t.join()
atexit.register(lambda: [bytearray(1000) for _ in range(1000)])
late = Late()
time.sleep(0.05)
print("over")
