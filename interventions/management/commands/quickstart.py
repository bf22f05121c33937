"""manage.py quickstart: what `make run` starts."""

import logging
import os
import sys
from typing import Any

from django.core.management.base import CommandError

from interventions.trial import NotPossible, Trial
from pilots.management.command import HouseCommand


class Command(HouseCommand):
    help = (
        "Set up everything for a trial on this machine and serve on http://127.0.0.1:8000 (PORT), with demo data and "
        "simulated agents, until Ctrl-C. The data is kept under var/ unless DATABASE_URL says otherwise."
    )
    example = "quickstart"

    def run(self, **_options: Any) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)
        try:
            code = Trial(_port(os.environ.get("PORT") or "8000"), self._say).run()
        except NotPossible as reason:
            raise CommandError(str(reason)) from None
        if code:
            sys.exit(code)

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise CommandError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)
