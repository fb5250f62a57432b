"""%%memrec: record a cell, %memrec: a statement, and show where its memory went, in the notebook.

    %load_ext memrec
    %%memrec --native
    work()
    more()

    %memrec --leaks work()

The flame page is a single file without external parts, so it is shown in the notebook, and saved with it, as it is.
"""
import argparse
import html
import os
import shlex
import subprocess
import tempfile

from . import _places
from .destinations import FileDestination
from .tracker import Tracker


def _parser():
    p = argparse.ArgumentParser(prog="%%memrec", description="Record what the cell allocates, or with one % the statement in the line; "
                                "show it as a flame graph.", add_help=False)
    p.add_argument("--native", "-n", action="store_true", help="record C functions too")
    p.add_argument("--follow-fork", "-F", action="store_true", help="record child processes too")
    p.add_argument("--trace-python-allocators", "-A", action="store_true", help="record every call to Python's own allocators")
    what = p.add_mutually_exclusive_group()
    what.add_argument("--leaks", action="store_true", help="show memory that the cell did not free, instead of its high-water mark")
    what.add_argument("--temporary", action="store_true", help="show its temporary allocations")
    p.add_argument("--threshold", type=int, metavar="N", help="with --temporary: allow at most N other allocations before the free (default: 1)")
    p.add_argument("--inverted", "-i", action="store_true", help="show allocating functions first, their callers below")
    p.add_argument("--output", "-o", metavar="FILE", help="keep the trace in FILE")
    p.add_argument("--force", "-f", action="store_true", help="overwrite FILE")
    p.add_argument("--height", type=int, default=600, help="height of the frame in pixels (default: 600)")
    p.add_argument("--help", "-h", action="store_true", help="show this text")
    p.exit = _no_exit
    return p


def _no_exit(status=0, message=None):
    raise ValueError((message or "").strip().replace("%%memrec: error: ", ""))


def flame_page(trace, options):
    """Returns the page's HTML."""
    keep = "memleak" if options.leaks else "memtemp" if options.temporary else "memcat"
    if options.threshold is not None:
        keep += " --threshold=%d" % options.threshold
    line = "%s %s | memflame%s" % (keep, shlex.quote(trace), " --inverted" if options.inverted else "")
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_places.environment())
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace").strip())
    return done.stdout.decode()


class Frame:
    """The page in its own frame, separate from the notebook's scripts and styles."""

    def __init__(self, page, height):
        self.page = page
        self.height = height

    def _repr_html_(self):
        return ('<iframe srcdoc="%s" style="width:100%%;height:%dpx;border:1px solid #ccc"></iframe>'
                % (html.escape(self.page, quote=True), self.height))

    def __repr__(self):
        return "(a flame graph page, shown only in a notebook; elsewhere: %%memrec -o out.lz4, then !memflame out.lz4 > out.html)"


def _split_line(parser, line):
    """Splits "-n -o FILE f('x')" into options and a statement, as it is written."""
    takes = {name for action in parser._actions if action.nargs != 0 for name in action.option_strings}
    options = []
    while line.startswith("-"):
        word, _, line = line.partition(" ")
        line = line.lstrip()
        if word == "--":
            break
        options.append(word)
        if word in takes:
            word, _, line = line.partition(" ")
            options.append(word)
            line = line.lstrip()
    return options, line


def _options(parser, words):
    from IPython.core.error import UsageError

    try:
        options = parser.parse_args(words)
        if options.threshold is not None and not options.temporary:
            raise ValueError("--threshold needs --temporary")
    except ValueError as e:
        raise UsageError("%%%%memrec: %s; see %%%%memrec --help" % e) from None
    if options.help:
        print(parser.format_help())
        return None
    return options


def _record(ipython, options, cell):
    from IPython.display import display

    with tempfile.TemporaryDirectory(prefix="memrec-") as folder:
        trace = os.path.abspath(options.output) if options.output else os.path.join(folder, "cell.lz4")
        destination = FileDestination(trace, overwrite=options.force or not options.output)
        tracker = Tracker(destination, native_traces=options.native, follow_fork=options.follow_fork,
                          trace_python_allocators=options.trace_python_allocators)
        with tracker:
            ipython.run_cell(cell)		# reports exceptions itself
        if tracker.span is None:
            display(Frame(flame_page(trace, options), options.height))


def cell_magic(ipython, line, cell):
    options = _options(_parser(), shlex.split(line))
    if options:
        _record(ipython, options, cell)


def line_magic(ipython, line):
    from IPython.core.error import UsageError

    parser = _parser()
    words, statement = _split_line(parser, line.strip())
    options = _options(parser, words)
    if options and not statement:
        raise UsageError("%memrec: which statement? A whole cell is recorded by %%memrec")
    if options:
        _record(ipython, options, statement)


def load(ipython):
    def memrec(line, cell=None):
        return line_magic(ipython, line) if cell is None else cell_magic(ipython, line, cell)
    memrec.__doc__ = _parser().format_help()
    ipython.register_magic_function(memrec, "line_cell", "memrec")
