"""Rows through JSON and a pandas frame into pictures of matplotlib; part of it is kept."""
import json, threading, io
import numpy as np
import pandas as pd
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt

def load(n):
    text = json.dumps([{"id": i, "name": f"name {i}", "values": list(range(i % 20))} for i in range(n)])
    return json.loads(text)

def frame(rows):
    df = pd.DataFrame(rows)
    df["n"] = df["values"].map(len)
    return df.groupby("n").agg({"id": ["sum", "mean"]})

def draw(table):
    fig, ax = plt.subplots(figsize=(8, 6))
    x = np.linspace(0, 10, 200000)
    ax.plot(x, np.sin(x))
    ax.imshow(np.random.rand(400, 400))
    out = io.BytesIO()
    fig.savefig(out, format="png")
    return out.getvalue()

def main():
    rows = load(60000)
    table = frame(rows)
    pics = [draw(table) for _ in range(3)]
    keep.append(rows[:1000])
    cache = [np.ones(100000) for _ in range(20)]
    del rows
    big = np.arange(4_000_000).astype(float)
    big.sort()
    return len(pics), len(cache)

keep = []
if __name__ == "__main__":
    print(main())
