"""Measure the response times of a page in a browser: measure.py [--cpu] PAGE.html [RUNS]

Prints one line of JSON per run: milliseconds to the first graph and from an action
to its pixels (suites/figures.js), in real time; or the CPU time of the browser's process for the page, which does
not depend on what else the machine does. The page is opened from a file, with
its Content-Security-Policy removed so that it can report to this program.
"""
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

FOLDER = pathlib.Path(__file__).parent
SELFTEST = """<script>const EXPECT = { suites: ['figures'] };</script>
<script>%s</script>
<script>
new MutationObserver(() => {
  const result = document.getElementById('selftest');
  if (result) report(result.textContent);
}).observe(document.body, { childList: true });
</script>
"""
REPORT = """<script>
const report = text => fetch('http://127.0.0.1:%d/', { method: 'POST', mode: 'no-cors', body: text });
</script>
"""


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.result = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(204)
        self.end_headers()
        self.server.received.set()

    def log_message(self, *args):
        pass


def cpu_of(folder):
    """The CPU seconds of the processes for pages of the browser with that folder."""
    ticks = 0
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text()
            if "--type=renderer" in command and folder in command:
                ticks += sum(map(int, (process / "stat").read_text().rpartition(")")[2].split()[11:13]))
        except OSError:
            pass
    return ticks / os.sysconf("SC_CLK_TCK")


def ask(page, script, timeout=60, cpu=None):
    """
    Opens a page with a script added, which calls report(TEXT). Returns the text, or None after the timeout, in seconds.
    Appends the CPU seconds until then to the list `cpu`.
    """
    server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
    server.received = threading.Event()
    server.result = None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        opened = pathlib.Path(place, "page.html")
        text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", pathlib.Path(page).read_text())
        opened.write_text(text + REPORT % server.server_address[1] + script)
        browser = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             f"--user-data-dir={place}/profile", "--window-size=1400,800", "--enable-precise-memory-info",
             "--remote-debugging-port=0", opened.as_uri()],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        server.received.wait(timeout)
        if cpu is not None:
            cpu.append(cpu_of(place))
        browser.terminate()
        browser.wait()
    server.shutdown()
    return server.result


def figures(page):
    """The result of the suite "figures", as JSON."""
    return ask(page, SELFTEST % "".join(
        path.read_text() for path in [FOLDER / "selftest.js", *sorted(FOLDER.glob("suites/*.js"))]))


TIMES = 20
ACTIONS = {
    "search": "app.searchFor(i % 2 ? 'json' : 'load')",
    "zoom": "app.zoomTo(i % 2 ? app.rootOf(app.zoom) : app.tree.childrenOf(app.tree.childrenOf(app.roots.callees)[0])[0])",
    "brush": "app.go({ mode: 'leaked', from: String(i * 100), to: String(5000 + i * 100) })",
}


def cpu_times(page):
    """CPU milliseconds until the first graph, and for each action, the mean of several."""
    def run(action):
        used = []
        ask(page, """<script>
(async () => {
  while (!(app && app.started)) await new Promise(resume => setTimeout(resume, 20));
  for (let i = 0; i < %d; i++) {
    %s;
    app.paint();
    app.painter.context.getImageData(0, 0, 1, 1);
  }
  report('done');
})();
</script>""" % (TIMES if action else 0, action), cpu=used)
        return 1000 * used[0]
    first = min(run("") for _ in range(3))
    return json.dumps({"first": round(first), **{
        name: round((min(run(action) for _ in range(3)) - first) / TIMES) for name, action in ACTIONS.items()}})


def main():
    if sys.argv[1] == "--cpu":
        print(cpu_times(sys.argv[2]))
        return
    for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 1):
        print(figures(sys.argv[1]) or "no answer within a minute", flush=True)


if __name__ == "__main__":
    main()
