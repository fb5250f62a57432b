"""A parent and two workers; each holds something else."""
import os


def work(n):
    return bytes(n * 1_000_000)


for n in 1, 2:
    if os.fork() == 0:
        held = work(n)
        os._exit(0)
held = work(3)
for n in 1, 2:
    os.wait()
