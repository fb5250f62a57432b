# needs: uvloop
import asyncio, uvloop
async def main():
    async def echo(r, w):
        w.write((await r.readline()).upper())
        w.close()
    s = await asyncio.start_server(echo, "127.0.0.1", 0)
    async def ask(i):
        r, w = await asyncio.open_connection(*s.sockets[0].getsockname())
        w.write(b"x%d\n" % i)
        b = await r.read()
        w.close()
        return len(b)
    print(sum(await asyncio.gather(*map(ask, range(200)))))
    p = await asyncio.create_subprocess_exec("echo", "child", stdout=-1)
    print((await p.communicate())[0])
uvloop.run(main())
