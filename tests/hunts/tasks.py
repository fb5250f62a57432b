# Tasks that are done stay in the set, with their results.
import asyncio
TASKS = set()
async def fetch(i):
    return bytes(10_000)
async def main():
    for i in range(100):
        TASKS.add(asyncio.create_task(fetch(i)))
    await asyncio.sleep(0.1)
    await asyncio.sleep(0.1)
asyncio.run(main())
