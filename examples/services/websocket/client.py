"""Connects 40 times a second and says hello."""
import asyncio
import sys

import websockets


async def main(url):
    while True:
        try:
            async with websockets.connect(url) as socket:
                await socket.send("hello")
                await socket.recv()
            print("the service answers", flush=True)
        except OSError:
            pass
        await asyncio.sleep(.025)


asyncio.run(main(sys.argv[1]))
