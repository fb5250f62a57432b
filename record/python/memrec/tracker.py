"""Recording a part of a program: `with memrec.Tracker("out.lz4"): work()`.

__enter__ starts the collector, `memrec --await`, as a process that is not our
child, and loads the agent, which connects to it. __exit__ removes the
agent's hooks, and waits until the collector has closed the trace and exited,
which closes its end of a pipe. The collector watches this process, so the
trace is complete however the process ends.
"""
from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import threading
import warnings
# The functions that end a block, bound now: a test may replace them in os.
from os import close, fstat, getpid, read, waitpid

from . import _agent, _places, _spans
from .destinations import FileDestination, destination_of

TYPE_CHECKING = False		# typing itself is not imported when the program runs
if TYPE_CHECKING:
    from typing import Any, BinaryIO, Callable, Optional, Sequence, TypeVar, Union

    from .destinations import Destination
    F = TypeVar("F", bound=Callable[..., Any])
    AnyDestination = Union[Destination, str, bytes, "os.PathLike[str]", int, BinaryIO, Sequence[str]]

_lock = threading.RLock()	# reentrant, as a signal handler may have its own block
_active = None		# the tracker of this process
_OUTPUT = "standard output"	# memrec's name for the destination


def _forked():
    global _active, _lock
    _lock = threading.RLock()
    if _active is not None:
        _active._leave()
        _active = None


os.register_at_fork(after_in_child=_forked)


class FileFormat:
    """As in memray. A trace has all allocations; any report can be made from it."""

    ALL_ALLOCATIONS = 1
    AGGREGATED_ALLOCATIONS = 2


class _Collector:
    """A running `memrec --await`."""

    def __init__(self, flags, stdout):
        self._messages = b""
        self._pipe, theirs = os.pipe2(os.O_CLOEXEC)
        self._id = os.fstat(self._pipe)[1:3]
        try:
            try:
                self._pipe = _high(self._pipe)
                self.pid = _spawn(flags, stdout, theirs)
            finally:
                os.close(theirs)
            self.orders = self._greeting()
            self._is_child = _parent(self.pid) == os.getpid()	# if we are init or a subreaper, we have to wait for it
        except BaseException:
            self.leave()
            raise

    def _greeting(self):
        while b"\n" not in self._messages:
            more = os.read(self._pipe, 4096)
            if not more:
                raise RuntimeError("memrec could not start: %s" % (self._messages.decode(errors="replace").strip() or "it exited"))
            self._messages += more
        line, self._messages = self._messages.split(b"\n", 1)
        if not line.startswith(b"awaited "):
            raise RuntimeError("memrec could not start: %s" % line.decode(errors="replace"))
        return line[len(b"awaited "):]

    def _pipe_is_ours(self):
        """Returns whether it is still our pipe: a program may close unknown descriptors and reuse their numbers."""
        try:
            return fstat(self._pipe)[1:3] == self._id
        except OSError:
            return False

    def leave(self):
        if self._pipe_is_ours():
            close(self._pipe)

    def wait(self):
        """Waits until the trace is closed. Returns memrec's messages as lines, without the last one, "ended"."""
        if self._pipe_is_ours():
            more = True
            while more:
                more = read(self._pipe, 65536)
                self._messages += more
        else:
            _wait_for_end(self.pid)
        if self._is_child:
            with contextlib.suppress(ChildProcessError):
                waitpid(self.pid, 0)
        lines = self._lines()
        if self._pipe_is_ours():
            if lines[-1:] != ["ended"]:
                return lines + ["memrec was killed: the trace in %s is cut off" % _OUTPUT]
            lines.pop()
        return lines

    def said(self):
        """Returns its messages so far, as lines."""
        os.set_blocking(self._pipe, False)
        with contextlib.suppress(BlockingIOError):
            self._messages += os.read(self._pipe, 65536)
        return self._lines()

    def _lines(self):
        lines = self._messages.decode(errors="replace").splitlines()
        return [line[len("memrec: "):] if line.startswith("memrec: ") else line for line in lines]


def _spawn(flags, stdout, stderr):
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _agent.spawn([_places.command("memrec"), "--pid", str(os.getpid()), "--await"] + flags,
                            _environment(), null, stdout, stderr)
    finally:
        os.close(null)


def _high(fd):
    """Moves a descriptor to a high number, as programs expect to get the lowest."""
    try:
        high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 200)
    except OSError:
        return fd
    os.close(fd)
    return high


def _parent(pid):
    try:
        with open("/proc/%d/stat" % pid, "rb") as f:
            return int(f.read().rpartition(b")")[2].split()[1])
    except OSError:
        return None


def _wait_for_end(pid):
    pause = threading.Event()
    while os.path.exists("/proc/%d" % pid):
        pause.wait(0.005)


def _environment():
    """The collector is not recorded, and no other preloaded tool is loaded into it."""
    return {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "LD_AUDIT", "MEMREC_AGENT")}


