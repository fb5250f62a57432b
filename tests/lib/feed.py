#!/usr/bin/env python3
"""Copy standard input to standard output in writes of N bytes: feed.py N"""
import os
import sys

data, n = sys.stdin.buffer.read(), int(sys.argv[1])
for i in range(0, len(data), n):
    os.write(1, data[i:i + n])
