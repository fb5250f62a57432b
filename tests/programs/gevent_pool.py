# needs: gevent
from gevent import monkey; monkey.patch_all()
import socket, subprocess, time, gevent
from gevent.pool import Pool
from gevent.server import StreamServer
server = StreamServer(("127.0.0.1", 0), lambda s, a: s.sendall(s.recv(100)[::-1]))
server.start()
def ask(i):
    with socket.create_connection(server.address) as s:
        s.sendall(b"%d" % i)
        time.sleep(0.001)
        return len(s.recv(100))
print(sum(Pool(20).map(ask, range(200))), subprocess.check_output(["echo", "child"]).decode().strip())
server.stop()
