"""Measure the response times of a page in a browser: measure.py [--cpu] PAGE.html [RUNS]

Prints one line of JSON per run: milliseconds to the first graph, until the whole has been read, and from an action
to its pixels (suites/figures.js), in real time; or CPU time of the page's main thread, which depends little on what
else the machine does, and until the whole has been read that of its whole process. The page is opened from a file, with
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
import time

FOLDER = pathlib.Path(__file__).parent
CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--window-size=1400,800"]
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


def ask(page, script, timeout=60):
    """
    Opens a page with a script added, which calls report(TEXT). Returns the text, or None after the timeout, in seconds.
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
            [*CHROMIUM, f"--user-data-dir={place}/profile", "--enable-precise-memory-info", "--remote-debugging-port=0", opened.as_uri()],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        server.received.wait(timeout)
        browser.terminate()
        browser.wait()
    server.shutdown()
    return server.result


def figures(page):
    """The result of the suite "figures", as JSON."""
    return ask(page, SELFTEST % "".join(
        path.read_text() for path in [FOLDER / "selftest.js", *sorted(FOLDER.glob("suites/*.js"))]))


class Browser:
    """Chromium, driven by the DevTools protocol over pipes. `with Browser() as b: b.open(PAGE)`."""

    def __enter__(self):
        self.place = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        ours, theirs = os.pipe(), os.pipe()

        def at_3_and_4():
            fds = os.dup(ours[0]), os.dup(theirs[1])
            os.dup2(fds[0], 3)
            os.dup2(fds[1], 4)

        self.process = subprocess.Popen([*CHROMIUM, f"--user-data-dir={self.place.name}/profile", "--remote-debugging-pipe", "about:blank"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=at_3_and_4, close_fds=False)
        os.close(ours[0])
        os.close(theirs[1])
        self.to, self.replies = os.fdopen(ours[1], "wb", 0), os.fdopen(theirs[0], "rb")
        self.number, self.received = 0, b""
        page = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Performance.enable", timeDomain="threadTicks")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.place.cleanup()

    def call(self, method, **parameters):
        self.number += 1
        session = {"sessionId": self.session} if hasattr(self, "session") else {}
        self.to.write(json.dumps({"id": self.number, "method": method, "params": parameters, **session}).encode() + b"\0")
        while True:
            while b"\0" not in self.received:
                self.received += self.replies.read1(1 << 20)
            message, _, self.received = self.received.partition(b"\0")
            reply = json.loads(message)
            if reply.get("id") == self.number:
                return reply["result"]

    def evaluate(self, script):
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise SystemExit(json.dumps(result["exceptionDetails"]))
        return result["result"].get("value")

    def main_thread(self):
        """CPU milliseconds of the page's main thread so far: scripts, layout, painting."""
        return 1000 * next(m["value"] for m in self.call("Performance.getMetrics")["metrics"] if m["name"] == "TaskDuration")

    def open(self, page, until="started"):
        self.call("Page.navigate", url=pathlib.Path(page).resolve().as_uri())
        for _ in range(600):
            if self.evaluate(f"typeof app === 'undefined' ? 0 : app && app.{until} || 0"):
                return
            time.sleep(0.1)
        raise SystemExit("the page did not start")


TIMES = 20
ACTIONS = {
    "search": "app.searchFor(i % 2 ? 'json' : 'load')",
    "zoom": "app.zoomTo(i % 2 ? app.rootOf(app.zoom) : app.tree.childrenOf(app.tree.childrenOf(app.roots.callees)[0])[0])",
    "brush": "app.go({ mode: 'leaked', from: String(i * 100), to: String(5000 + i * 100) })",
}
RUN = "for (let i = 0; i < %d; i++) { %s; app.paint(); app.painter.context.getImageData(0, 0, 1, 1); }"


def cpu_of_first(page):
    """CPU milliseconds of the main thread until the first graph: of a page without the rest of the data, if it has a first view."""
    text = pathlib.Path(page).read_text()
    with tempfile.TemporaryDirectory() as place, Browser() as browser:
        begun = pathlib.Path(place, "page.html")
        has_first = re.search(r'id="first">[^<]', text)
        begun.write_text(re.sub(r'(id="data">)[^<]*', r"\1", text) if has_first else text)
        browser.open(begun, "drawn")
        return browser.main_thread()


def cpu_times(page):
    """CPU milliseconds of the main thread until the first graph and until all is read, of the whole process until then, and of each action (mean)."""
    figures = {"first": cpu_of_first(page)}
    with Browser() as browser:
        browser.open(page)
        figures |= {"whole": browser.main_thread(), "process": 1000 * cpu_of(browser.place.name), "wall": browser.evaluate("app.drawn")}
        for name, action in ACTIONS.items():
            browser.evaluate("app.go({ ...app.defaults })")
            browser.evaluate(RUN % (4, action))
            begin = browser.main_thread()
            browser.evaluate(RUN % (TIMES, action))
            figures[name] = (browser.main_thread() - begin) / TIMES
    return json.dumps({name: round(value) for name, value in figures.items()})


def main():
    if sys.argv[1] == "--cpu":
        for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 3):
            print(cpu_times(sys.argv[2]), flush=True)
        return
    for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 1):
        print(figures(sys.argv[1]) or "no answer within a minute", flush=True)


if __name__ == "__main__":
    main()
