"""An ASGI service. It starts a task for each request, and keeps them all: no one takes a finished task out of the set."""
import asyncio

tasks = set()


async def fetch(path):
    await asyncio.sleep(.01)
    return path.encode() * 1_000


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    tasks.add(asyncio.create_task(fetch(scope["path"])))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"started\n"})
