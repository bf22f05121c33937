"""Which organizations a command is about: the one named, else all."""

from django.core.management.base import CommandParser

from pilots import actions
from pilots.models import Organization


def add_argument(parser: CommandParser) -> None:
    parser.add_argument("--org", metavar="SLUG", help="only this organization; default: all")


def chosen(slug: str | None) -> list[Organization]:
    return [actions.organization_of(slug)] if slug else list(Organization.objects.all())


def with_installation(slug: str | None) -> list[Organization | None]:
    """The one named; else all, and None for what belongs to the installation itself."""
    return [*chosen(slug), *([] if slug else [None])]
