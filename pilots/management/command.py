"""What every command of ours shares: an example in its help, and refusals in one line that say what to do."""

import argparse
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.db import InterfaceError, OperationalError, ProgrammingError

from pilots.errors import DomainError


class _HelpFormatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Leaves the lines of an example as they are."""


class HouseCommand(BaseCommand):
    """Subclasses write `run`, the one call of the domain, and `example`, a line that works when copied."""

    example: ClassVar[str] = ""
    # Checks ask the database in their own way, with a traceback where it does not answer.
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        lines = "".join(f"\n  {self._typed(line)}" for line in self.example.splitlines())
        kwargs = {"epilog": f"Example:{lines}", "formatter_class": _HelpFormatter} | kwargs
        return super().create_parser(prog_name, subcommand, **kwargs)

    @staticmethod
    def _typed(line: str) -> str:
        return line if "manage.py" in line else f"manage.py {line}"

    def run(self, **options: Any) -> None:
        raise NotImplementedError

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            self.run(**options)
        except DomainError as error:
            raise CommandError(error.detail) from error
        except (OperationalError, InterfaceError, ProgrammingError) as error:
            raise CommandError(_explained(error)) from error


def _explained(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "no such table" in text or "does not exist" in text or "no such column" in text:
        return f"The database is not up to date ({text}): run manage.py migrate."
    if "is full" in text or "No space left" in text:
        return f"There is no room left ({text}): make some, and run it again; what was committed before stays."
    return f"The database does not answer ({text}): see DATABASE_URL, and manage.py doctor."
