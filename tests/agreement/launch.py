"""Run a program as `memray run` does, with memray's Tracker or without: launch.py MODE CAPTURE (FILE | -m MODULE) [ARGUMENT...]

memray's imports are done in both cases: a program that needs json or typing finds it in memory already, and does not
allocate it. So both runs do the same from the program's first line on. MODE none: no Tracker.
"""
import contextlib
import os
import runpy
import sys
import sysconfig

import memray.commands  # noqa: F401: everything that `memray run` has in memory when the program begins
from memray import FileDestination, Tracker

# The header of a capture has the library's paths, so sysconfig has been used before the program begins.
sysconfig.get_paths()

mode, capture, *sys.argv = sys.argv[1:]
if sys.argv[0] == "-m":
    sys.path[0] = os.getcwd()
    del sys.argv[0]
    program = lambda: runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
else:
    sys.path[0] = os.path.dirname(sys.argv[0])
    program = lambda: runpy.run_path(sys.argv[0], run_name="__main__")
# A Tracker's first start allocates classes and caches that stay; so they exist in both cases.
with Tracker(destination=FileDestination("/dev/null", overwrite=True)):
    pass
if mode == "none":
    tracker = contextlib.nullcontext()
else:
    tracker = Tracker(destination=FileDestination(capture, overwrite=True), native_traces=True,
                      trace_python_allocators=mode == "python-allocators")
with tracker:
    try:
        program()
    except SystemExit as leave:
        if leave.code:
            raise
