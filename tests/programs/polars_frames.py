# needs: polars
import polars as pl
f = pl.DataFrame({"a": range(100_000)}).with_columns((pl.col("a") % 7).alias("k"))
print(f.group_by("k").agg(pl.col("a").sum()).sort("k").to_dict(as_series=False))
