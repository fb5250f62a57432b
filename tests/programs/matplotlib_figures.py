# needs: matplotlib
import io, matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
f, ax = plt.subplots()
ax.plot(range(100))
b = io.BytesIO()
f.savefig(b, format="raw")
print(len(b.getvalue()))
