"""Sends a task every 25 ms."""
import itertools
import time

from tasks import index

for number in itertools.count():
    index.delay(number)
    time.sleep(.025)
