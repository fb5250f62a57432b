#!/usr/bin/env python3
"""Run a command while FILE is locked, as if it were still being written: written.py FILE COMMAND [ARG...]"""
import fcntl
import subprocess
import sys

with open(sys.argv[1], "r+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    sys.exit(subprocess.run(sys.argv[2:]).returncode)
