"""The Mandelbrot set by numpy's scalars, point by point, drawn by matplotlib without a display.

usage: mandelbrot.py [SIZE [ITERATIONS [PICTURE]]]        (1000, 120, none: drawn and discarded)
"""
import io
import sys

import numpy as np

def escape(c, iterations):
    z = c
    for n in range(iterations):
        if abs(z) > 2:
            return n
        z = z * z + c
    return iterations

def mandelbrot(size, iterations):
    xs = np.linspace(-2.0, 0.5, size)
    ys = np.linspace(-1.25, 1.25, size)
    image = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            image[j, i] = escape(xs[i] + 1j * ys[j], iterations)
    return image

def show(image, picture):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    plt.imshow(image, cmap="magma", extent=(-2.0, 0.5, -1.25, 1.25))
    plt.savefig(picture)

if __name__ == "__main__":
    size, iterations = (int(a) for a in (sys.argv[1:3] + ["1000", "120"][len(sys.argv[1:3]):]))
    show(mandelbrot(size, iterations), sys.argv[3] if len(sys.argv) > 3 else io.BytesIO())
