#!/usr/bin/env python3
"""Compare memrec's numbers with memray's, for the same programs on the same interpreter.

Runs each program once under memray and once under memrec, in both modes, and prints the figures
of each: for the whole run, and for only the stacks with a frame in the program's file, where
both measure the same thing. README.md in this folder explains every difference.

usage: compare.py [--programs NAME,…] [--modes NAME,…] [--top N] [--most PERCENT]

Needs PyPI for memray and the programs: a venv is made in build/bench.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
from rival import BIN, ROOT, benchmark, benchmarks, set_up

# Program: (pyperformance's folder, its arguments).
BENCHMARKS = {
    "json_loads": ("bm_json_loads", []),
    "raytrace": ("bm_raytrace", ["--width=30", "--height=30"]),
    "django_template": ("bm_django_template", ["--table-size=20"]),
    "sqlite_synth": ("bm_sqlite_synth", []),
}
OTHERS = ["compileall", "mandelbrot"]
PYTHON_LINE = re.compile(r".*(?:^|;)[^;]* \(((?:[^();]*\.py|<[^();]*>):\d+)\)")    # the innermost, in a folded line
# Native functions below which the two do not measure the same; README.md gives the reasons.
NOT_THE_SAME = "^(call_trace|_PyFrame_New_NoTrack|tuple_iter|_PyObject_ArenaMmap|dlopen|do_dlopen|__tls_get_addr)"
MODES = {"default": [], "python-allocators": ["--trace-python-allocators"]}
LAUNCH = os.path.join(HERE, "launch.py")
FIGURES = ["allocations", "bytes", "peak bytes", "leaked allocations", "leaked bytes",
           "temporary allocations", "temporary bytes"]
# Equal hashes, and no differences from two names of one program.
ENVIRONMENT = dict(os.environ, PYTHONHASHSEED="0", PYTHONDONTWRITEBYTECODE="1", PYTHONNOUSERSITE="1")


def run(command, cwd, **more):
    done = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
    if done.returncode != 0:
        raise SystemExit("%s: status %d\n%s" % (" ".join(command), done.returncode, done.stderr[-2000:]))
    return done.stdout


class Agreement:
    def __init__(self, options):
        self.options = options
        self.rows, self.agree, self.of = [], 0, 0
        self.python = set_up()
        self.work = os.path.join(ROOT, "build", "agreement")
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work)
        self.benchmarks = benchmarks(self.python)
        self.library = run([self.python, "-c", "import os; print(os.path.dirname(os.__file__))"], self.work).strip()

    def program(self, name):
        """(the arguments after the interpreter's name, the file whose frames are the program's own)"""
        if name == "compileall":
            # Modules of the library, in a place where they are not compiled yet.
            shutil.copytree(os.path.join(self.library, "email"), os.path.join(self.work, "email"), dirs_exist_ok=True)
            return ["-m", "compileall", "-f", "-q", "email"], os.path.join(self.library, "compileall.py")
        if name == "mandelbrot":
            return [os.path.join(HERE, "mandelbrot.py")], os.path.join(HERE, "mandelbrot.py")
        command = benchmark(self.benchmarks, *BENCHMARKS[name])
        return command, command[0]

    def theirs(self, mode, command, file):
        capture = os.path.join(self.work, "memray.bin")
        run([self.python, LAUNCH, mode, capture, *command], self.work)
        return json.loads(run([self.python, os.path.join(HERE, "theirs.py"), capture, file, NOT_THE_SAME], self.work))

    def ours(self, mode, command, file):
        trace = os.path.join(self.work, "trace.lz4")
        run([os.path.join(BIN, "memrec"), "-f", "-o", trace, "--native", *MODES[mode], "--",
             self.python, LAUNCH, "none", "-", *command], self.work)
        inside = "memgrep --file '^%s$' %s" % (file.replace(".", r"\."), trace)
        same = inside + " | memgrep -v -f '%s'" % NOT_THE_SAME
        return {
            "whole": self.figures("memcat " + trace),
            "script": self.figures(inside),
            "same": self.figures(same),
            "peak places": self.places(same + " | memfold"),
            "total places": self.places(same + " | memfold --total"),
            "temporary places": self.places(same + " | memtemp | memfold"),
        }

    def ask(self, pipe):
        return run(["bash", "-o", "pipefail", "-c", "PATH=%s:$PATH; %s" % (BIN, pipe)], self.work)

    def figures(self, trace):
        stats = json.loads(self.ask(trace + " | memstats --json"))
        temporary = json.loads(self.ask(trace + " | memtemp | memstats --json"))
        return {
            "allocations": stats["total_num_allocations"],
            "bytes": stats["total_bytes_allocated"],
            "peak bytes": stats["metadata"]["peak_memory"],
            "leaked allocations": stats["leaked_allocations"],
            "leaked bytes": stats["leaked_bytes"],
            "temporary allocations": temporary["total_num_allocations"],
            "temporary bytes": temporary["total_bytes_allocated"],
        }

    def places(self, folded):
        """Bytes by the innermost line of Python."""
        places = {}
        command = ["bash", "-o", "pipefail", "-c", "PATH=%s:$PATH; %s" % (BIN, folded)]
        with subprocess.Popen(command, cwd=self.work, stdout=subprocess.PIPE, text=True) as lines:
            for line in lines.stdout:
                place = PYTHON_LINE.match(line).group(1)
                places[place] = places.get(place, 0) + int(line.rsplit(" ", 1)[1])
        if lines.returncode:
            raise SystemExit("%s: status %d" % (folded, lines.returncode))
        return places

    def compare(self, name, mode):
        """Prints both tools' figures, and keeps a row for the page."""
        command, file = self.program(name)
        theirs, ours = self.theirs(mode, command, file), self.ours(mode, command, file)
        print("\n%s, %s" % (name, mode))
        print("%-36s %-36s %s" % ("whole", "script", "same"))
        print(" ".join(["%12s %12s %9s" % ("memray", "memrec", "")] * 3))
        for figure in FIGURES:
            print("%s  %s" % (" ".join(self.pair(theirs[part][figure], ours[part][figure])
                                       for part in ("whole", "script", "same")), figure))
        n = self.options.differences
        for part, n in ("total places", n), ("temporary places", n), ("peak places", self.options.top):
            a, b = theirs[part], ours[part]
            rank = {p: max(a.get(p, 0), b.get(p, 0)) if part == "peak places" else abs(a.get(p, 0) - b.get(p, 0))
                    for p in {*a, *b}}
            order = sorted(rank, key=rank.get, reverse=True)[:n]
            for p in order:
                print("%s  %s %s" % (self.pair(a.get(p, 0), b.get(p, 0)), part.replace("places", "at"), self.short(p)))
        off = [abs(self.off(a.get(p, 0), b.get(p, 0))) for p in order]
        self.agree += sum(percent <= self.options.most for percent in off)
        self.of += len(off)
        self.rows.append("| %s | %s | %s | %d of %d, %.2f |" % (
            name, mode, " | ".join("%.2f" % self.off(theirs["same"][f], ours["same"][f]) for f in FIGURES),
            sum(percent <= self.options.most for percent in off), len(off), max(off)))

    @staticmethod
    def off(theirs, ours):
        return 0 if theirs == ours else 100 * (ours - theirs) / theirs if theirs else float("inf")

    def pair(self, theirs, ours):
        return "%12d %12d %8.2f%%" % (theirs, ours, self.off(theirs, ours))

    def short(self, place):
        for folder in (self.benchmarks, os.path.join(self.library, "site-packages"), self.library, HERE):
            place = place.replace(folder + "/", "")
        return place


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--programs", default=",".join([*BENCHMARKS, *OTHERS]))
    p.add_argument("--modes", default=",".join(MODES))
    p.add_argument("--top", type=int, default=10, help="locations")
    p.add_argument("--differences", type=int, default=0, help="show N locations whose sums over the run differ most")
    p.add_argument("--most", type=float, default=1, help="percent that a location may differ by")
    options = p.parse_args()
    agreement = Agreement(options)
    print("memray and memrec on %s" % run([agreement.python, "-VV"], ROOT).strip())
    for name in options.programs.split(","):
        for mode in options.modes.split(","):
            agreement.compare(name, mode)
            sys.stdout.flush()
    print("\nsame, percent:\n| program | mode | %s | locations, worst |" % " | ".join(FIGURES))
    print("|" + "---|" * (len(FIGURES) + 3))
    print("\n".join(agreement.rows))
    print("\n%d of %d locations at the peak agree within %g %%" % (agreement.agree, agreement.of, options.most))


main()
