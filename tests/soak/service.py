"""A gunicorn of some workers for these tests: app.py in this folder, requests to it, and figures of /proc."""
import http.client
import re
import socket
import subprocess
import time


def status(pid, key):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(key + r":\s*(\d+)", f.read())[1])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(app, *arguments, before=(), **popen):
    """Returns the process and its port."""
    with open("app.py", "w") as f:
        f.write(app)
    port = free_port()
    return subprocess.Popen([*before, "gunicorn", "--bind", "127.0.0.1:%d" % port, "--log-level", "warning", *arguments,
                             "app:app"], **popen), port


def ask(port, path):
    for attempt in range(200):      # a connection is refused while the server starts; accepted requests are answered
        try:
            c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            c.connect()
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    c.request("GET", path)
    answer = c.getresponse()
    body = answer.read()
    c.close()
    assert answer.status == 200
    return body
