"""How a command gets a password: one line of standard input, or a question at the terminal."""

import getpass
import sys

from django.core.management.base import CommandError

from pilots.strict_json import check_text


def from_stdin() -> str:
    """The first line; its line break is not part of the password."""
    password = sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    if not password:
        raise CommandError("No password came on standard input: send it as one line.")
    check_text(password)
    return password


def ask() -> str:
    """Asked twice at a terminal; where there is none, the first line of standard input."""
    if not sys.stdin.isatty():
        return from_stdin()
    password = getpass.getpass("New password: ")
    if password != getpass.getpass("Once more: "):
        raise CommandError("The two are not the same; nothing was changed.")
    if not password:
        raise CommandError("An empty password is none; nothing was changed.")
    return password
