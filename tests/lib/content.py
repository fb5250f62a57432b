"""Print the contents of `memcat --json` on standard input: a sorted line for each allocation, and whether it is freed."""
import subprocess
import sys

from answers import Trace

lines = subprocess.run(["memcat", "--json"], stdin=sys.stdin, stdout=subprocess.PIPE, check=True).stdout.decode()
for line in sorted(map(repr, Trace(lines.splitlines()).fates())):
    print(line)
