# needs: pyzmq
import threading, zmq
c = zmq.Context()
a = c.socket(zmq.REP)
port = a.bind_to_random_port("tcp://127.0.0.1")
def serve():
    for _ in range(200):
        a.send(a.recv()[::-1])
t = threading.Thread(target=serve)
t.start()
b = c.socket(zmq.REQ)
b.connect("tcp://127.0.0.1:%d" % port)
n = 0
for i in range(200):
    b.send(b"x" * i)
    n += len(b.recv())
t.join()
print(n)
b.close(); a.close(); c.term()
