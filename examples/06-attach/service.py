"""Handles requests until it is ended."""
import time


def handle():
    return bytes(5000)


while True:
    handle()
    time.sleep(.001)
