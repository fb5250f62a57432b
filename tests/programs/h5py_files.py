# needs: h5py
import h5py, numpy as np
with h5py.File("t.h5", "w") as f:
    f.create_dataset("a", data=np.arange(100_000), compression="gzip")
with h5py.File("t.h5") as f:
    print(f["a"][:].sum(), f["a"].chunks)
