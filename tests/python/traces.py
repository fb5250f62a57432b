"""Shared by the tests of the Python package: reading traces."""
import os
import subprocess
import sys
import tempfile
import time
import unittest
import warnings

import memrec


class Trace:
    """A whole trace, read: `allocs` with the functions of their stacks, outermost first."""

    def __init__(self, path):
        with warnings.catch_warnings():
            warnings.simplefilter("error")		# a trace of ours is never cut off
            self.events = list(memrec.read(path))
        functions, frames, stacks, self.allocs = {}, {}, {0: ()}, []
        for e in self.events:
            kind = e["event"]
            if kind == "function":
                functions[e["function"]] = e["name"].split(".")[-1]	# from 3.11 on it is qualified
            elif kind == "frame":
                frames[e["frame"]] = functions[e["function"]]
            elif kind == "stack":
                stacks[e["stack"]] = stacks[e["parent"]] + (frames[e["frame"]],)
            elif kind == "alloc":
                self.allocs.append(dict(e, functions=stacks[e["stack"]]))

    def of(self, kind):
        return [e for e in self.events if e["event"] == kind]

    def spans(self):
        """Those that the program marked, not the recorder's phases."""
        return [e for e in self.of("span") if e["name"] not in ("start-up", "script", "shutdown")]

    def sizes(self, function=None):
        """The allocations of a function, including those of its callees."""
        return [a["size"] for a in self.allocs if function is None or function in a["functions"]]

    def count(self, size):
        return self.sizes().count(size)


def wait_whole(path, seconds=20):
    """Waits for the collector to finish the trace of a killed program."""
    end = time.monotonic() + seconds
    while True:
        try:
            return Trace(path)
        except (RuntimeWarning, memrec.TraceError, FileNotFoundError):
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.out = os.path.join(folder.name, "out.lz4")

    def python(self, code, *arguments, status=0, prefix=(), **more):
        """Run a program with this Python; `out` is its first argument. Returns its output."""
        p = subprocess.run(list(prefix) + [sys.executable, "-c", "import memrec, os, signal, sys; out = sys.argv[1]\n" + code,
                                           self.out] + list(arguments),
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=100, **more)
        self.assertEqual(p.returncode, status, p.stdout + p.stderr)
        self.errors = p.stderr
        return p.stdout
