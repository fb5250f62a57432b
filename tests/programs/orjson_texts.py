# needs: orjson
import orjson
d = [{"a": i, "b": "x" * (i % 50)} for i in range(20_000)]
print(orjson.loads(orjson.dumps(d)) == d, len(orjson.dumps(d)))
