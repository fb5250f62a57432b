"""102,400 objects of 73 bytes, which Python's own allocator serves."""


def make_points(n):
    for i in range(n):
        points[i] = bytes(40)


points = [None] * 102_400
make_points(102_400)
