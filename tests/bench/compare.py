#!/usr/bin/env python3
"""memrec beside memray: cost of recording, size of traces, cost of reports.

Runs each program plain, under memray and under memrec in the same modes, in
interleaved rounds (plain, memray, memrec, plain, …), and prints medians with
their spread. CPU is user + system time of all processes that were needed, the
recorder's too. `gross` is the ratio of whole runs; `net` leaves out what the tool
adds to an empty program (memray imports a quarter of a second of Python).

usage: compare.py [--quick] [--rounds N] [--programs NAME,…] [--modes NAME,…] [--out FOLDER]

Needs PyPI for memray and pyperformance: a venv is made in build/bench.
"""
import argparse
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from rival import BIN, ROOT, benchmark, benchmarks, set_up

# Program: (pyperformance's folder, its arguments), or a file of ours. Those of memray's own benchmark suite.
PYPERFORMANCE = {
    "async_tree": ("bm_async_tree", ["none"]),
    "async_tree_cpu_io": ("bm_async_tree", ["cpu_io_mixed"]),
    "deltablue": ("bm_deltablue", []),
    "fannkuch": ("bm_fannkuch", []),
    "go": ("bm_go", []),
    "json_dumps": ("bm_json_dumps", []),
    "json_loads": ("bm_json_loads", []),
    "mdp": ("bm_mdp", []),
    "nbody": ("bm_nbody", []),
    "nqueens": ("bm_nqueens", []),
    "pickle_pure": ("bm_pickle", ["--pure-python", "pickle"]),
    "pprint": ("bm_pprint", []),
    "raytrace": ("bm_raytrace", []),
    "regex_dna": ("bm_regex_dna", []),
    "regex_effbot": ("bm_regex_effbot", []),
    "regex_v8": ("bm_regex_v8", []),
    "spectral_norm": ("bm_spectral_norm", []),
    "telco": ("bm_telco", []),
}
QUICK = ["raytrace", "json_loads", "mdp"]

MODES = {   # mode: memray's options, memrec's options
    "default": ([], []),
    "native": (["--native"], ["--native"]),
    "python-allocators": (["--trace-python-allocators"], ["--trace-python-allocators"]),
    "both": (["--native", "--trace-python-allocators"], ["--native", "--trace-python-allocators"]),
}
# What is promised, as a ratio of medians: (what, mode, against, figure, at most).
GOALS = [
    ("CPU over plain, gross", "default", "plain", "gross", 1.10),
    ("CPU over plain, gross", "python-allocators", "plain", "gross", 2.0),
    ("CPU against memray", "both", "memray", "gross", 0.35),
    ("trace bytes against memray", "default", "memray", "bytes", 0.7),
    ("trace bytes against memray", "python-allocators", "memray", "bytes", 0.7),
    ("trace bytes against memray", "native", "memray", "bytes", 0.7),
    ("trace bytes against memray", "both", "memray", "bytes", 0.7),
]


class Run:
    """One run of a command: CPU seconds of it and its children, wall seconds, the largest process's peak RSS."""

    def __init__(self, command, cwd):
        begin = time.monotonic()
        child = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.error = child.stderr.read().decode(errors="replace")
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = self.status = os.waitstatus_to_exitcode(status)
        self.wall = time.monotonic() - begin
        self.cpu = usage.ru_utime + usage.ru_stime
        self.rss = usage.ru_maxrss * 1024
        if self.status != 0:
            raise SystemExit("%s: status %d\n%s" % (" ".join(command), self.status, self.error[-2000:]))


def spread(values):
    return "%.3g [%.3g-%.3g]" % (statistics.median(values), min(values), max(values))


def median(values):
    return statistics.median(values)


