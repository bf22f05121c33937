"""The product, collecting its garbage when it is sent SIGUSR1: what an open socket holds shows only then."""

import gc
import signal

from chameleon.asgi import application

__all__ = ["application"]

signal.signal(signal.SIGUSR1, lambda *_: gc.collect())
