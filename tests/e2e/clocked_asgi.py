"""The application under a clock that a test moves: the file CLOCK_FILE says by how many seconds it is ahead.

Only a test starts a server with it. The file is looked at before each request, so that the next one after a move is
already in its time.
"""

import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import time_machine

from chameleon.asgi import application as product
from pilots import database, tokens

FILE = Path(os.environ["CLOCK_FILE"])


class Clock:
    ahead = 0.0
    moved: time_machine.travel | None = None

    def follow(self) -> None:
        ahead = float(FILE.read_text() or 0) if FILE.exists() else 0.0
        if ahead == self.ahead:
            return
        if self.moved is not None:
            self.moved.stop()
        self.ahead = ahead
        self.moved = time_machine.travel(time.time() + ahead, tick=True)
        self.moved.start()


clock = Clock()
# PostgreSQL's own clock cannot be moved.
database.now = tokens.shared_now = lambda: datetime.now(UTC)


async def application(
    scope: MutableMapping[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    clock.follow()
    await product(scope, receive, send)