class Bench:
    def __init__(self, options):
        self.options = options
        self.python = set_up()
        self.work = os.path.join(ROOT, "build", "bench", "work")
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work)
        self.folder = benchmarks(self.python)
        self.empty = os.path.join(self.work, "empty.py")
        open(self.empty, "w").close()
        self.results = {}

    def command(self, program):
        """A program as an argument list behind the interpreter's name."""
        if program == "empty":
            return [self.empty]
        folder, arguments = PYPERFORMANCE[program]
        return benchmark(self.folder, folder, arguments)

    def variants(self, program, mode):
        memray, memrec = MODES[mode]
        rival, ours = os.path.join(self.work, "memray.bin"), os.path.join(self.work, "trace.lz4")
        return {
            "plain": [self.python, *self.command(program)],
            "memray": [self.python, "-m", "memray", "run", "-q", "-f", "-o", rival, *memray, *self.command(program)],
            "memrec": [os.path.join(BIN, "memrec"), "-f", "-o", ours, *memrec, "--", self.python, *self.command(program)],
        }

    def measure(self, program, mode):
        runs = {"plain": [], "memray": [], "memrec": []}
        sizes = {"memray": [], "memrec": []}
        for _ in range(self.options.rounds):
            for name, command in self.variants(program, mode).items():
                runs[name].append(Run(command, self.work))
                if name != "plain":
                    path = os.path.join(self.work, "memray.bin" if name == "memray" else "trace.lz4")
                    sizes[name].append(os.path.getsize(path))
        reports = self.reports() if program != "empty" else {}
        result = {"runs": runs, "sizes": sizes, "reports": reports}
        self.results[program, mode] = result
        return result

    def reports(self):
        rival, ours = os.path.join(self.work, "memray.bin"), os.path.join(self.work, "trace.lz4")
        page = os.path.join(self.work, "page.html")
        memray = [self.python, "-m", "memray"]
        shell = ["bash", "-o", "pipefail", "-c"]
        path = "PATH=%s:$PATH; " % BIN
        commands = {
            "flame graph": (memray + ["flamegraph", "-f", "-o", page, rival],
                            shell + [path + "memcat %s | memfold | memflame > %s" % (ours, page)]),
            "summary": (memray + ["summary", rival], shell + [path + "memsummary %s" % ours]),
            "stats": (memray + ["stats", rival], shell + [path + "memstats %s" % ours]),
        }
        return {name: (Run(a, self.work), Run(b, self.work)) for name, (a, b) in commands.items()}

    def net(self, program, mode, tool):
        """CPU of the tool's run without its start-up, over plain without the interpreter's."""
        empty, this = self.results["empty", mode]["runs"], self.results[program, mode]["runs"]
        cpu = lambda runs, name: median([r.cpu for r in runs[name]])
        plain = cpu(this, "plain") - cpu(empty, "plain")
        return (cpu(this, tool) - cpu(empty, tool)) / plain if plain > 0.005 else float("nan")

    def row(self, program, mode):
        result = self.results[program, mode]
        runs = result["runs"]
        ratio = lambda tool: [t.cpu / p.cpu for t, p in zip(runs[tool], runs["plain"])]
        out = {
            "program": program, "mode": mode,
            "plain_cpu_s": spread([r.cpu for r in runs["plain"]]),
            "memray_gross": spread(ratio("memray")), "memrec_gross": spread(ratio("memrec")),
            "memray_net": "%.2f" % self.net(program, mode, "memray"),
            "memrec_net": "%.2f" % self.net(program, mode, "memrec"),
            "cpu_vs_memray": spread([a.cpu / b.cpu for a, b in zip(runs["memrec"], runs["memray"])]),
            "wall_vs_memray": spread([a.wall / b.wall for a, b in zip(runs["memrec"], runs["memray"])]),
            "bytes_memray": int(median(result["sizes"]["memray"])),
            "bytes_memrec": int(median(result["sizes"]["memrec"])),
            "rss_plain_mb": "%.1f" % (median([r.rss for r in runs["plain"]]) / 1e6),
            "rss_memray_mb": "%.1f" % (median([r.rss for r in runs["memray"]]) / 1e6),
            "rss_memrec_mb": "%.1f" % (median([r.rss for r in runs["memrec"]]) / 1e6),
        }
        for name, (theirs, ours) in result["reports"].items():
            out[name] = "%.2f s %.0f MB / %.2f s %.0f MB" % (theirs.wall, theirs.rss / 1e6, ours.wall, ours.rss / 1e6)
        return out

    def figure(self, program, mode, against, what):
        result = self.results[program, mode]
        if what == "bytes":
            return median(result["sizes"]["memrec"]) / median(result["sizes"][against])
        return median([a.cpu / b.cpu for a, b in zip(result["runs"]["memrec"], result["runs"][against])])


