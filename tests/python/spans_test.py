"""Blocks and spans in a process that is already recorded; other ways to run code in a block."""
import asyncio
import os
import pathlib
import subprocess
import sys
import unittest

import memrec
from traces import Case, Trace

PREFIX = memrec._places.prefix()


def attaching():
    """Whether memrec -p is permitted here."""
    p = subprocess.Popen(["sleep", "60"])
    try:
        done = subprocess.run([os.path.join(PREFIX, "bin", "memrec"), "-f", "-o", "/dev/null", "-p", str(p.pid), "-d", "0.01"],
                              stderr=subprocess.PIPE)
        return not any(why in done.stderr for why in (b"ptrace_scope", b"forbids"))
    finally:
        p.kill()
        p.wait()


BLOCK = """
import warnings
def work(n): return bytes(n)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    a = work(3000000)
    for i in range(2):
        with memrec.Tracker("%s") as t:
            b = work(4000000)
            try: memrec.Tracker("other").__enter__()
            except RuntimeError: pass
            else: sys.exit(9)
    c = work(5000000)
print(t.span)
print(len(caught), caught[0].message)
"""


class Recorded(Case):
    """A block in a process that memrec records marks a span there."""

    def check(self, printed, whole):
        name, message = printed.splitlines()[-2:]
        self.assertEqual(name, "here.lz4")
        self.assertEqual(message, "2 memrec is already recording this process: nothing is written to here.lz4; "
                                  "the block becomes the span 'here.lz4' of its trace")
        self.assertFalse(os.path.exists("here.lz4"))
        part = self.out + ".part"
        with open(part, "wb") as f:
            subprocess.run([os.path.join(PREFIX, "bin", "memslice"), "--span", "here.lz4", self.out], stdout=f, check=True)
        self.assertEqual(sorted(s for s in Trace(self.out).sizes("work") if s > 1000000), whole)
        self.assertEqual([s for s in Trace(part).sizes("work") if s > 1000000], [4000033, 4000033])

    def test_under_memrec(self):
        for options in [], ["--native", "--trace-python-allocators", "--follow-fork"]:
            memrec_command = [os.path.join(PREFIX, "bin", "memrec"), "-f", "-o", self.out] + options + ["--"]
            self.check(self.python(BLOCK % "here.lz4", prefix=memrec_command), [3000033, 4000033, 4000033, 5000033])

    def test_attached(self):
        if not attaching():
            self.skipTest("attaching is not allowed here")
        code = """
import subprocess
recorder = subprocess.Popen([%r, "-v", "-o", out, "-p", str(os.getpid())], stderr=subprocess.PIPE)
recorder.stderr.readline()
%s
recorder.send_signal(signal.SIGINT)
recorder.communicate()
recorder.wait()
with memrec.Tracker(out + ".own") as t:		# the recording has ended: the same agent, its own trace
    work(6000000)
assert t.span is None
print("here.lz4")
print(len(caught), caught[0].message)
""" % (os.path.join(PREFIX, "bin", "memrec"), BLOCK % "here.lz4")
        self.check(self.python(code), [3000033, 4000033, 4000033, 5000033])
        self.assertEqual([s for s in Trace(self.out + ".own").sizes("work")], [6000033])

    def test_attaching_to_a_block_is_refused(self):
        if not attaching():
            self.skipTest("attaching is not allowed here")
        printed = self.python("""
import subprocess
with memrec.Tracker(out):
    p = subprocess.run([%r, "-o", out + ".2", "-p", str(os.getpid())], stderr=subprocess.PIPE, universal_newlines=True)
    x = bytes(3000000)
print(p.returncode, p.stderr)
""" % os.path.join(PREFIX, "bin", "memrec"))
        self.assertIn("memrec is already recording it", printed)
        self.assertEqual(Trace(self.out).count(3000033), 1)

    def test_a_child_that_memrec_does_not_follow(self):
        child = "with memrec.Tracker(%r) as t: x = bytes(3000000)\nassert t.span is None" % (self.out + ".child")
        self.python("import subprocess\nsubprocess.run([sys.executable, '-c', %r], check=True)" % ("import memrec\n" + child),
                    prefix=[os.path.join(PREFIX, "bin", "memrec"), "-o", self.out, "--"])
        self.assertEqual(Trace(self.out + ".child").count(3000033), 1)
        self.assertEqual(Trace(self.out).count(3000033), 0)


