# needs: fastapi httpx
from fastapi import FastAPI
from fastapi.testclient import TestClient
app = FastAPI()
@app.get("/{n}")
async def get(n: int):
    return {"n": n * 2}
c = TestClient(app)
print(sum(c.get("/%d" % i).json()["n"] for i in range(30)), c.get("/x").status_code)
