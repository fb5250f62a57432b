# needs: msgpack
import msgpack
d = [{"a": i, "b": [i] * 5} for i in range(20_000)]
print(msgpack.unpackb(msgpack.packb(d)) == d)
