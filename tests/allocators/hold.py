"""hold.py NAME: holds a structure of the library, and prints the number of its bytes by the library's own account.

The data is made in make(), or by threads of the library.
"""
import sys

ROWS = 4_000_000


def numpy_array():
    import numpy
    data = yield
    data += [numpy.arange(ROWS), numpy.ones((ROWS // 4, 4), numpy.float32), numpy.zeros(ROWS).astype("S8")]
    yield sum(a.nbytes for a in data)


def pandas_frame():
    import numpy
    import pandas
    pandas.DataFrame({"a": numpy.arange(2) / 3}) * 2    # imports what it needs
    data = yield
    data.append(pandas.DataFrame({"a": numpy.arange(ROWS), "b": numpy.arange(ROWS) / 3}))
    data.append(data[0] * 2)
    yield sum(int(d.memory_usage(index=False).sum()) for d in data)


def pyarrow_table():
    import numpy
    import pyarrow
    import pyarrow.compute
    data = yield
    data.append(pyarrow.array(numpy.arange(ROWS)).cast(pyarrow.float64()))
    data.append(pyarrow.compute.add(data[0], 1.5))
    data.append(data[0].cast(pyarrow.string()))
    yield pyarrow.total_allocated_bytes()


def polars_frame():
    import polars
    data = yield
    data.append(polars.DataFrame({"a": polars.int_range(0, ROWS, eager=True)}))
    data.append(data[0].select((polars.col("a") * 2.5).alias("b"), (polars.col("a") + 1).alias("c")))
    yield sum(d.estimated_size() for d in data)


def make(program, data):
    return program.send(data)


program = globals()[sys.argv[1]]()
next(program)
data = []
print(make(program, data))
