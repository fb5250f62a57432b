"""Run a program as if pickle had not been imported yet (memray imports it before the program, which wants its own).

usage: pickle_anew.py PROGRAM [ARGUMENT...]
"""
import runpy
import sys

for module in "pickle", "_pickle":
    sys.modules.pop(module, None)
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
