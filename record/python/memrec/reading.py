"""Traces in Python: a thin layer over memcat --json, memsummary, memtable, memheld and memstats.

A trace is a path, an open binary file (a pipe, a socket's makefile), or any object
with read(). If it is damaged or cut off, the part before that is used, with a warning.
"""
from __future__ import annotations

import json
import os
import shutil
import threading
import warnings
from os.path import exists
from subprocess import DEVNULL, PIPE, Popen		# bound now, as a test may replace them later

from . import _display, _places

TYPE_CHECKING = False		# typing itself is not imported when the program runs
if TYPE_CHECKING:
    from typing import Any, BinaryIO, Dict, Iterator, List, Optional, Sequence, Union
    Trace = Union[str, bytes, "os.PathLike[str]", BinaryIO]
    Filters = Union[str, Sequence[Union[str, Sequence[str]]]]


class TraceError(ValueError):
    """There is no trace to read."""


class _Pipeline:
    """TRACE, piped through filters into a last command, whose output is text."""

    def __init__(self, trace, commands):
        self._processes = []
        self._feeder = None
        self._errors = os.memfd_create("memrec") if hasattr(os, "memfd_create") else _unnamed_file()
        env = _places.environment()
        words = [[c] if isinstance(c, str) else list(c) for c in commands]
        source, fed = self._source(trace, words[0])
        try:
            for argv in words:
                argv[0] = _places.command(argv[0])
                p = Popen(argv, stdin=source, stdout=PIPE, stderr=self._errors, env=env)
                if self._processes:
                    self._processes[-1].stdout.close()
                self._processes.append(p)
                source = p.stdout
        except BaseException:
            self.close(early=True)
            raise
        if fed is not None:
            self._feed(fed)
        self.output = self._processes[-1].stdout

    @staticmethod
    def _source(trace, first):
        """Returns the first command's standard input, and the object that has to be copied into it, or None."""
        if isinstance(trace, (str, bytes, os.PathLike)):
            path = os.fspath(trace)
            if not exists(path):
                raise FileNotFoundError(2, os.strerror(2), path)
            first.extend(["--", os.fsdecode(path)])
            return DEVNULL, None
        try:
            return trace.fileno(), None
        except (AttributeError, OSError):
            pass
        if not hasattr(trace, "read"):
            raise TypeError("a trace is a path or a binary file, not %r" % (trace,))
        return PIPE, trace

    def _feed(self, trace):
        to = self._processes[0].stdin

        def copy():
            try:
                with to:
                    shutil.copyfileobj(trace, to, 65536)
            except (OSError, ValueError):
                pass		# the reader has gone
        self._feeder = threading.Thread(target=copy, daemon=True)
        self._feeder.start()

    def close(self, early=False):
        """Returns the text written to standard error."""
        for p in self._processes:
            if early:
                p.kill()
            p.stdout.close()
            if p.stdin is not None and self._feeder is None:
                p.stdin.close()
            p.wait()
        said = os.pread(self._errors, 1 << 16, 0).decode(errors="replace").strip()
        os.close(self._errors)
        return said


def _unnamed_file():
    import tempfile
    fd, path = tempfile.mkstemp()
    os.unlink(path)
    return fd


def _through(through, last):
    filters = [through] if isinstance(through, str) else list(through)
    return filters + [last]


def read(trace: Trace, through: Filters = ()) -> Iterator[Dict[str, Any]]:
    """Iterates over the events of a trace: a dict each, as `memcat --json` prints them.

    through: a filter to apply, "memtemp"; or several, each a word or a list of words:
    [["memgrep", "--min-size", "1MB"], "memtemp"].
    """
    return events(trace, _through(through, ["memcat", "--json"]), _judge)


def events(trace, commands, judge):
    """The events that these commands print; at the end judge(said, anything) gets the text written to standard error, and whether there was any event."""
    pipeline = _Pipeline(trace, commands)
    whole = any_event = False
    try:
        for line in pipeline.output:
            any_event = True
            event = json.loads(line)
            yield _with_large_numbers(event) if b'{"$uint"' in line else event
        whole = True
    finally:
        said = pipeline.close(early=not whole)
    judge(said, any_event)


