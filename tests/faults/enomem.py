"""enomem.py FAILMALLOC.so COUNT COMMAND...: runs the command with each of its first allocations failing, alone and with all later ones.

It must end as if none had failed, or with 1 and one line about it.
"""
import os
import subprocess
import sys

library, count, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
whole = subprocess.run(command, capture_output=True)
wrong = 0
for at in range(1, count + 1):
    for everything in (False, True):
        env = dict(os.environ, LD_PRELOAD=library, FAIL_AT=str(at), **({"FAIL_ALL": "1"} if everything else {}))
        run = subprocess.run(command, capture_output=True, env=env)
        told = run.returncode == 1 and b"out of memory" in run.stderr.lower().replace(b"cannot allocate memory", b"out of memory")
        unharmed = (run.returncode, run.stdout, run.stderr) == (whole.returncode, whole.stdout, whole.stderr)
        if not unharmed and not (told and run.stderr.count(b"\n") == 1):
            wrong += 1
            print("allocation", at, "and all after it" if everything else "", run.returncode, run.stderr[:200])
sys.exit(wrong > 0)
