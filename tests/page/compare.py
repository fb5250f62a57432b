"""Compare memflame's page with memray's temporal one, of the same program in one run: compare.py FOLDER MEMRAY PYTHON SCRIPT [ARG...]

MEMRAY is the command of a memray that is installed where PYTHON is. Prints a table: CPU seconds and memory that
writing the page took, its size, and the time (on this machine, with its present load) until the first graph and after a brush.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys

import measure

# memray waits for 500 ms after a brush; that is not counted. Its graph is drawn when its nodes change.
MEMRAY = """<script>
const wait = test => new Promise(resume => { const look = () => (test() ? resume() : setTimeout(look, 5)); look(); });
const boxes = () => document.querySelectorAll('#chart .d3-flame-graph g.frame, #chart svg g').length;
(async () => {
  await wait(() => boxes() > 0);
  const first = performance.now();
  await wait(() => document.querySelector('#plot .plotly'));
  await new Promise(resume => setTimeout(resume, 2000));
  const plot = document.querySelector('.js-plotly-plot') || document.getElementById('plot');
  const [low, high] = plot.layout.xaxis.range.map(x => new Date(x).getTime());
  const brush = [];
  for (const part of [0.5, 0.4, 0.6]) {
    let drawn = 0;
    const observer = new MutationObserver(() => { drawn = performance.now(); });
    observer.observe(document.getElementById('chart'), { childList: true, subtree: true, attributes: true });
    const begin = performance.now();
    Plotly.relayout(plot, { 'xaxis.range[0]': new Date(low + (high - low) / 4), 'xaxis.range[1]': new Date(low + (high - low) * part) });
    await wait(() => drawn && performance.now() - drawn > 700);
    observer.disconnect();
    brush.push(drawn - begin - 500);
  }
  report(JSON.stringify({ figures: { first: Math.round(first), brush: Math.round(brush.sort((a, b) => a - b)[1]) } }));
})();
</script>
"""


def run(command, **more):
    """Returns the CPU seconds and the peak of memory (MB) of a command."""
    pid = os.posix_spawnp(command[0], command, os.environ, **more)
    _, status, used = os.wait4(pid, 0)
    if status:
        raise SystemExit("%s: status %d" % (" ".join(command), os.waitstatus_to_exitcode(status)))
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def row(name, page, used, results):
    figures = [json.loads(result)["figures"] for result in results if result]
    median = {key: statistics.median(f[key] for f in figures) for key in ("first", "brush")}
    size = pathlib.Path(page).stat().st_size / 1e6
    return "| %s | %.1f s, %.0f MB | %.2f MB | %.2f s | %.0f ms |" % (name, *used, size, median["first"] / 1000, median["brush"])


def main():
    folder, memray, python, *script = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    for name in ("t.lz4", "t.bin", "memray.html"):
        pathlib.Path(name).unlink(missing_ok=True)
    quiet = {"stdout": subprocess.DEVNULL, "check": True}
    subprocess.run(["memrec", "-o", "t.lz4", "--", python, *script], **quiet)
    subprocess.run([python, "-m", "memray", "run", "-q", "-o", "t.bin", *script], **quiet)
    used = run(["memflame", "-o", "page.html", "t.lz4"])
    theirs = run([memray, "flamegraph", "--temporal", "--no-web", "-f", "-o", "memray.html", "t.bin"])
    print("| | written in, with | page | first graph | brush |\n|---|---|---|---|---|")
    print(row("memflame", "page.html", used, [measure.figures("page.html") for _ in range(3)]), flush=True)
    print(row("memray flamegraph --temporal --no-web", "memray.html", theirs,
              [measure.ask("memray.html", MEMRAY, 180) for _ in range(3)]), flush=True)


if __name__ == "__main__":
    main()
