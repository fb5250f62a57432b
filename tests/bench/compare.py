#!/usr/bin/env python3
"""Compare memrec with memray: cost of recording, size of traces, cost of reports.

Runs each program plain, under memray and under memrec in the same modes, in
interleaved rounds (plain, memray, memrec, plain, …). Prints medians with their
spread, the load of the machine, the goals and the programs that miss them; draws a
plot. CPU is user + system time of all processes, including the recorder. `gross`
is the ratio of whole runs; `net` leaves out the cost that the tool adds to an empty
program (memray imports a quarter of a second of Python).

usage: compare.py [--quick] [--rounds N] [--programs NAME,…] [--modes NAME,…] [--out FOLDER]

Needs PyPI for memray and pyperformance: a venv is made in build/bench.
"""
import argparse
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
# Ours: malloc_loops.py, with the library of malloc_loops.c and without.
OURS = ["malloc_loops_c", "malloc_loops_python"]
HERE = os.path.dirname(os.path.abspath(__file__))
QUICK = ["raytrace", "json_loads", "mdp"]

MODES = {   # mode: memray's options, memrec's options
    "default": ([], []),
    "native": (["--native"], ["--native"]),
    "python-allocators": (["--trace-python-allocators"], ["--trace-python-allocators"]),
    "both": (["--native", "--trace-python-allocators"], ["--native", "--trace-python-allocators"]),
    # memray has no such mode: beside it is its recording of the same calls.
    "sampled": (["--trace-python-allocators"], ["--trace-python-allocators", "--sample", "512KiB"]),
}
# The goals, as ratios of medians: (name, mode, compared with, figure, at most).
GOALS = [
    ("CPU over plain", "default", "plain", "cpu", 1.10),
    ("CPU over plain", "python-allocators", "plain", "cpu", 2.0),
    ("CPU over plain", "sampled", "plain", "cpu", 1.02),
    ("CPU against memray", "both", "memray", "cpu", 0.35),
    # memray merges stacks and finds symbols when it reports, memrec while it records.
    ("… and a flame graph's time", "both", "memray", "answer", 0.35),
] + [
    (what, mode, "memray", figure, most)
    for what, figure, most in (("CPU against memray", "cpu", 1.0), ("wall time against memray", "wall", 1.0),
                               ("trace bytes against memray", "bytes", 0.7))
    for mode in MODES
]
STARTUP_MS = 10     # additional CPU allowed for an empty program, in default mode
REPORT_S = 0.2      # a report's wall time


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
        self.loops = os.path.join(self.work, "malloc_loops.so")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-pthread", "-o", self.loops,
                        os.path.join(HERE, "malloc_loops.c")], check=True)
        self.results = {}

    def is_there(self, program):
        return all(os.path.exists(a) for a in self.command(program) if a.endswith(".py"))

    def command(self, program):
        """A program as arguments after the interpreter's name."""
        if program == "empty":
            return [self.empty]
        if program in OURS:
            return [os.path.join(HERE, "malloc_loops.py")] + ([self.loops] if program.endswith("_c") else [])
        folder, arguments = PYPERFORMANCE[program]
        anew = [os.path.join(HERE, "pickle_anew.py")] if "--pure-python" in arguments else []
        return anew + benchmark(self.folder, folder, arguments)

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
        result = {"runs": runs, "sizes": sizes, "reports": reports, "load": os.getloadavg()[0]}
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

    def net(self, program, mode, tool, what):
        """The tool's run without its startup, relative to the plain run without the interpreter's startup."""
        empty, this = self.results["empty", mode]["runs"], self.results[program, mode]["runs"]
        value = lambda runs, name: median([getattr(r, what) for r in runs[name]])
        plain = value(this, "plain") - value(empty, "plain")
        return (value(this, tool) - value(empty, tool)) / plain if plain > 0.005 else float("nan")

    def row(self, program, mode):
        result = self.results[program, mode]
        runs = result["runs"]
        out = {"program": program, "mode": mode, "load": "%.1f" % result["load"]}
        for what in "cpu", "wall":
            values = {name: [getattr(r, what) for r in runs[name]] for name in runs}
            out["plain_%s_s" % what] = spread(values["plain"])
            for tool in "memray", "memrec":
                out["%s_%s_gross" % (tool, what)] = spread([t / p for t, p in zip(values[tool], values["plain"])])
                out["%s_%s_net" % (tool, what)] = "%.2f" % self.net(program, mode, tool, what)
            out["%s_vs_memray" % what] = spread([a / b for a, b in zip(values["memrec"], values["memray"])])
        rss = {name: median([r.rss for r in runs[name]]) / 1e6 for name in runs}
        for tool in "memray", "memrec":
            out["bytes_" + tool] = int(median(result["sizes"][tool]))
            out["rss_added_%s_mb" % tool] = "%.1f" % (rss[tool] - rss["plain"])
        for name, (theirs, ours) in result["reports"].items():
            out[name] = "%.2f s %.0f MB / %.2f s %.0f MB" % (theirs.wall, theirs.rss / 1e6, ours.wall, ours.rss / 1e6)
        return out

    def figure(self, program, mode, against, what):
        result = self.results[program, mode]
        if what == "bytes":
            return median(result["sizes"]["memrec"]) / median(result["sizes"][against])
        if what == "answer":
            theirs, ours = (r.wall for r in result["reports"]["flame graph"])
            cpu = {name: median([r.cpu for r in result["runs"][name]]) for name in ("memrec", "memray")}
            return (cpu["memrec"] + ours) / (cpu["memray"] + theirs)
        return median([getattr(a, what) / getattr(b, what)
                       for a, b in zip(result["runs"]["memrec"], result["runs"][against])])


