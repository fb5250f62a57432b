"""python -m memrec: memray's spelling of the suite.

    python -m memrec run [OPTION...] (SCRIPT | -m MODULE | -c CODE) [ARG...]
    python -m memrec attach [OPTION...] PID
    python -m memrec flamegraph | table | tree | summary | stats [OPTION...] TRACE
    python -m memrec transform (csv | speedscope) | parse [OPTION...] TRACE
    python -m memrec COMMAND [ARG...]

`run` records with this Python interpreter, `attach` a running process; both take the
options of memrec (python -m memrec run --help). What follows the script, -m MODULE or
-c CODE is the program's. Without -o the trace goes to standard output; if that is a
terminal, into memrec-NAME.PID.lz4 here.

The reports are the commands memflame, memtable, memtree, memsummary and memstats, with
their options and memray's. A flame graph goes into memrec-flamegraph-TRACE.html here,
unless -o or a pipe says otherwise. On a terminal each name prints the pipeline that it runs.

COMMAND is any command of the suite, with or without its "mem": memfold, fold, diff, …

    python -m memrec rows (--parquet | --arrow) [-o FILE] [--by stack] [TRACE...]

is memrows as a Parquet file or an Arrow stream. It needs pyarrow: pip install 'memrec[rows]'.
"""
import os
import shlex
import subprocess
import sys

from . import _memray
from . import _places
from . import rows as _rows


def _fail(text):
    sys.stderr.write("memrec: %s\nTry 'python -m memrec --help'.\n" % text)
    sys.exit(2)


class _Options:
    """The options of a command, as its own table has them (--help-options), and those that only memray has."""

    def __init__(self, command, name=""):
        self.short, self.long, self.memray = {}, {}, {}
        text = subprocess.check_output([_places.command(command), "--help-options"], env=_places.environment())
        for line in text.decode().splitlines():
            short, option, argument, _ = line.split("\t")
            self._add(short, option, bool(argument))
        for option, (short, argument, meaning) in _memray.OPTIONS.get(name, {}).items():
            if option not in self.long:
                self._add(short, option, argument)
                self.memray[option] = meaning

    def _add(self, short, name, argument):
        self.long[name] = argument
        if short:
            self.short.setdefault(short, name)

    def _whole(self, name):
        """The name that an abbreviation stands for; as it is if there is none, or several: memrec says so."""
        found = [n for n in self.long if n.startswith(name)]
        return found[0] if name not in self.long and len(found) == 1 else name

    def _of_cluster(self, word):
        """([(name, argument)], where python's -m or -c begins) of "-fo", "-nm"; the argument is "" if it is the next word."""
        found = []
        for at, letter in enumerate(word[1:], 1):
            if letter in "mc" and letter not in self.short:
                return found, at
            name = self.short.get(letter)
            takes = bool(name) and self.long[name]
            found.append((name, word[at + 1:] if takes else None))
            if takes:
                break
        return found, 0

    def _read(self, word):
        """([(name, argument)], where python's -m or -c begins) of one word."""
        if not word.startswith("--"):
            return self._of_cluster(word)
        name, equals, argument = word[2:].partition("=")
        name = self._whole(name)
        return [(name, argument if equals else "" if self.long.get(name) else None)], 0

    def split(self, words):
        """The command's options, the given ones (name: argument), and the rest, which begins with python's -m or -c or an operand."""
        options, given = [], {}
        while words and words[0].startswith("-") and words[0] != "-":
            word, words = words[0], words[1:]
            if word == "--":
                break
            found, python = self._read(word)
            same = [word[:python] if python else word] if python != 1 else []
            if found and found[-1][1] == "" and words:
                found[-1], same, words = (found[-1][0], words[0]), same + [words[0]], words[1:]
            given.update(found)
            if any(name in self.memray for name, _ in found):
                same = ["--" + name + ("" if argument is None else "=" + argument) for name, argument in found if name not in self.memray]
            options += same
            if python:
                return options, given, ["-" + word[python:]] + words
        return options, given, words

    def meanings(self, given):
        """What was given of memray's options alone: [(meaning, argument)]."""
        found = [(self.memray[name], argument) for name, argument in given.items() if name in self.memray]
        for meaning, _ in found:
            if isinstance(meaning, str):
                _fail(meaning)
        return found


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
    table = _Options("memrec", "run")
    options, given, words = table.split(words)
    if "help" in given or "version" in given:
        if "version" in given:
            _execute([_places.command("memrec"), "--version"])
        _help("memrec", "run [OPTION...] (SCRIPT | -m MODULE | -c CODE) [ARG...]")
    reader = [_places.command(m[0]) for m, _ in table.meanings(given) if m]
    if not words or words[0] in ("-m", "-c") and len(words) == 1:
        _fail("nothing to run: give a script, -m MODULE or -c CODE")
    if not reader:
        options = _to_a_file(options, given, _name(words))
    _execute([_places.command("memrec")] + options + ["--", sys.executable] + words, *([reader] if reader else []), tell=True)


