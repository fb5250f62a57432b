"""Threads without a thread state, GIL released, signals, sub-interpreters, asyncio: sizes identify the allocations."""
import asyncio
import ctypes
import os
import signal
import sys
import threading

loops = ctypes.CDLL(sys.argv[1])
held = ctypes.PyDLL(sys.argv[1])
for library in loops, held:
    library.mallocs.argtypes = [ctypes.c_int, ctypes.c_size_t]
    library.in_threads.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_size_t]
    library.on_signal.argtypes = [ctypes.c_int, ctypes.c_size_t]


def dropped():
    loops.mallocs(100, 900001)


def kept():
    held.mallocs(100, 900002)


def native():
    assert loops.in_threads(8, 100, 900003) == 0


def c_handler():
    held.on_signal(signal.SIGUSR1, 900004)
    os.kill(os.getpid(), signal.SIGUSR1)


def python_handler(*_):
    held.mallocs(1, 900005)


async def task(n):
    await asyncio.sleep(0)
    held.mallocs(n, 900006)


async def tasks():
    await asyncio.gather(task(1), task(2), task(3))


dropped()
kept()
native()
c_handler()
signal.signal(signal.SIGUSR2, python_handler)
os.kill(os.getpid(), signal.SIGUSR2)
asyncio.run(tasks())
t = threading.Thread(target=dropped)
t.start()
t.join()
print("over")
