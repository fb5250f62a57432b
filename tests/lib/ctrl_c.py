#!/usr/bin/env python3
"""Press Ctrl-C while commands run in a terminal: ctrl_c.py [--feed FILE] [--when-said TEXT] TIMES NAME COMMAND...

The shell COMMAND is the foreground process group of a terminal of its own; its standard output and error are ours, its
standard input is the terminal, or with --feed a pipe that gets half of FILE before Ctrl-C and the rest after it.
Ctrl-C is pressed (TIMES times, each after the last one has been received) once the process NAME in it waits for
input; with --when-said, not before our standard error, which must be a file, contains TEXT.
Exit status: the command's, 128 + N for a signal; 99 if it ended before Ctrl-C.
"""
import argparse
import fcntl
import os
import signal
import subprocess
import sys
import termios
import time

parser = argparse.ArgumentParser()
parser.add_argument("--feed")
parser.add_argument("--when-said", default="")
parser.add_argument("times", type=int)
parser.add_argument("name")
parser.add_argument("command")
args = parser.parse_args()

signal.alarm(120)
terminal, slave = os.openpty()
source, sink = os.pipe() if args.feed else (slave, None)
data = open(args.feed, "rb").read() if args.feed else b""


def lead_terminal():
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)    # those who run the tests in the background may ignore it


def write(some):
    try:
        while some:
            some = some[os.write(sink, some):]
    except BrokenPipeError:
        pass


def status_of(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def processes():
    """The status of each live process of that name in the terminal."""
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.getsid(int(entry)) == child.pid:
                status = status_of(entry)
                if status["Name"] == args.name and not status["State"].startswith("Z"):
                    yield status
        except (ProcessLookupError, FileNotFoundError):
            pass


def is_waiting():
    said = not args.when_said or args.when_said in open("/proc/self/fd/2").read()
    return said and any(p["State"].startswith("S") for p in processes())


def has_taken():
    """Whether no SIGINT is pending for it, or it has ended."""
    return not any(int(p["ShdPnd"], 16) >> (signal.SIGINT - 1) & 1 for p in processes())


def until(condition):
    while not condition():
        if child.poll() is not None:
            print(f"ctrl_c.py: the command has ended ({child.returncode})", file=sys.stderr)
            sys.exit(99)
        time.sleep(0.01)


child = subprocess.Popen(["bash", "-c", args.command], stdin=source, preexec_fn=lead_terminal, pass_fds=[slave])
if args.feed:
    os.close(source)
    write(data[:len(data) // 2])
for _ in range(args.times):
    until(is_waiting)
    os.write(terminal, b"\x03")
    os.read(terminal, 2)    # "^C": the signal is sent before it is echoed
    while not has_taken():
        time.sleep(0.01)
if args.feed:
    if args.times < 2:
        write(data[len(data) // 2:])
    os.close(sink)
status = child.wait()
sys.exit(status if status >= 0 else 128 - status)
