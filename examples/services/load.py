"""load.py URL [RATE [COUNT]]: sends requests, RATE a second, once the service answers; {} in the URL is the request's number."""
import itertools
import sys
import time
import urllib.request

url = sys.argv[1]
rate = float(sys.argv[2]) if len(sys.argv) > 2 else 40
count = int(sys.argv[3]) if len(sys.argv) > 3 else None


def get(n):
    with urllib.request.urlopen(url.format(n), timeout=30) as answer:
        answer.read()


deadline = time.monotonic() + 30
while True:
    try:
        get(0)
        break
    except OSError:
        if time.monotonic() > deadline:
            raise
        time.sleep(.1)
print("the service answers", flush=True)
begin = time.monotonic()
for n in itertools.count() if count is None else range(count):
    time.sleep(max(0, begin + n / rate - time.monotonic()))
    try:
        get(n)
    except OSError as error:
        print("request", n, error, file=sys.stderr)
