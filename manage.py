#!/usr/bin/env python
"""Runs Chameleon's administrative commands."""

import os
import sys

from django.core.management import execute_from_command_line
from environs import EnvError

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chameleon.settings")
    if sys.argv[1:2] == ["quickstart"]:
        # A trial on one's own machine, on 127.0.0.1 only: it needs no settings of anybody's.
        os.environ.setdefault("DEBUG", "1")
    try:
        execute_from_command_line(sys.argv)
    except EnvError as error:
        sys.exit(f"{error}: set it as docs/operations.md says, or DEBUG=1 for a trial on your own machine.")
