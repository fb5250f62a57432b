"""Answers are kept for ever; requests are not."""

cache = [None] * 500


def answer(n):
    request = bytes(50_000)
    cache[n] = bytes(len(request) // 50)


for n in range(500):
    answer(n)
