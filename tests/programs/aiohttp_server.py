# needs: aiohttp
import asyncio, aiohttp
from aiohttp import web
async def main():
    app = web.Application()
    app.router.add_get("/{n}", lambda r: asyncio.sleep(0, web.json_response({"n": int(r.match_info["n"])})))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as s:
        async def get(i):
            async with s.get("http://127.0.0.1:%d/%d" % (port, i)) as r:
                return (await r.json())["n"]
        print(sum(await asyncio.gather(*map(get, range(100)))))
    await runner.cleanup()
asyncio.run(main())
