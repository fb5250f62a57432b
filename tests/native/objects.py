"""Calls the standard library's C modules, to compare walks."""
import json
import re
import sqlite3

json.loads(json.dumps([{"a": i, "b": [str(i)] * 3} for i in range(500)]))
re.compile(r"(a|b)*c[0-9]+(?P<x>\w+)").findall("abac12xx " * 100)
db = sqlite3.connect(":memory:")
db.create_function("f", 1, lambda x: [x] * 3 and x * 2)
db.execute("create table t(a, b)")
db.executemany("insert into t values(?, ?)", [(i, str(i)) for i in range(500)])
print(len(db.execute("select f(a), b from t order by b desc").fetchall()))
