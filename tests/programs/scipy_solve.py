# needs: scipy
# holds: 8000000 in hold
import numpy as np
from scipy import optimize, sparse
from scipy.sparse import linalg
def hold():
    return np.zeros((1000, 1000)) + 1
m = hold()
d = sparse.diags([1.0, 4.0, 1.0], [-1, 0, 1], shape=(500, 500), format="csc")
print(m.sum(), round(linalg.spsolve(d, np.ones(500)).sum(), 6), round(optimize.brentq(lambda x: x**3 - 2, 0, 2), 9))
