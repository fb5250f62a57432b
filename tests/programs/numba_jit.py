# needs: numba
import numba, numpy as np
@numba.njit
def f(n):
    s = 0
    for i in range(n):
        a = np.ones(100)
        s += int(a[i % 100]) + i
    return s
print(f(10_000))
