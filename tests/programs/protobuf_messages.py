# needs: protobuf
from google.protobuf import struct_pb2, json_format
s = struct_pb2.Struct()
s.update({"a": [1, 2, 3], "b": {"c": "x" * 1000}})
t = struct_pb2.Struct.FromString(s.SerializeToString())
print(t == s, len(json_format.MessageToJson(t)))
