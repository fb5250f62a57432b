# needs: pydantic
from pydantic import BaseModel, ValidationError
class M(BaseModel):
    a: int
    b: list[str]
m = [M.model_validate({"a": str(i), "b": ["x"] * 5}) for i in range(2000)]
try:
    M.model_validate({"a": "z"})
except ValidationError as e:
    print(e.error_count())
print(sum(x.a for x in m), len(m[5].model_dump_json()))
