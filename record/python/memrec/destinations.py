"""Where a tracker's trace goes: a file, an open descriptor, a command."""
from __future__ import annotations

import errno
import fcntl
import os
import shlex
import stat
import subprocess

from . import _places

TYPE_CHECKING = False		# typing itself is not imported when the program runs
if TYPE_CHECKING:
    from typing import Optional, Sequence, Union
    Destination = Union["FileDestination", "DescriptorDestination", "Pipe"]


class FileDestination:
    """A file. It must not exist, unless `overwrite`. A new one is readable only by its owner: a trace reveals much.

    compress_on_exit and buffered exist for memray: a trace is compressed while it is written, and nothing is mapped.
    """

    def __init__(self, path: Union[str, bytes, os.PathLike[str]], overwrite: bool = False,
                 compress_on_exit: bool = True, buffered: bool = False) -> None:
        self.path = os.fspath(path)
        self.overwrite = overwrite

    def __str__(self) -> str:
        return os.fsdecode(self.path)

    def _is_special(self):
        try:
            return not stat.S_ISREG(os.stat(self.path).st_mode)
        except OSError:
            return False

    def open(self):
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        if not self.overwrite and not self._is_special():
            flags |= os.O_EXCL
        self._made = not os.path.lexists(self.path)
        try:
            return os.open(self.path, flags, 0o600)
        except FileExistsError:
            raise FileExistsError(errno.EEXIST, "file exists: choose another name, or pass overwrite=True",
                                  self.path) from None

    def begin(self, fd):
        """Empties an old trace, once recording is about to begin."""
        if stat.S_ISREG(os.fstat(fd).st_mode):
            os.ftruncate(fd, 0)

    def abandon(self):
        """Removes the file, as nothing was recorded."""
        if self._made:
            os.unlink(self.path)

    def finish(self):
        """Called when the trace is complete. Returns a line if something went wrong, or None."""


class DescriptorDestination:
    """An open descriptor, or a binary file that has one. It stays open and belongs to the caller."""

    def __init__(self, file):
        self._file = file

    def __str__(self) -> str:
        name = getattr(self._file, "name", self._file)
        return name if isinstance(name, str) else "descriptor %s" % name

    def open(self):
        if hasattr(self._file, "flush"):
            self._file.flush()
        fd = self._file if isinstance(self._file, int) else self._file.fileno()
        if os.isatty(fd):
            raise ValueError("a trace is binary: it is not written to a terminal")
        if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "not open for writing", str(self))
        return os.dup(fd)

    def begin(self, fd):
        pass

    def abandon(self):
        pass

    def finish(self):
        pass


class Pipe:
    """A command that reads the trace: a list of words, or a line for the shell.

        memrec.Pipe("memtemp | memsummary > temporary.txt")

    The suite's commands are on its PATH. It is a child process in its own session
    (Ctrl-C does not reach it), and the block ends when it has ended.
    """

    def __init__(self, command: Union[str, Sequence[Union[str, os.PathLike[str]]]]) -> None:
        if not isinstance(command, str):
            command = [os.fspath(word) for word in command]
        if not command:
            raise ValueError("no command given to pipe the trace into")
        self.command = command
        self._process = None

    def __str__(self) -> str:
        if isinstance(self.command, str):
            return self.command
        return " ".join(shlex.quote(os.fsdecode(word)) for word in self.command)

    def open(self):
        self._process = subprocess.Popen(self.command, shell=isinstance(self.command, str), stdin=subprocess.PIPE,
                                         env=_places.environment(), start_new_session=True)
        return os.dup(self._process.stdin.fileno())

    def begin(self, fd):
        self._process.stdin.close()

    def abandon(self):
        self._process.stdin.close()
        self._process.wait()

    def finish(self):
        status = self._process.wait()
        return "the command %s, which the trace was piped into, exited with status %d" % (self, status) if status else None


def destination_of(what):
    if isinstance(what, (FileDestination, DescriptorDestination, Pipe)):
        return what
    if isinstance(what, (str, bytes, os.PathLike)):
        return FileDestination(what)
    if isinstance(what, (list, tuple)):
        return Pipe(what)
    if isinstance(what, int) and not isinstance(what, bool):
        return DescriptorDestination(what)
    try:
        what.fileno()
    except (AttributeError, OSError):
        raise TypeError("a trace goes to a path, an open descriptor or binary file, or a command (memrec.Pipe), "
                        "not to %r" % (what,)) from None
    return DescriptorDestination(what)
