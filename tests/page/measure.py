"""Measure the response times of a page in a browser, in real time: measure.py PAGE.html [RUNS]

Prints one line of JSON per run: milliseconds to the first graph and from an action
to its pixels (suites/figures.js). The page is opened from a file, with
its Content-Security-Policy removed so that it can report to this program.
"""
import http.server
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

REPORT = """<script>const EXPECT = { suites: ['figures'] };</script>
<script>%s</script>
<script>
new MutationObserver(() => {
  const result = document.getElementById('selftest');
  if (result) fetch('http://127.0.0.1:%d/', { method: 'POST', mode: 'no-cors', body: result.textContent });
}).observe(document.body, { childList: true });
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


def run(page):
    server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
    server.received = threading.Event()
    server.result = None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = pathlib.Path(__file__).parent
    selftest = "".join(path.read_text() for path in [folder / "selftest.js", *sorted(folder.glob("suites/*.js"))])
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        opened = pathlib.Path(place, "page.html")
        text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", pathlib.Path(page).read_text())
        opened.write_text(text + REPORT % (selftest, server.server_address[1]))
        browser = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             f"--user-data-dir={place}/profile", "--window-size=1400,800", "--enable-precise-memory-info",
             "--remote-debugging-port=0", opened.as_uri()],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        done = server.received.wait(60)
        browser.terminate()
        browser.wait()
    server.shutdown()
    print(server.result if done else "no answer within a minute", flush=True)


for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 1):
    run(sys.argv[1])
