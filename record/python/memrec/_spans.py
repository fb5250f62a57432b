"""Which spans run on this thread: `memrec.span` follows the thread, the task or the greenlet that entered it.

The spans that code has entered are in a context variable, so each task of asyncio and each greenlet has its own. The
trace only knows threads: when a thread takes up another task or greenlet, the spans of the last one end there, and those of the
next one begin (_sync). Python reports that for greenlets (greenlet.settrace); the event loops of asyncio call
Handle._run for each step of a task. An event loop that has handles of its own (uvloop) does not: there a span
follows coroutines that it decorates, and requests of the middlewares, since these are resumed here (follow).
"""
import contextvars
import os
import sys
import threading

from . import _agent

BEGINS, OF_ALL = 1, 2		# record/agent/session.h

_entered = contextvars.ContextVar("memrec_spans", default=())
_pid = os.getpid()


def _local():
    """gevent may have put greenlets in the place of threads."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey.get_original("_thread", "_local") if monkey else threading.local


class _Thread(_local()):
    running = ()		# spans that the trace has as running on this thread


_thread = _Thread()


class Run:
    """A span that was entered and is not over."""

    __slots__ = ("owner", "name", "pid", "over")

    def __init__(self, owner, name):
        self.owner, self.name, self.pid, self.over = owner, encoded(name), _pid, False


def encoded(name):
    return name.encode("utf-8", "backslashreplace").replace(b"\0", b"\\x00")[:4096]


def mark(name, how):
    library = _agent.loaded()
    return library is not None and bool(library.memrec_agent_span(name, how))


def _forked():
    global _pid
    _pid = os.getpid()
    _thread.running = ()


os.register_at_fork(after_in_child=_forked)


def _live(runs):
    return tuple(run for run in runs if not run.over and run.pid == _pid)


def _sync(runs):
    """From now on this thread runs these spans, and no others."""
    was = _thread.running
    if was == runs:
        return
    same = 0
    while same < len(was) and same < len(runs) and was[same] is runs[same]:
        same += 1
    _thread.running = runs
    for run in reversed(was[same:]):
        mark(run.name, 0)
    for run in runs[same:]:
        mark(run.name, BEGINS)


def enter(owner, name):
    _watch()
    run = Run(owner, name)
    _entered.set(_live(_entered.get()) + (run,))
    _sync(_thread.running + (run,))


def leave(owner):
    runs = _entered.get()
    for run in reversed(runs):
        if run.owner is owner and not run.over:
            run.over = True
            _entered.set(_live(runs))
            _sync(_live(_thread.running))
            return


# ------------------------------------------------------------------ who runs now

_watches = set()


def _watch():
    """Makes asyncio and greenlet, where the program uses them, report switches from now on."""
    if "asyncio.events" in sys.modules and "asyncio" not in _watches:
        _watches.add("asyncio")
        _watch_asyncio(sys.modules["asyncio.events"].Handle)
    if "greenlet" in sys.modules:
        _watch_greenlets(sys.modules["greenlet"])


def _watch_asyncio(handle_class):
    run_step = handle_class._run

    def _run(self):
        runs = self._context.get(_entered, ())
        if not runs and not _thread.running:
            return run_step(self)
        was = _thread.running
        _sync(_live(runs))
        try:
            return run_step(self)
        finally:
            _sync(_live(was))
    handle_class._run = _run


def _watch_greenlets(greenlet):
    """The trace function belongs to a thread; one that is there already is called too."""
    before = greenlet.gettrace()
    if getattr(before, "is_memrecs", False):
        return

    def switched(event, args):
        if event in ("switch", "throw"):
            context = args[1].gr_context
            _sync(_live(context.get(_entered, ())) if context is not None else ())
        if before is not None:
            before(event, args)
    switched.is_memrecs = True
    greenlet.settrace(switched)


class follow:
    """An awaitable that runs a coroutine; the span runs while the coroutine does, whatever resumes it."""

    __slots__ = ("_span", "_coroutine")

    def __init__(self, span, coroutine):
        self._span, self._coroutine = span, coroutine

    def __await__(self):
        run = Run(self, self._span.name)
        token = _entered.set(_live(_entered.get()) + (run,))
        steps = self._coroutine.__await__()
        resume, value = steps.send, None
        try:
            while True:
                was = _thread.running
                _sync(_live(_entered.get()))
                try:
                    waiting = resume(value)
                except StopIteration as end:
                    return end.value
                finally:
                    _sync(_live(was))
                try:
                    value = yield waiting
                    resume = steps.send
                except BaseException as e:
                    resume, value = steps.throw, e
        finally:
            run.over = True
            try:
                _entered.reset(token)
            except ValueError:		# closed in another context
                pass
            _sync(_live(_thread.running))