def print_table(rows):
    for mode in dict.fromkeys(r["mode"] for r in rows):
        print("\n%s: CPU of all processes over plain (gross; net of start-up), median [least-most]" % mode)
        print("%-18s %-22s %-20s %-20s %6s %6s %-20s %10s %10s %5s" % (
            "program", "plain CPU s", "memray gross", "memrec gross", "net", "net", "memrec/memray CPU",
            "memray B", "memrec B", "ratio"))
        for r in rows:
            if r["mode"] == mode:
                print("%-18s %-22s %-20s %-20s %6s %6s %-20s %10d %10d %5.2f" % (
                    r["program"], r["plain_cpu_s"], r["memray_gross"], r["memrec_gross"], r["memray_net"],
                    r["memrec_net"], r["cpu_vs_memray"], r["bytes_memray"], r["bytes_memrec"],
                    r["bytes_memrec"] / r["bytes_memray"]))
        print("reports, memray / memrec (wall, largest process):")
        for r in rows:
            if r["mode"] == mode and "summary" in r:
                print("%-18s flame graph %s; summary %s; stats %s" % (
                    r["program"], r["flame graph"], r["summary"], r["stats"]))


def print_goals(bench, programs, modes):
    print("\ngoals:")
    for what, mode, against, figure, most in GOALS:
        if mode not in modes:
            continue
        figures = {p: bench.figure(p, mode, against, figure) for p in programs}
        missed = {p: f for p, f in figures.items() if f > most}
        print("%-28s %-18s at most %.2f: median %.2f, worst %.2f; %s" % (
            what, mode, most, median(figures.values()), max(figures.values()),
            "met by all" if not missed else "missed by " + ", ".join("%s %.2f" % i for i in sorted(missed.items()))))


def plot(rows, path):
    """Bars of CPU over plain, as SVG: no library needed."""
    groups = [(r["program"] + " " + r["mode"], float(r["memray_gross"].split()[0]), float(r["memrec_gross"].split()[0]))
              for r in rows]
    height, scale = 22 * len(groups) + 30, 40
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" width="900" height="%d" font-family="sans-serif" font-size="11">'
             % height, '<text x="240" y="14">CPU over plain: memray (grey), memrec (blue); 1 = plain</text>']
    for i, (name, memray, memrec) in enumerate(groups):
        y = 24 + 22 * i
        parts.append('<text x="230" y="%d" text-anchor="end">%s</text>' % (y + 13, name))
        for value, colour, dy in (memray, "#aaa", 0), (memrec, "#3778b8", 9):
            parts.append('<rect x="240" y="%d" width="%.0f" height="8" fill="%s"/><text x="%.0f" y="%d">%.2f</text>' % (
                y + dy, min(value * scale, 600), colour, 244 + min(value * scale, 600), y + dy + 8, value))
    parts.append('</svg>')
    with open(path, "w") as out:
        out.write("\n".join(parts))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--quick", action="store_true", help="three programs, two rounds")
    p.add_argument("--rounds", type=int, default=0)
    p.add_argument("--programs", default="")
    p.add_argument("--modes", default=",".join(MODES))
    p.add_argument("--out", default=os.path.join(ROOT, "build", "bench"))
    options = p.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 5)
    programs = options.programs.split(",") if options.programs else QUICK if options.quick else list(PYPERFORMANCE)
    modes = options.modes.split(",")
    bench = Bench(options)
    programs = [name for name in programs if glob.glob(os.path.join(bench.folder, PYPERFORMANCE[name][0], "run_benchmark.py"))]
    print("%s, %d processors, load %s at the start; %s; %d rounds" % (
        time.strftime("%Y-%m-%d"), os.cpu_count(), os.getloadavg()[0],
        subprocess.run([bench.python, "-V"], capture_output=True, text=True).stdout.strip(), options.rounds))
    rows = []
    for mode in modes:
        bench.measure("empty", mode)
        for program in programs:
            bench.measure(program, mode)
            rows.append(bench.row(program, mode))
            print(".", end="", flush=True, file=sys.stderr)
    print_table(rows)
    print_goals(bench, programs, modes)
    print("load %s at the end" % os.getloadavg()[0])
    os.makedirs(options.out, exist_ok=True)
    with open(os.path.join(options.out, "compare.json"), "w") as out:
        json.dump(rows, out, indent=1)
    plot(rows, os.path.join(options.out, "compare.svg"))
    print("wrote %s/compare.json and compare.svg" % options.out)


main()
