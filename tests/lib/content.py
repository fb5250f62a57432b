"""What `memcat` passes on standard input holds: sorted lines of each allocation, and whether it is freed in it."""
import subprocess
import sys

from answers import Trace

lines = subprocess.run(["memcat", "--json"], stdin=sys.stdin, stdout=subprocess.PIPE, check=True).stdout.decode()
for line in sorted(map(repr, Trace(lines.splitlines()).fates())):
    print(line)