def _attach(words):
    table, options, given, pids = _Options("memrec", "attach"), [], {}, []
    while words:		# PID may come first, as with memray
        more, names, words = table.split(words)
        options, given = options + more, dict(given, **names)
        pids, words = pids + words[:1], words[1:]
    if "help" in given:
        _help("memrec", "attach [OPTION...] PID")
    table.meanings(given)
    if len(pids) != 1 or not pids[0].isdigit():
        _fail("attach to which process? Give one PID" if not pids else "%r is not one PID" % " ".join(pids))
    options = _to_a_file(options, given, pids[0])
    _execute([_places.command("memrec"), "--pid", pids[0]] + options, tell=True)


def _report(name, command, words):
    table = _Options(command[0], name)
    options, given, traces = table.split(words)
    first, output = [], None
    for meaning, argument in table.meanings(given):
        if meaning is _memray.FILE:
            output = argument
        elif isinstance(meaning, tuple):
            options += ["--%s=%s" % (meaning[0], argument)]
        elif meaning is _memray.SOURCE:
            options += ["--no-source"] if argument == "all" else []
        elif meaning:
            first = [_places.command(meaning[0])] + meaning[1:] + ([] if argument is None else [argument]) + traces
    if command[0] == "memflame" and len(traces) == 1 and not {"output", "help", "version"} & set(given) and sys.stdout.isatty():
        trace = os.path.basename(traces[0])
        options += ["-o", "memrec-flamegraph-%s.html" % (trace[:-4] if trace.endswith(".lz4") else trace)]
        sys.stderr.write("memrec: writing to %s\n" % options[-1])
    command = [_places.command(command[0])] + command[1:] + options
    if first:
        _execute(first, command, output=output, tell=True)
    _execute(command + traces, output=output, tell=True)


def _transform(words):
    rest = _Options("memtable", "transform").split(words)[2]
    if not rest:
        _fail("transform into what? csv or speedscope")
    if rest[0] not in _memray.FORMATS:
        _fail(_memray.NO_FORMAT % rest[0])
    _report("transform", _memray.FORMATS[rest[0]], words[:len(words) - len(rest)] + rest[1:])


def _execute(argv, *readers, output=None, tell=False):
    """Becomes the command, or the last one of a pipe, with its output in a file."""
    if tell and sys.stderr.isatty():
        lines = [" ".join(map(shlex.quote, [os.path.basename(words[0])] + words[1:])) for words in [argv, *readers]]
        sys.stderr.write("memrec: this is: %s%s\n" % (" | ".join(lines), " > " + shlex.quote(output) if output else ""))
    sys.stdout.flush()
    sys.stderr.flush()
    if output:
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), 1)
    for reader in readers:
        source = subprocess.Popen(argv, stdout=subprocess.PIPE, env=_places.environment())
        os.dup2(source.stdout.fileno(), 0)
        argv = reader
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
        if command == "transform":
            _transform(arguments)
        if command in _memray.INSTEAD:
            _fail(_memray.INSTEAD[command])
        if command in _memray.REPORTS or (not command.startswith("mem") and _is_command("mem" + command)):
            _report(command, _memray.REPORTS.get(command, ["mem" + command]), arguments)
        if _is_command(command):
            _execute([_places.command(command)] + arguments)
    except OSError as e:
        sys.stderr.write("memrec: %s\n" % e)
        sys.exit(1)
    _fail("%r is not a memrec command" % command)


if __name__ == "__main__":
    main(sys.argv[1:])
