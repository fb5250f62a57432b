# needs: lightgbm
import lightgbm as lgb, numpy as np
x = np.random.RandomState(1).rand(500, 5)
m = lgb.train({"objective": "regression", "verbose": -1, "num_threads": 2, "deterministic": True, "seed": 1}, lgb.Dataset(x, x[:, 0]), 20)
print(m.num_trees(), round(float(np.abs(m.predict(x) - x[:, 0]).mean()), 3))