def print_table(rows):
    for mode in dict.fromkeys(r["mode"] for r in rows):
        of_mode = [r for r in rows if r["mode"] == mode]
        for what, title in ("cpu", "CPU of all processes"), ("wall", "wall time"):
            print("\n%s: %s over plain (gross; net of start-up), median [least-most]" % (mode, title))
            print("%-19s %-22s %-20s %6s %-20s %6s %-20s %5s" % (
                "program", "plain s", "memray gross", "net", "memrec gross", "net", "memrec/memray", "load"))
            for r in of_mode:
                print("%-19s %-22s %-20s %6s %-20s %6s %-20s %5s" % (
                    r["program"], r["plain_%s_s" % what], r["memray_%s_gross" % what], r["memray_%s_net" % what],
                    r["memrec_%s_gross" % what], r["memrec_%s_net" % what], r["%s_vs_memray" % what], r["load"]))
        print("\n%s: bytes of the trace; what the largest process's peak RSS is more than plain's, MB" % mode)
        for r in of_mode:
            print("%-19s memray %9d  memrec %9d  ratio %.2f   RSS memray +%s  memrec +%s" % (
                r["program"], r["bytes_memray"], r["bytes_memrec"], r["bytes_memrec"] / r["bytes_memray"],
                r["rss_added_memray_mb"], r["rss_added_memrec_mb"]))
        print("\n%s: reports, memray / memrec (wall, largest process)" % mode)
        for r in of_mode:
            print("%-19s flame graph %s; summary %s; stats %s" % (
                r["program"], r["flame graph"], r["summary"], r["stats"]))


def told(what, mode, most, figures):
    missed = {p: f for p, f in figures.items() if f > most}
    print("%-28s %-18s at most %5.2f: median %.2f, worst %.2f; %s" % (
        what, mode, most, median(figures.values()), max(figures.values()),
        "met by all" if not missed else "missed by " + ", ".join("%s %.2f" % i for i in sorted(missed.items()))))


def print_goals(bench, programs, modes):
    print("\ngoals:")
    for what, mode, against, figure, most in GOALS:
        if mode in modes:
            told(what, mode, most, {p: bench.figure(p, mode, against, figure) for p in programs})
    for mode in modes:
        runs = bench.results["empty", mode]["runs"]
        added = 1000 * (median([r.cpu for r in runs["memrec"]]) - median([r.cpu for r in runs["plain"]]))
        if mode == "default":
            told("start-up added, ms CPU", mode, STARTUP_MS, {"an empty program": added})
        told("slowest report, s", mode, REPORT_S,
             {p: max(ours.wall for _, ours in bench.results[p, mode]["reports"].values()) for p in programs})


