"""How does the live part ask the database without holding a thread or a connection while it waits?"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from channels.db import database_sync_to_async

from pilots.tenancy import acting_in

# Its own few threads: the loop's default ones also resolve host names, and Channels would run everything in one.
THREADS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="live-database")


async def in_thread[**Arguments, Result](
    function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """Runs a function that uses the database; its connection is given back when it returns."""
    asked = database_sync_to_async(function, thread_sensitive=False, executor=THREADS)
    return await asked(*args, **kwargs)


async def in_organization[**Arguments, Result](
    organization_id: int, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """The same, for somebody of this organization: the function sees no other."""
    # The context goes with it into the thread.
    with acting_in(organization_id):
        return await in_thread(function, *args, **kwargs)
