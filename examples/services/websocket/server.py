"""A websocket server. A connection refers to itself, so only the collector of cycles frees it, and that runs seldom."""
import asyncio
import gc
import sys

import websockets

gc.set_threshold(100_000, 1_000, 1_000)
served = 0


class Session:
    def __init__(self, socket):
        self.socket = socket
        self.answer = self.echo         # a bound method: the cycle
        self.buffer = bytearray(50_000)

    async def echo(self, text):
        await self.socket.send(text)


async def serve(socket):
    global served
    session = Session(socket)
    async for text in socket:
        await session.answer(text)
    served += 1
    if served % 60 == 0:                # "it helps to call this now and then"
        gc.collect()


async def main():
    async with websockets.serve(serve, "127.0.0.1", int(sys.argv[1])):
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
