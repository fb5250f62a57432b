"""Allocates from as many different stacks, of C and Python; prints the recorder's status. usage: many_stacks.py STACKS"""
import os
import random
import sys

N = 20
source = """
def f%d(path, depth):
    if depth == len(path):
        return bytearray(1000)
    return (list(map(FUNCTIONS[path[depth]], [path], [depth + 1])) if path[depth] %% 2
            else FUNCTIONS[path[depth]](path, depth + 1))
"""
FUNCTIONS = []
for i in range(N):
    exec(source % i)
    FUNCTIONS.append(globals()["f%d" % i])

r = random.Random(1)
for _ in range(int(sys.argv[1])):
    FUNCTIONS[0]([r.randrange(N) for _ in range(10)], 0)
print(open("/proc/%d/status" % os.getppid()).read())
