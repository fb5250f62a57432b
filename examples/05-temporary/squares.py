"""A block of 10,033 bytes a thousand times, where one would do."""


def wasteful():
    for i in range(1000):
        bytes(10_000)


def careful():
    block = bytes(10_000)
    for i in range(1000):
        block[i]


wasteful()
careful()
