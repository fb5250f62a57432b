# needs: scikit-learn
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
x, y = make_classification(500, random_state=1)
print(RandomForestClassifier(20, random_state=1, n_jobs=2).fit(x, y).score(x, y))
