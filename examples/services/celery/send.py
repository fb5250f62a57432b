"""Sends 1,000 tasks."""
from tasks import index

for number in range(1_000):
    index.delay(number)
