"""Eight threads that allocate and free: in C (a library of malloc_loops.c, its path is given), or in Python.

usage: malloc_loops.py [LIBRARY]
"""
import ctypes
import sys
import threading

THREADS = 8

def loop():
    live = [b""] * 256
    for i in range(40000):
        live[i * 7 % 256] = bytes(600 + i % 1000)   # over 512 bytes: malloc's

if len(sys.argv) > 1:
    ctypes.CDLL(sys.argv[1]).run_loops(THREADS, 400000)
else:
    threads = [threading.Thread(target=loop) for _ in range(THREADS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
