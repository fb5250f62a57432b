# needs: uvicorn
import asyncio, uvicorn
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * 100})
async def main():
    s = uvicorn.Server(uvicorn.Config(app, uds="u.sock", log_level="critical", lifespan="off"))
    t = asyncio.create_task(s.serve())
    while not s.started:
        await asyncio.sleep(0.05)
    r, w = await asyncio.open_unix_connection("u.sock")
    w.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    print((await r.read()).endswith(b"x" * 100))
    w.close()
    s.should_exit = True
    await t
asyncio.run(main())