class Spans(Case):
    def test_within_a_tracker(self):
        @memrec.span("twice")
        def work():
            bytes(70000)
        with memrec.Tracker(self.out) as t:
            self.assertIsNone(t.span)
            work()
            with memrec.span("outer"), memrec.span("ïnner \0"):
                work()
        spans = [(e["name"], e["begins"]) for e in Trace(self.out).spans()]
        self.assertEqual(spans, [("twice", True), ("twice", False), ("outer", True), ("ïnner \\x00", True),
                                 ("twice", True), ("twice", False), ("ïnner \\x00", False), ("outer", False)])
        allocs = [e for e in memrec.read(self.out, [["memslice", "--span", "outer"]]) if e["event"] == "alloc"]
        self.assertEqual([e["size"] for e in allocs if e["size"] == 70033], [70033])

    def test_exact_with_threads(self):
        self.python("""
import threading
def other():
    go.wait()
    bytes(3000000)
    done.set()
go, done = threading.Event(), threading.Event()
t = threading.Thread(target=other)
t.start()
with memrec.Tracker(out):
    with memrec.span("s"):
        go.set()
        done.wait()
    t.join()
    bytes(4000000)
""")
        allocs = [e["size"] for e in memrec.read(self.out, [["memslice", "--span", "s"]]) if e["event"] == "alloc"]
        self.assertEqual([s for s in allocs if s > 1000000], [3000033])

    def test_without_a_recording(self):
        self.assertEqual(self.python("with memrec.span('x'): print('libmemrec' in open('/proc/self/maps').read())"), "False\n")
        with self.assertRaises(TypeError):
            memrec.span(1)


class Asynchronous(Case):
    def test_asyncio(self):
        async def eat(n):
            for i in range(n):
                bytes(70000 + n)
                await asyncio.sleep(0)

        @memrec.span("s")
        async def marked():
            bytes(90000)

        async def main():
            other = asyncio.ensure_future(eat(50))
            with memrec.Tracker(self.out):
                await asyncio.gather(eat(10), eat(20), marked())
            await other
        asyncio.run(main())
        trace = Trace(self.out)
        self.assertEqual((trace.count(70043), trace.count(70053)), (10, 20))
        self.assertGreater(trace.count(70083), 10)
        self.assertEqual({a["functions"][-1] for a in trace.allocs if 70033 < a["size"] < 70093}, {"eat"})
        self.assertEqual([e["size"] for e in memrec.read(self.out, [["memslice", "--span", "s"]])
                          if e["event"] == "alloc" and e["size"] == 90033], [90033])

    def test_greenlets(self):
        try:
            import greenlet
        except ImportError:
            raise unittest.SkipTest("this Python has no greenlet")

        def eat(n):
            for i in range(n):
                bytes(70000 + n)
                greenlet.getcurrent().parent.switch()
        before = greenlet.greenlet(eat)
        before.switch(5)
        with memrec.Tracker(self.out):
            inside = greenlet.greenlet(eat)
            inside.switch(3)
            for i in range(3):
                before.switch()
                inside.switch()
        while not before.dead:
            before.switch()
        trace = Trace(self.out)
        self.assertEqual((trace.count(70036), trace.count(70038)), (3, 3))
        self.assertEqual({a["functions"][-1] for a in trace.allocs if 70033 < a["size"] < 70043}, {"eat"})

    def test_gevent(self):
        try:
            import gevent
        except ImportError:
            raise unittest.SkipTest("this Python has no gevent")
        self.python("""
from gevent import monkey
monkey.patch_all()
import gevent, threading, subprocess
def eat(n):
    for i in range(n):
        bytes(70000 + n)
        gevent.sleep(0)
early = gevent.spawn(eat, 100)
gevent.sleep(0)
for i in range(3):
    with memrec.Tracker(out, overwrite=True):
        jobs = [gevent.spawn(eat, n) for n in (10, 20)]
        t = threading.Thread(target=eat, args=(30,))		# a greenlet here
        t.start()
        subprocess.run(["true"])
        gevent.joinall(jobs)
        t.join()
early.join()
with memrec.Tracker(memrec.Pipe("memsummary > " + out + ".txt")):
    gevent.joinall([gevent.spawn(eat, 5)])
assert "eat" in open(out + ".txt").read()
""")
        trace = Trace(self.out)
        self.assertEqual((trace.count(70043), trace.count(70053), trace.count(70063)), (10, 20, 30))
