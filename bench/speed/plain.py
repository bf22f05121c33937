"""The floor under a fan-out: a bare `websockets` server that sends each text it is sent to everybody else.

python -m bench.speed.plain PORT
"""

import asyncio
import gc
import signal
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve

MAX_BYTES = 1 << 20
_open: set[ServerConnection] = set()


async def hold(connection: ServerConnection) -> None:
    _open.add(connection)
    try:
        async for text in connection:
            broadcast(_open - {connection}, text)
    finally:
        _open.discard(connection)


async def main(port: int) -> None:
    # As the servers beside it: uvicorn and daphne compress only for who offers it, and the clients here do not.
    async with serve(hold, "127.0.0.1", port, max_size=MAX_BYTES, backlog=2048):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, lambda *_: gc.collect())
    asyncio.run(main(int(sys.argv[1])))
