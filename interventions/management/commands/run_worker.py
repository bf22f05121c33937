"""manage.py run_worker: does the background work until it is told to stop."""

import logging
import signal
from types import FrameType
from typing import Any

from interventions.live import broadcast
from interventions.worker import Worker
from pilots.management.command import HouseCommand

logger = logging.getLogger(__name__)


class Command(HouseCommand):
    help = (
        "Expire requests on time, give back lapsed claims and forget old records, until SIGTERM or SIGINT. "
        "Several may run. Without REDIS_URL the server does this itself."
    )
    example = "run_worker"

    def run(self, **_options: Any) -> None:
        worker = Worker()

        def stop(_number: int, _frame: FrameType | None) -> None:
            worker.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        broadcast.start_publisher()
        logger.info("the worker has started")
        worker.run()
