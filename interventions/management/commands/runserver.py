"""`runserver` as daphne has it, so that sockets are served too.

daphne is none of the installed apps: as one of them it brings its network library into every command.
"""

from daphne.management.commands.runserver import Command

__all__ = ["Command"]
