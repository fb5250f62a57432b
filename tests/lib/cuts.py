#!/usr/bin/env python3
"""Run a command on a trace cut at random lengths: cuts.py COUNT TRACE [--whole FILE] COMMAND...

Each time it must exit 1 and print one line that begins with its name and says
that the trace is cut off. With --whole its output must be the beginning of that
file. Prints failures, and at the end the size in bytes of the longest output.
"""
import random
import subprocess
import sys


def main():
    count, trace = int(sys.argv[1]), open(sys.argv[2], "rb").read()
    command, whole = sys.argv[3:], None
    if command[0] == "--whole":
        whole, command = open(command[1], "rb").read(), command[2:]
    chance, most = random.Random(1), 0
    for length in [chance.randrange(1, len(trace)) for _ in range(count - 1)] + [len(trace) - 1]:
        p = subprocess.run(command, input=trace[:length], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said = p.stderr.decode()
        if p.returncode != 1:
            print("cut to %d: status %d" % (length, p.returncode))
        if said.count("\n") != 1 or not said.startswith(command[0] + ": ") or "cut off after" not in said:
            print("cut to %d: says %r" % (length, said))
        if whole is not None and not whole.startswith(p.stdout):
            print("cut to %d: the output is not the beginning of the whole" % length)
        most = max(most, len(p.stdout))
    print("longest: %d" % most)


if __name__ == "__main__":
    main()
