"""python -m memrec: memray's spelling of the suite.

    python -m memrec run [OPTION...] (SCRIPT | -m MODULE | -c CODE) [ARG...]
    python -m memrec attach [OPTION...] PID
    python -m memrec flamegraph | table | tree | summary | stats [OPTION...] TRACE
    python -m memrec COMMAND [ARG...]

`run` records with this Python interpreter, `attach` a running process; both take the
options of memrec (python -m memrec run --help). What follows the script, -m MODULE or
-c CODE is the program's. Without -o the trace goes to standard output; if that is a
terminal, into memrec-NAME.PID.lz4 here.

The reports are the commands memflame, memtable, memtree, memsummary and memstats, with
their options. A flame graph goes into memrec-flamegraph-TRACE.html here, unless -o or
a pipe says otherwise. Each name says on a terminal what it stands for.

COMMAND is any command of the suite, with or without its "mem": memfold, fold, diff, …

    python -m memrec rows (--parquet | --arrow) [-o FILE] [--by stack] [TRACE...]

is memrows as a Parquet file or an Arrow stream. It needs pyarrow: pip install 'memrec[rows]'.
"""
import os
import shlex
import subprocess
import sys

from . import _places
from . import rows as _rows

# Names that are memray's, and no command's.
_REPORTS = {"flamegraph": "memflame"}


def _fail(text):
    sys.stderr.write("memrec: %s\nTry 'python -m memrec --help'.\n" % text)
    sys.exit(2)


class _Options:
    """The options of a command, as its own table has them (--help-options)."""

    def __init__(self, command):
        self.short, self.long = {}, {}
        text = subprocess.check_output([_places.command(command), "--help-options"], env=_places.environment())
        for line in text.decode().splitlines():
            short, name, argument, _ = line.split("\t")
            self.long[name] = bool(argument)
            if short:
                self.short[short] = name

    def _whole(self, name):
        """The name that an abbreviation stands for; as it is if there is none, or several: memrec says so."""
        found = [n for n in self.long if n.startswith(name)]
        return found[0] if name not in self.long and len(found) == 1 else name

    def _of_cluster(self, word):
        """(names, whether the last one needs the next word, where python's -m or -c begins) of "-fo", "-nm"."""
        names = []
        for at, letter in enumerate(word[1:], 1):
            if letter in "mc" and letter not in self.short:
                return names, False, at
            name = self.short.get(letter)
            names.append(name)
            if name and self.long[name]:
                return names, at + 1 == len(word), 0
        return names, False, 0

    def split(self, words):
        """What is the command's, the names of its options, and the rest, which begins with python's -m or -c or an operand."""
        options, given = [], []
        while words and words[0].startswith("-") and words[0] != "-":
            word, words = words[0], words[1:]
            if word == "--":
                break
            needs, python = False, 0
            if word.startswith("--"):
                name, equals, _ = word[2:].partition("=")
                name = self._whole(name)
                given.append(name)
                needs = self.long.get(name, False) and not equals
            else:
                names, needs, python = self._of_cluster(word)
                given += names
            if python:
                options += [word[:python]] if python > 1 else []
                return options, given, ["-" + word[python:]] + words
            options.append(word)
            if needs and words:
                options.append(words[0])
                words = words[1:]
        return options, given, words


def _name(words):
    if words[0].startswith("-m"):
        return words[0][2:] or words[1]
    return "string" if words[0].startswith("-") else os.path.basename(words[0])


def _help(command, operands):
    """A command's own help, with the line that is right here."""
    text = subprocess.check_output([_places.command(command), "--help"], env=_places.environment()).decode()
    lines = ["Usage: python -m memrec " + operands if line.startswith("Usage:") else line for line in text.splitlines()]
    if "Example:" in lines:
        del lines[lines.index("Example:") - 1:]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(0)


def _to_a_file(options, given, name):
    """Where a trace goes that has nowhere to go."""
    if "output" in given or not sys.stdout.isatty():
        return options
    output = "memrec-%s.%d.lz4" % (name, os.getpid())
    sys.stderr.write("memrec: writing to %s\n" % output)
    return options + ["-o", output]


def _run(words):
    options, given, words = _Options("memrec").split(words)
    if "help" in given or "version" in given:
        if "version" in given:
            _execute([_places.command("memrec"), "--version"])
        _help("memrec", "run [OPTION...] (SCRIPT | -m MODULE | -c CODE) [ARG...]")
    if not words or words[0] in ("-m", "-c") and len(words) == 1:
        _fail("nothing to run: give a script, -m MODULE or -c CODE")
    options = _to_a_file(options, given, _name(words))
    _execute([_places.command("memrec")] + options + ["--", sys.executable] + words, tell=True)


def _attach(words):
    table, options, given, pids = _Options("memrec"), [], [], []
    while words:		# PID may come first, as with memray
        more, names, words = table.split(words)
        options, given = options + more, given + names
        pids, words = pids + words[:1], words[1:]
    if "help" in given:
        _help("memrec", "attach [OPTION...] PID")
    if len(pids) != 1 or not pids[0].isdigit():
        _fail("attach to which process? Give one PID" if not pids else "%r is not one PID" % " ".join(pids))
    options = _to_a_file(options, given, pids[0])
    _execute([_places.command("memrec"), "--pid", pids[0]] + options, tell=True)


def _report(command, words):
    options, given, traces = _Options(command).split(words)
    if command == "memflame" and len(traces) == 1 and not {"output", "help", "version"} & set(given) and sys.stdout.isatty():
        name = os.path.basename(traces[0])
        options += ["-o", "memrec-flamegraph-%s.html" % (name[:-4] if name.endswith(".lz4") else name)]
        sys.stderr.write("memrec: writing to %s\n" % options[-1])
    _execute([_places.command(command)] + options + traces, tell=True)


def _execute(argv, tell=False):
    if tell and sys.stderr.isatty():
        words = [os.path.basename(argv[0])] + argv[1:]
        sys.stderr.write("memrec: this is: %s\n" % " ".join(map(shlex.quote, words)))
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(argv[0], argv, _places.environment())


def _is_command(name):
    path = os.path.join(_places.prefix(), "bin", name)
    return name.startswith("mem") and "/" not in name and os.access(path, os.X_OK)


def main(words):
    if not words or words[0] in ("-h", "--help"):
        sys.stdout.write(__doc__)
        sys.exit(0 if words else 2)
    command, arguments = words[0], words[1:]
    try:
        if command == "run":
            _run(arguments)
        if command == "attach":
            _attach(arguments)
        if command == "--version":
            command, arguments = "memrec", ["--version"]
        if command in ("rows", "memrows") and _rows.wanted(arguments):
            sys.exit(_rows.main(arguments))
        if command in _REPORTS or (not command.startswith("mem") and _is_command("mem" + command)):
            _report(_REPORTS.get(command, "mem" + command), arguments)
        if _is_command(command):
            _execute([_places.command(command)] + arguments)
    except OSError as e:
        sys.stderr.write("memrec: %s\n" % e)
        sys.exit(1)
    _fail("%r is not a memrec command" % command)


if __name__ == "__main__":
    main(sys.argv[1:])