def plot(rows, path):
    """Bars of CPU over plain and of the trace's bytes, as SVG: no library needed."""
    panels = (
        ("CPU over plain, whole runs (1 = plain)", 240, 36, 400,
         lambda r: [float(r["%s_cpu_gross" % t].split()[0]) for t in ("memray", "memrec")]),
        ("bytes of the trace over memray's", 720, 200, 260, lambda r: [1, r["bytes_memrec"] / r["bytes_memray"]]),
    )
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="1040" height="%d" font-family="sans-serif" font-size="11">'
           % (22 * len(rows) + 44),
           '<rect width="100%" height="100%" fill="white"/>',
           '<text x="8" y="14">memray <tspan fill="#999">grey</tspan>, memrec <tspan fill="#3778b8">blue</tspan></text>']
    for title, x, scale, most, values in panels:
        out.append('<text x="%d" y="14">%s</text>' % (x, title))
        out.append('<line x1="%d" y1="20" x2="%d" y2="%d" stroke="#c33"/>' % (x + scale, x + scale, 22 * len(rows) + 28))
        for i, r in enumerate(rows):
            y = 26 + 22 * i
            for value, colour, dy in zip(values(r), ("#aaa", "#3778b8"), (0, 9)):
                width = min(value * scale, most)
                out.append('<rect x="%d" y="%d" width="%.0f" height="8" fill="%s"/>' % (x, y + dy, width, colour))
                out.append('<text x="%.0f" y="%d">%.2f</text>' % (x + width + 4, y + dy + 8, value))
    for i, r in enumerate(rows):
        out.append('<text x="230" y="%d" text-anchor="end">%s %s</text>' % (39 + 22 * i, r["program"], r["mode"]))
    out.append('</svg>')
    with open(path, "w") as f:
        f.write("\n".join(out) + "\n")


def markdown(rows, path):
    """The medians as a table: a line per program, a column per mode."""
    first = lambda text: float(text.split()[0])
    cells = {(r["program"], r["mode"]): "%.2f / %.2f, %.2f" % (
        first(r["memrec_cpu_gross"]), first(r["memray_cpu_gross"]), r["bytes_memrec"] / r["bytes_memray"]) for r in rows}
    modes = list(dict.fromkeys(r["mode"] for r in rows))
    with open(path, "w") as out:
        out.write("| program | plain, s | %s |\n|---|---|%s\n" % (" | ".join(modes), "---|" * len(modes)))
        for program in dict.fromkeys(r["program"] for r in rows):
            plain = median([first(r["plain_cpu_s"]) for r in rows if r["program"] == program])
            out.write("| %s | %.2f | %s |\n" % (program, plain, " | ".join(cells[program, m] for m in modes)))


def others():
    """The load of the machine, and the processes that use the processors."""
    ps = subprocess.run(["ps", "-eo", "pcpu=,comm=", "--sort=-pcpu"], capture_output=True, text=True).stdout
    shares = [line.split(None, 1) for line in ps.splitlines()]
    busy = ["%s %s %%" % (name, share) for share, name in shares if float(share) >= 5]
    return "load %.1f; busy: %s" % (os.getloadavg()[0], ", ".join(busy[:6]) or "nothing")


def machine():
    with open("/proc/cpuinfo") as f:
        return next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), os.uname().machine)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--quick", action="store_true", help="three programs, two rounds")
    p.add_argument("--rounds", type=int, default=0)
    p.add_argument("--programs", default="")
    p.add_argument("--modes", default=",".join(MODES))
    p.add_argument("--out", default=os.path.join(ROOT, "build", "bench"))
    options = p.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 5)
    programs = options.programs.split(",") if options.programs else QUICK if options.quick else list(PYPERFORMANCE) + OURS
    modes = options.modes.split(",")
    bench = Bench(options)
    for name in [name for name in programs if not bench.is_there(name)]:
        print("left out: pyperformance has no %s" % name)
        programs.remove(name)
    print("%s, %s, %d processors; %s; %d rounds" % (
        time.strftime("%Y-%m-%d"), machine(), os.cpu_count(),
        subprocess.run([bench.python, "-V"], capture_output=True, text=True).stdout.strip(), options.rounds))
    print("at the start: " + others())
    rows = []
    for mode in modes:
        bench.measure("empty", mode)
        for program in programs:
            bench.measure(program, mode)
            rows.append(bench.row(program, mode))
            print(".", end="", flush=True, file=sys.stderr)
    print_table(rows)
    print_goals(bench, programs, modes)
    print("at the end: " + others())
    os.makedirs(options.out, exist_ok=True)
    with open(os.path.join(options.out, "compare.json"), "w") as out:
        json.dump(rows, out, indent=1)
    plot(rows, os.path.join(options.out, "compare.svg"))
    markdown(rows, os.path.join(options.out, "compare.md"))
    print("wrote %s/compare.json, compare.svg and compare.md" % options.out)


main()
