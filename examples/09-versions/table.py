"""The same numbers, in two ways."""
import sys


def rows(n):
    for i in range(n):
        table.append(bytes(1000))


def columns(n):
    for i in range(1000):
        table.append(bytes(n))


table = []
{"rows": rows, "columns": columns}[sys.argv[1]](2000)
