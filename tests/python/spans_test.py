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
        self.assertEqual(self.within("s", 1000000), [])

    def within(self, name, least):
        """The sizes of the blocks allocated within the spans of a name, without pymalloc's arenas, which are mapped when they are needed."""
        return sorted(e["size"] for e in memrec.read(self.out, [["memslice", "--span", name]])
                      if e["event"] == "alloc" and e["size"] >= least and e["allocator"] != "mmap")

    def test_a_block_in_a_recording_is_of_all_threads(self):
        self.python("""
import threading, warnings
warnings.simplefilter("ignore")
def other():
    go.wait()
    bytes(3000000)
go = threading.Event()
t = threading.Thread(target=other)
t.start()
with memrec.Tracker("block"):
    go.set()
    t.join()
bytes(4000000)
""", prefix=[os.path.join(PREFIX, "bin", "memrec"), "-f", "-o", self.out, "--"])
        self.assertEqual(self.within("block", 1000000), [3000033])

    def test_threads_each_in_a_span(self):
        self.python("""
import threading
turn = [threading.Event() for i in range(3)]
def work(n):
    with memrec.span("span %d" % n):
        for i in range(5):
            turn[n].wait()
            turn[n].clear()
            bytes(1000000 + 1000 * n + i)
            turn[(n + 1) % 3].set()
    bytes(2000000)
with memrec.Tracker(out):
    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for t in threads: t.start()
    turn[0].set()
    for t in threads: t.join()
""")
        for n in range(3):
            self.assertEqual(self.within("span %d" % n, 1000000), [1000033 + 1000 * n + i for i in range(5)])

    def test_tasks_interleaved(self):
        self.python("""
import asyncio
async def deeper(n, i):
    await asyncio.sleep(0)
    bytes(1000000 + 1000 * n + i)
    await asyncio.sleep(0)
async def child(n):
    await asyncio.sleep(0)
    bytes(1000900 + 1000 * n)
async def task(n):
    await asyncio.sleep(0)
    bytes(2000000)
    with memrec.span("span %d" % n):
        for i in range(5):
            await deeper(n, i)
        await asyncio.ensure_future(child(n))		# works for the task
    bytes(2000000)
    await asyncio.sleep(0)
    bytes(2000000)
@memrec.span("decorated")
async def decorated(n):
    for i in range(3):
        await asyncio.sleep(0)
        bytes(3000000 + n)
async def idle():
    for i in range(30):
        bytes(2000000)
        await asyncio.sleep(0)
async def main():
    await asyncio.gather(task(0), idle(), task(1), decorated(0), task(2), decorated(1), idle())
with memrec.Tracker(out):
    asyncio.run(main())
""")
        for n in range(3):
            self.assertEqual(self.within("span %d" % n, 1000000),
                             [1000033 + 1000 * n + i for i in range(5)] + [1000933 + 1000 * n])
        self.assertEqual(self.within("decorated", 1000000), [3000033] * 3 + [3000034] * 3)

    def test_greenlets_interleaved(self):
        try:
            import gevent  # noqa: F401
        except ImportError:
            self.skipTest("no gevent")
        self.python("""
import gevent
def work(n):
    gevent.sleep(0)
    bytes(2000000)
    with memrec.span("span %d" % n):
        for i in range(5):
            gevent.sleep(0)
            bytes(1000000 + 1000 * n + i)
    gevent.sleep(0)
    bytes(2000000)
with memrec.Tracker(out):
    gevent.joinall([gevent.spawn(work, n) for n in range(3)])
""")
        for n in range(3):
            self.assertEqual(self.within("span %d" % n, 1000000), [1000033 + 1000 * n + i for i in range(5)])

    def test_greenlets_in_place_of_threads(self):
        try:
            import gevent  # noqa: F401
        except ImportError:
            self.skipTest("no gevent")
        script = os.path.join(self.folder, "patched.py")
        with open(script, "w") as f:
            f.write("""
from gevent import monkey
monkey.patch_all()
import sys, threading, time
import memrec
def work(n):
    with memrec.span("span %d" % n):
        for i in range(5):
            time.sleep(0)
            bytes(1000000 + 1000 * n + i)
    time.sleep(0)
    bytes(2000000)
threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
for t in threads: t.start()
for t in threads: t.join()
""")
        subprocess.run([os.path.join(PREFIX, "bin", "memrec"), "-f", "-o", self.out, "--", sys.executable, script], check=True,
                       timeout=60)
        for n in range(3):
            self.assertEqual(self.within("span %d" % n, 1000000), [1000033 + 1000 * n + i for i in range(5)])

    def test_middlewares(self):
        self.python("""
import asyncio
from memrec.requests import ASGI, WSGI, django
def flask_like(environment, start_response):
    bytes(1000001)
    yield b"part"
    bytes(1000002)
async def fast_like(scope, receive, send):
    for i in range(3):
        await asyncio.sleep(0)
        bytes(2000000 + scope["n"])
class Request:
    method = "PUT"
    path = "/django"
def view(request):
    bytes(3000000)
    return "response"
async def asynchronous_view(request):
    await asyncio.sleep(0)
    bytes(3000001)
    return "response"
async def serve():
    app = ASGI(fast_like)
    await asyncio.gather(*(app({"type": "http", "method": "GET", "path": "/%d" % n, "n": n}, None, None) for n in range(2)),
                         app({"type": "lifespan", "n": 9}, None, None))
    assert await django(asynchronous_view)(Request()) == "response"
def requests():
    response = WSGI(flask_like)({"REQUEST_METHOD": "POST", "PATH_INFO": "/order"}, None)
    assert list(response) == [b"part"]
    if hasattr(response, "close"): response.close()
    bytes(1000003)
    asyncio.run(serve())
    assert django(view)(Request()) == "response"
requests()
with memrec.Tracker(out):
    requests()
requests()
""")
        self.assertEqual(self.within("POST /order", 1000000), [1000034, 1000035])
        self.assertEqual(self.within("GET /0", 1000000), [2000033] * 3)
        self.assertEqual(self.within("GET /1", 1000000), [2000034] * 3)
        self.assertEqual(self.within("PUT /django", 1000000), [3000033, 3000034])

    def test_celery(self):
        try:
            import celery  # noqa: F401
        except ImportError:
            self.skipTest("no Celery")
        self.python("""
import celery
app = celery.Celery("shop")
app.conf.task_always_eager = True
@app.task(name="shop.order")
def order(n): bytes(1000000 + n)
memrec.requests.celery()
order.delay(0)
with memrec.Tracker(out):
    order.delay(1)
    bytes(2000000)
""")
        self.assertEqual(self.within("shop.order", 1000000), [1000034])

    def test_django_itself(self):
        try:
            import django  # noqa: F401
        except ImportError:
            self.skipTest("no Django")
        self.python("""
import asyncio, django
from django.conf import settings
from django.http import HttpResponse
from django.urls import path
def view(request):
    bytes(1000000)
    return HttpResponse("a")
async def asynchronous(request):
    await asyncio.sleep(0)
    bytes(2000000)
    return HttpResponse("b")
urlpatterns = [path("view", view), path("async", asynchronous)]
settings.configure(ROOT_URLCONF="__main__", MIDDLEWARE=["memrec.requests.django"], ALLOWED_HOSTS=["*"], SECRET_KEY="k")
django.setup()
from django.test import AsyncClient, Client
with memrec.Tracker(out):
    assert Client().get("/view").content == b"a"
    assert asyncio.run(AsyncClient().get("/async")).content == b"b"
""")
        self.assertEqual(self.within("GET /view", 1000000), [1000033])
        self.assertEqual(self.within("GET /async", 1000000), [2000033])

    def test_another_event_loop(self):
        try:
            import uvloop  # noqa: F401
        except ImportError:
            self.skipTest("no uvloop")
        self.python("""
import asyncio, uvloop
async def app(scope, receive, send):
    for i in range(3):
        await asyncio.sleep(0)
        with memrec.span("inner"):
            await asyncio.sleep(0)
            bytes(1000000 + scope["n"])
async def main():
    asgi = memrec.requests.ASGI(app)
    await asyncio.gather(*(asgi({"type": "http", "method": "GET", "path": "/%d" % n, "n": n}, None, None) for n in range(2)))
with memrec.Tracker(out):
    loop = uvloop.new_event_loop()
    loop.run_until_complete(main())
    loop.close()
""")
        self.assertEqual(self.within("GET /0", 1000000), [1000033] * 3)
        self.assertEqual(self.within("GET /1", 1000000), [1000034] * 3)

    def test_a_failing_request(self):
        self.python("""
from memrec.requests import WSGI
def fails(environment, start_response):
    bytes(1000000)
    raise ValueError
with memrec.Tracker(out):
    try: WSGI(fails, name=lambda e: "named")({}, None)
    except ValueError: pass
    bytes(2000000)
""")
        self.assertEqual(self.within("named", 1000000), [1000033])

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
