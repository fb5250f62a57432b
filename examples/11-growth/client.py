"""Asks for 400 pages, one after another, with pauses."""
import os
import time
import urllib.request

while not os.path.exists("port") or not os.path.getsize("port"):
    time.sleep(.05)
with open("port") as f:
    port = f.read()
for n in range(400):
    urllib.request.urlopen("http://127.0.0.1:%s/%d" % (port, n)).read()
    time.sleep(.005)
