"""python -m memrec run [OPTION...] SCRIPT [ARG...]: record a script with this Python.

    python -m memrec run [OPTION...] (SCRIPT | -m MODULE | -c CODE) [ARG...]
    python -m memrec COMMAND [ARG...]

`run` executes memrec with its options (-o FILE, -f, --native, --follow-fork,
--trace-python-allocators, -v, …) and this Python interpreter; -m, -c and the words
after them are as for python. Without -o the trace goes to standard output; if
that is a terminal, to memrec-NAME.PID.lz4 in the current directory.

COMMAND is any command of the suite, with or without its "mem": memfold, flame, summary, …
"""
import os
import sys

from . import _places

# memrec's options that take an argument.
_WITH_ARGUMENT = ("-o", "--output")


def _fail(text):
    sys.stderr.write("memrec: %s\nTry 'python -m memrec --help'.\n" % text)
    sys.exit(2)


def _split(words):
    """Returns memrec's options, and the words from the script on. -m and -c are python's."""
    options = []
    while words and words[0].startswith("-") and words[0] not in ("-m", "-c", "-"):
        word = words.pop(0)
        if word == "--":
            break
        options.append(word)
        if word in _WITH_ARGUMENT:
            if not words:
                _fail("%s needs a file name" % word)
            options.append(words.pop(0))
    if not words or (words[0] in ("-m", "-c") and len(words) == 1):
        _fail("nothing to run: give a script, -m MODULE or -c CODE")
    return options, words


def _name(words):
    if words[0] == "-m":
        return words[1]
    return "string" if words[0] in ("-c", "-") else os.path.basename(words[0])


def _has_output(options):
    return any(o in _WITH_ARGUMENT or o.startswith("--output=") or (o.startswith("-") and o[1:2] != "-" and "o" in o)
               for o in options)


def _run(words):
    options, words = _split(words)
    if not _has_output(options) and sys.stdout.isatty():
        output = "memrec-%s.%d.lz4" % (_name(words), os.getpid())
        sys.stderr.write("memrec: writing to %s\n" % output)
        options += ["-o", output]
    _execute([_places.command("memrec")] + options + ["--", sys.executable] + words)


def _execute(argv):
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(argv[0], argv, _places.environment())


def main(words):
    if not words or words[0] in ("-h", "--help"):
        sys.stdout.write(__doc__)
        sys.exit(0 if words else 2)
    command, arguments = words[0], words[1:]
    try:
        if command == "run":
            _run(arguments)
        if command == "--version":
            command, arguments = "memrec", ["--version"]
        for name in (command, "mem" + command):
            path = os.path.join(_places.prefix(), "bin", name)
            if name.startswith("mem") and "/" not in name and os.access(path, os.X_OK):
                _execute([path] + arguments)
    except OSError as e:
        sys.stderr.write("memrec: %s\n" % e)
        sys.exit(1)
    _fail("%r is not a memrec command" % command)


if __name__ == "__main__":
    main(sys.argv[1:])
