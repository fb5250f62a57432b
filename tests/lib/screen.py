#!/usr/bin/env python3
"""A terminal for a command: press keys, wait for text, show the screen.

    screen.py COLUMNSxLINES STEP... -- COMMAND [ARG...]

Steps: wait=TEXT (20 s at most; fails if it does not come), gone=TEXT, keys=KEYS (\\e, \\n, up, down, end as words in <>),
show (print the screen), size=COLUMNSxLINES, interrupt (Ctrl-C), end (wait for the command). The status is the command's.
The terminal is a VT52, which has a dozen sequences.
"""
import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

KEYS = {"<up>": "\x1bA", "<down>": "\x1bB", "<esc>": "\x1b", "<enter>": "\n"}


class Screen:
    def __init__(self, columns, lines):
        self.columns, self.lines, self.x, self.y = columns, lines, 0, 0
        self.cells = [[" "] * columns for _ in range(lines)]
        self.rest, self.decoder = "", codecs.getincrementaldecoder("utf-8")("replace")

    def take(self, data):
        text = self.rest + self.decoder.decode(data)
        self.rest = ""
        while text:
            if text[0] == "\x1b":
                need = 4 if text[1:2] == "Y" else 2
                if len(text) < need:
                    self.rest = text
                    return
                self.escape(text[1], text[2:need])
                text = text[need:]
            else:
                self.put(text[0])
                text = text[1:]

    def escape(self, kind, where):
        if kind == "Y":
            self.y, self.x = min(ord(where[0]) - 32, self.lines - 1), min(ord(where[1]) - 32, self.columns - 1)
        elif kind == "H":
            self.y = self.x = 0
        elif kind in "ABCD":
            dy, dx = {"A": (-1, 0), "B": (1, 0), "C": (0, 1), "D": (0, -1)}[kind]
            self.y, self.x = max(0, min(self.y + dy, self.lines - 1)), max(0, min(self.x + dx, self.columns - 1))
        elif kind in "JK":
            self.cells[self.y][self.x:] = [" "] * (self.columns - self.x)
            if kind == "J":
                for row in self.cells[self.y + 1:]:
                    row[:] = [" "] * self.columns

    def put(self, c):
        if c == "\r":
            self.x = 0
        elif c == "\b":
            self.x = max(0, self.x - 1)
        elif c == "\n":
            if self.y == self.lines - 1:
                self.cells = self.cells[1:] + [[" "] * self.columns]
            else:
                self.y += 1
        elif c == "\t":
            self.x = min(self.columns - 1, self.x // 8 * 8 + 8)
        elif c >= " ":
            self.cells[self.y][self.x] = c
            self.x = min(self.columns - 1, self.x + 1)

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells)


def size_of(text):
    return tuple(int(n) for n in text.split("x"))


def main():
    end = sys.argv.index("--")
    (columns, lines), steps, command = size_of(sys.argv[1]), sys.argv[2:end], sys.argv[end + 1:]
    screen = Screen(columns, lines)
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "vt52"
        os.environ.setdefault("LC_ALL", "C.UTF-8")
        time.sleep(0.1)
        os.execvp(command[0], command)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(seconds):
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            if left < 0 or not select.select([fd], [], [], left)[0]:
                return True
            try:
                data = os.read(fd, 65536)
            except OSError:
                return False
            if not data:
                return False
            screen.take(data)

    def wait(condition, what):
        until = time.monotonic() + 20
        while not condition():
            if time.monotonic() > until or not read(0.1) and not condition():
                print("no %s on the screen:\n%s" % (what, screen.text()))
                os.kill(pid, signal.SIGKILL)
                sys.exit(99)

    for step in steps:
        name, _, value = step.partition("=")
        if name == "wait":
            wait(lambda: re.search(value, screen.text()), value)
        elif name == "gone":
            wait(lambda: not re.search(value, screen.text()), "end of " + value)
        elif name == "keys":
            for key in re.findall("<[a-z]+>|.", value, re.S):
                os.write(fd, KEYS.get(key, key).encode())
                read(0.2)
        elif name == "show":
            read(0.5)
            print(screen.text())
        elif name == "interrupt":
            os.write(fd, b"\x03")
        elif name == "end":
            while read(1):
                pass
    until = time.monotonic() + 20
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            sys.exit(os.waitstatus_to_exitcode(status) % 256)
        if not read(0.1):
            time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    print("it does not end")
    sys.exit(98)


main()
