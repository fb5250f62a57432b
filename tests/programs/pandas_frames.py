# needs: pandas
# holds: 16000000 in hold
import io, numpy as np, pandas as pd
def hold():
    return np.arange(2_000_000)
f = pd.DataFrame({"a": hold(), "b": 1.5})
print(f.groupby(f.a % 7).b.sum().to_dict(), len(pd.read_csv(io.StringIO(f[:1000].to_csv()))))
