"""Many open pages in a process of their own, so that reading for them does not delay the clients that take the time.

Reads one line of JSON – `port`, `path`, `headers`, `number` –, says "open" when all are open, and after the next line
how many were closed meanwhile.
"""

import asyncio
import sys

import orjson

from bench.speed.wire import Listener, close_all, open_all


async def main() -> None:
    given = orjson.loads(sys.stdin.readline())
    pages = [Listener(given["path"], given["headers"]) for _ in range(given["number"])]
    await open_all(given["port"], pages)
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print(sum(1 for each in pages if each.closed), flush=True)
    close_all(pages)


if __name__ == "__main__":
    asyncio.run(main())
