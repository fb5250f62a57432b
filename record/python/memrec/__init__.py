"""memrec: where does the memory go?

    with memrec.Tracker("out.lz4"):
        work()

records a part of a program; `memrec.read` and `memrec.summary` read traces.
Everything else is done by the commands: memcat, memfold, memflame, …
"""
from __future__ import annotations

from . import _agent, requests
from ._census import Block, Census, census
from .destinations import FileDestination, Pipe
from .reading import TraceError, holders, read, stats, summary, table, times
from .tracker import FileFormat, Tracker, span

__version__ = "0.1.0"
__all__ = ["Block", "Census", "FileDestination", "FileFormat", "Pipe", "TraceError", "Tracker",
           "alloc", "census", "free", "holders", "read", "requests", "span", "stats", "summary", "table", "times"]

_INSTEAD = {
    "FileReader": "memrec.read, memrec.summary, memrec.table and memrec.stats read traces",
    "SocketDestination": "a trace goes through any command: memrec.Pipe(\"ssh host 'cat > out.lz4'\")",
    "SocketReader": "memrec.read takes any binary file: a socket's makefile(\"rb\"), a pipe",
}


TYPE_CHECKING = False
if TYPE_CHECKING:
    def alloc(address: int, size: int) -> None: ...

    def free(address: int) -> None: ...
else:		# a checker would take it that every name exists
    def __getattr__(name):
        if name in ("alloc", "free"):	# functions of the agent, so that no frame of ours is in their stacks
            return _agent.block_function(name)
        if name in _INSTEAD:
            raise AttributeError("memrec has no %s: %s" % (name, _INSTEAD[name]))
        raise AttributeError("module 'memrec' has no attribute %r" % name)


def load_ipython_extension(ipython: object) -> None:
    from . import jupyter
    jupyter.load(ipython)
