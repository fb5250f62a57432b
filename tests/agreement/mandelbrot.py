"""The Mandelbrot set with numpy: arrays of complex numbers, masks, and their temporaries."""
import numpy


def grid(width, height):
    x = numpy.linspace(-2.25, 0.75, width)
    y = numpy.linspace(-1.25, 1.25, height)
    return x + y[:, None] * 1j


def mandelbrot(c, rounds, horizon=2.0):
    count = numpy.zeros(c.shape, dtype=int)
    z = numpy.zeros(c.shape, numpy.complex128)
    for n in range(rounds):
        near = numpy.less(abs(z), horizon)
        count[near] = n
        z[near] = z[near] ** 2 + c[near]
    count[count == rounds - 1] = 0
    return z, count


def shade(z, count, horizon=2.0):
    with numpy.errstate(invalid="ignore", divide="ignore"):
        smooth = numpy.nan_to_num(count + 1 - numpy.log2(numpy.log(abs(z))) + numpy.log2(numpy.log(horizon)))
    return numpy.histogram(smooth, bins=64)


image = mandelbrot(grid(600, 500), 40)
print(shade(*image)[0][:4])
