# needs: pyarrow
import pyarrow as pa, pyarrow.compute as pc
t = pa.table({"a": list(range(100_000)), "b": ["x%d" % (i % 10) for i in range(100_000)]})
print(t.num_rows, t.group_by("b").aggregate([("a", "sum")]).sort_by("b").to_pydict(), pc.sum(t["a"]))