class span:
    """A named part of the program, for `memslice --span NAME`.

        with memrec.span("load"):
            load()

    It is also a decorator. It does nothing unless the process is recorded. A span follows who entered it: a thread, a
    task of asyncio or a greenlet. What others do meanwhile is not in it. Spans may nest, overlap and recur.
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError("a span's name is a str, not %r" % (name,))
        self.name = name

    def __enter__(self) -> span:
        if _agent.may_be_recording():
            _spans.enter(self, self.name)
        return self

    def __exit__(self, *exception: object) -> None:
        _spans.leave(self)

    def __call__(self, function: F) -> F:
        return _decorated(self.name, function)


def _decorated(name, function):
    import functools
    import inspect

    if inspect.iscoroutinefunction(function):
        @functools.wraps(function)
        async def within(*args, **kwargs):
            if not _agent.may_be_recording():
                return await function(*args, **kwargs)
            return await _spans.follow(span(name), function(*args, **kwargs))
    else:
        @functools.wraps(function)
        def within(*args, **kwargs):
            with span(name):
                return function(*args, **kwargs)
    return within


class Tracker:
    """Records the allocations made within a block.

        with memrec.Tracker("out.lz4"):
            work()

    file_name or destination: a path, a FileDestination, an open descriptor or
    binary file, or a command to pipe into (a list of words, or a Pipe).
    native_traces, trace_python_allocators, follow_fork: like memrec's --native,
    --trace-python-allocators, --follow-fork. source=False is its --no-source.
    sample: like --sample, a number of bytes or a text such as "512KiB".
    overwrite: replace an existing file.

    span: in a process that memrec records already, the block writes no trace, but marks a span
    with this name (default: the destination
    as given). The attribute `span` is then that name, otherwise None.

    memory_interval_ms and file_format are memray's and have no effect: memory
    is sampled when it changes, every 10 ms at most, and the trace contains all allocations.
    """

    span: Optional[str]

    def __init__(self, file_name: Optional[AnyDestination] = None, *, destination: Optional[AnyDestination] = None,
                 native_traces: bool = False, memory_interval_ms: int = 10, follow_fork: bool = False,
                 trace_python_allocators: bool = False, track_object_lifetimes: bool = False,
                 file_format: int = FileFormat.ALL_ALLOCATIONS, overwrite: bool = False,
                 span: Optional[str] = None, source: bool = True,
                 sample: Union[int, str, None] = None) -> None:
        if (file_name is None) == (destination is None):
            raise TypeError("Exactly one of 'file_name' or 'destination' argument must be specified")
        if track_object_lifetimes:
            raise NotImplementedError("memrec records allocations, not the lifetimes of objects")
        self._destination = destination_of(destination if file_name is None else file_name)
        if overwrite:
            if not isinstance(self._destination, FileDestination):
                raise TypeError("overwrite applies only to files")
            self._destination.overwrite = True
        self._flags = [flag for flag, wanted in (("--native", native_traces), ("--follow-fork", follow_fork),
                                                 ("--trace-python-allocators", trace_python_allocators),
                                                 ("--no-source", not source)) if wanted]
        if sample is not None:
            self._flags += ["--sample", str(sample)]
        if span is not None and not isinstance(span, str):
            raise TypeError("a span's name is a str, not %r" % (span,))
        self._name = str(self._destination) if span is None else span
        self._used = self._begins = False
        self._pid = None		# the process in which the block is active
        self._collector = self._marked = None
        self.span = None

    def __reduce__(self):
        raise TypeError("a Tracker cannot be copied or pickled: its block belongs to this process")

    # Ctrl-C and other handlers that raise may do so between any two lines: neither a block that did not
    # begin nor one that ended may prevent the next one.

    def __enter__(self) -> Tracker:
        global _active
        try:
            self._claim()
            if _agent.recording():
                self._mark()
            else:
                self._start()
            self._begins = False
        except BaseException:
            if self._begins:
                self._begins = False
                if self._collector is not None:
                    self._end()
                _active = self._pid = None
            raise
        return self

    def _claim(self):
        global _active
        with _lock:
            if _active is not None:
                raise RuntimeError("No more than one Tracker instance can be active at the same time")
            if self._used:
                raise RuntimeError("A Tracker instance can be used once")
            self._used = self._begins = True
            self._pid = getpid()
            _active = self

    def _mark(self):
        self._marked = _spans.encoded(self._name)
        self.span = self._name
        warnings.warn("memrec is already recording this process: nothing is written to %s; the block becomes the span %r of its trace"
                      % (self._destination, self._name), RuntimeWarning, stacklevel=3)
        _spans.mark(self._marked, _spans.BEGINS | _spans.OF_ALL)

    def _start(self):
        library = _agent.load()
        fd = self._destination.open()
        collector = None
        try:
            try:
                collector = _Collector(self._flags, fd)
                self._destination.begin(fd)
            finally:
                os.close(fd)
            atexit.register(self._end)
            self._collector = collector
            why = library.memrec_agent_start(collector.orders)
            if why is not None:
                raise RuntimeError("nothing is recorded: %s" % ("; ".join(collector.said()) or why.decode()))
        except BaseException:
            self._collector = None
            atexit.unregister(self._end)
            if collector is not None:
                library.memrec_agent_stop()
                collector.leave()
            self._destination.abandon()
            raise

    def __exit__(self, *exception: object) -> None:
        self._end()

    def _end(self):
        global _active
        if self._pid != getpid():		# a forked child's copy of the block must not end it
            return
        try:
            self._pid = None
            if self._marked is not None:
                _spans.mark(self._marked, _spans.OF_ALL)
            else:
                try:
                    _agent.loaded().memrec_agent_stop()
                finally:
                    self._finish()
        finally:
            _active = None

    def _finish(self):
        collector, self._collector = self._collector, None
        try:
            _agent.loaded().memrec_agent_stop()	# in case the first call was not reached; otherwise it does nothing
            atexit.unregister(self._end)
            said = collector.wait()
        finally:
            collector.leave()
        said.append(self._destination.finish())
        for line in filter(None, said):
            warnings.warn(line.replace(_OUTPUT, str(self._destination), 1), RuntimeWarning, stacklevel=4)

    def _leave(self):
        """In a forked child."""
        atexit.unregister(self._end)
        if self._collector is not None:
            self._collector.leave()
