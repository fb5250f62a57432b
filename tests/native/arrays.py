"""Calls numpy's C code, to compare walks and to check its stacks."""
import numpy as np


def zeros():
    return np.zeros(9000001, dtype=np.uint8)


def add(a):
    return a + a


def svd(a):
    return np.linalg.svd(a)


zeros()
add(np.ones(1000003))
a = np.random.rand(300, 300)
svd(a)
for i in range(3):
    np.sort(a @ a, axis=0)
    np.fft.fft(a)
    np.argsort(a.ravel())
