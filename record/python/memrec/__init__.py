"""memrec: where does the memory go?

    with memrec.Tracker("out.lz4"):
        work()

records a part of a program; `memrec.read` and `memrec.summary` read traces.
Everything else is done by the commands: memcat, memfold, memflame, …
"""
from .destinations import FileDestination, Pipe
from .tracker import FileFormat, Tracker, span

__version__ = "0.1.0"
__all__ = ["FileDestination", "FileFormat", "Pipe", "Tracker", "span"]
