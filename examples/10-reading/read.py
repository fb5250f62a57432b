"""Events are dictionaries; a summary is what memsummary says."""
import sys

import memrec

large = [e["size"] for e in memrec.read(sys.argv[1]) if e["event"] == "alloc" and e["size"] >= 1_000_000]
print(len([size for size in large if size == 1_000_033]), "blocks of 1,000,033 B")
rows = memrec.table(sys.argv[1], [["memgrep", "--min-size", "1000000", "--max-size", "1000100"]])
print(sum(row["size"] for row in rows), "B in all")