def _with_large_numbers(value):
    """Numbers above 2^63-1 are objects in the text, as some readers do not support them."""
    if isinstance(value, dict):
        if list(value) == ["$uint"]:
            return int(value["$uint"])
        return {k: _with_large_numbers(v) for k, v in value.items()}
    return [_with_large_numbers(v) for v in value] if isinstance(value, list) else value


def _judge(said, anything):
    if said and not anything:
        raise TraceError(said)
    if said:
        warnings.warn(said, RuntimeWarning, stacklevel=3)


def judge_census(said, anything):
    """A trace without a census is no better than none."""
    _judge(said, anything and "has no census" not in said)


def _answer(trace, through, last):
    pipeline = _Pipeline(trace, _through(through, last))
    text = b""
    try:
        text = pipeline.output.read()
    finally:
        said = pipeline.close()
    _judge(said, text)
    return json.loads(text)


def _which(leaks, total):
    if leaks and total:
        raise TypeError("give only one of leaks and total")
    return ["--leaks"] if leaks else ["--total"] if total else []


def _first(rows):
    return [] if rows is None else ["--rows=%d" % rows]


def summary(trace: Trace, through: Filters = (), *, leaks: bool = False, total: bool = False,
            rows: Optional[int] = None) -> List[Dict[str, Any]]:
    """Returns the functions that hold memory, a dict each: function, file, total_bytes, own_bytes, allocations.

    At the high-water mark; leaks: memory that was never freed; total: all memory ever
    allocated. With through="memtemp": all that it keeps. rows: only the N largest. See memsummary(1).
    """
    return _display.Rows(_answer(trace, through, ["memsummary", "--json"] + _which(leaks, total) + _first(rows))["locations"])


def table(trace: Trace, through: Filters = (), *, leaks: bool = False, total: bool = False,
          split_threads: bool = False, by: Optional[str] = None, rows: Optional[int] = None) -> List[Dict[str, Any]]:
    """Returns the places that allocated memory, a dict each: size, allocations, allocator, function, file, line,
    threads. by: "type", of what the last census found alive; or "span". See memtable(1).
    """
    split = (["--split-threads"] if split_threads else []) + ([] if by is None else ["--by", by])
    return _display.Rows(_answer(trace, through, ["memtable", "--json"] + split + _which(leaks, total) + _first(rows))["rows"])


def holders(trace: Trace, through: Filters = (), *, type: Optional[str] = None, function: Optional[str] = None,
            pid: Optional[int] = None, rows: Optional[int] = None) -> List[Dict[str, Any]]:
    """Returns who holds memory at the last census, a dict each: retained, objects, own, type, path, function, file, line.

    type, function: regular expressions; then the rows are all objects of these types, or allocated by these functions, by the
    paths to them. Without: the objects at which memory accumulates. The census needs references: memrec --references.
    rows: the N that retain the most (default 20). See memheld(1).
    """
    options = [("--type", type), ("--function", function), ("--pid", pid), ("--rows", rows)]
    words = ["%s=%s" % (name, value) for name, value in options if value is not None]
    answer = _answer(trace, through, ["memheld", "--json"] + words)
    if not answer["references"]:
        raise TraceError("the trace has no census with references: record it with 'memrec --references'")
    return _display.Rows(answer["rows"])


def stats(trace: Trace, through: Filters = ()) -> Dict[str, Any]:
    """Returns statistics of the whole trace, a dict: see memstats(1)."""
    figures = _display.Figures(_answer(trace, through, ["memstats", "--json"]))
    if isinstance(trace, (str, bytes, os.PathLike)):
        figures.trace, figures.through = trace, through
    return figures


def times(trace: Trace, through: Filters = ()) -> List[Dict[str, Any]]:
    """Returns heap and resident memory over time, a dict each: time_ms, heap, rss, private, proportional, swap. See memtime(1)."""
    return _display.Rows(_answer(trace, through, ["memtime", "--json"])["rows"])
