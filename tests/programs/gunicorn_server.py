# needs: gunicorn
import os, signal, subprocess, sys, time, urllib.request
open("wsgi.py", "w").write("def app(e, s):\n    s('200 OK', [])\n    return [bytes(1000)]\n")
p = subprocess.Popen([sys.executable, "-m", "gunicorn", "-w", "2", "-b", "unix:g.sock", "--log-level", "critical", "wsgi:app"])
import http.client, socket
class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("g.sock")
def get():
    for _ in range(600):
        try:
            c = Unix("x")
            c.request("GET", "/")
            return len(c.getresponse().read())
        except OSError:
            time.sleep(0.1)
print(sum(get() for _ in range(50)))
p.terminate()
print(p.wait(60))
