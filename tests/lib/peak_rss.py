"""Run a command without its output, and print the most memory that it had resident, in KiB: peak_rss.py COMMAND...

Less than this program has itself, some 13 MB, is not measured.
"""
import os
import sys

null = os.open(os.devnull, os.O_WRONLY)
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
_, status, used = os.wait4(pid, 0)
print(used.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
