# needs: numpy
# holds: 8000000 in hold
import numpy as np
def hold():
    return np.ones(1_000_000)
a = hold()
print(a.sum(), np.linalg.det(np.eye(50) * 2) == 2.0**50, np.fft.fft(a[:1024])[0].real)
