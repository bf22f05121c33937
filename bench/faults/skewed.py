"""The application on a server whose clock is off by CLOCK_SKEW seconds; only faults start it."""

import os
import time

import time_machine

time_machine.travel(time.time() + float(os.environ["CLOCK_SKEW"]), tick=True).start()

from chameleon.asgi import application  # noqa: E402 -- everything it does is to be in the wrong time

__all__ = ["application"]
