"""Open a page in Firefox and print the result of its self-test: firefox.py PAGE.html [SCREENSHOT.png]

Speaks Marionette, Firefox's own remote protocol: messages of the form LENGTH:JSON over a socket. The page is opened from a file,
without a network, at 1400x800 pixels.
"""
import base64
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time


class Marionette:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.number = 0
        self.receive()          # its greeting

    def receive(self):
        size = b""
        while not size.endswith(b":"):
            byte = self.socket.recv(1)
            if not byte:
                raise SystemExit("Firefox closed the connection")
            size += byte
        data = b""
        while len(data) < int(size[:-1]):
            data += self.socket.recv(int(size[:-1]) - len(data))
        return json.loads(data)

    def call(self, name, **parameters):
        self.number += 1
        message = json.dumps([0, self.number, name, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self.receive()
        if error:
            raise SystemExit("%s: %s" % (name, error.get("message")))
        return result.get("value") if isinstance(result, dict) else result


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def connect(port):
    for _ in range(600):
        try:
            return Marionette(port)
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise SystemExit("Firefox did not start within a minute")


def main():
    page, port = pathlib.Path(sys.argv[1]).resolve(), free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        preferences = {"marionette.port": port, "network.dns.disabled": True, "datareporting.policy.dataSubmissionEnabled": False,
                       "browser.shell.checkDefaultBrowser": False, "app.normandy.enabled": False}
        pathlib.Path(profile, "user.js").write_text("".join(
            "user_pref(%s, %s);\n" % (json.dumps(name), json.dumps(value)) for name, value in preferences.items()))
        browser = subprocess.Popen(["firefox-esr", "--headless", "--marionette", "--no-remote", "--profile", profile,
                                    "--width", "1400", "--height", "800"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            firefox = connect(port)
            firefox.call("WebDriver:NewSession", capabilities={})
            firefox.call("WebDriver:Navigate", url=page.as_uri())
            script = "const e = document.getElementById('selftest'); return e && e.textContent"
            for _ in range(600):
                result = firefox.call("WebDriver:ExecuteScript", script=script, args=[])
                if result:
                    break
                time.sleep(0.1)
            else:
                raise SystemExit("no result within a minute")
            if len(sys.argv) > 2:
                pathlib.Path(sys.argv[2]).write_bytes(base64.b64decode(firefox.call("WebDriver:TakeScreenshot", full=False)))
            print(result)
        finally:
            browser.terminate()
            browser.wait()


main()
