"""manage.py create_api_key: makes an agent's key and prints it, alone, on standard output."""

from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from pilots import actions, api_keys
from pilots.errors import InvalidInput
from pilots.limits import TYPES, Limits
from pilots.management.command import HouseCommand

MAX_DAYS = 3650


class Command(HouseCommand):
    help = "Make an API key and print it, once: it is not kept. The same name again is refused; see rotate_api_key."
    example = (
        "create_api_key --org acme --name invoices --scopes interventions:read,interventions:write\n"
        "create_api_key --org acme --name orders --scopes interventions:read --uow-prefix order- --expires-in-days 90"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--org", required=True, metavar="SLUG")
        parser.add_argument("--name", required=True, help="events name the agent by it: key:NAME")
        parser.add_argument("--scopes", required=True, help=f"with commas: {','.join(api_keys.SCOPES)}")
        parser.add_argument(
            "--uow-prefix", default="", metavar="PREFIX", help="sees and asks only where uow_id begins so"
        )
        parser.add_argument("--types", default="", help=f"sees and asks only for these, with commas: {','.join(TYPES)}")
        parser.add_argument("--expires-in-days", type=int, metavar="N", help="without it the key never expires")

    def run(self, **options: Any) -> None:
        organization = actions.organization_of(options["org"])
        limits = Limits(options["uow_prefix"], frozenset(_listed(options["types"])))
        expires_at = _moment(options["expires_in_days"])
        _, key = api_keys.make(organization, options["name"], _listed(options["scopes"]), expires_at, limits=limits)
        self.stdout.write(key)


def _listed(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _moment(days: int | None) -> datetime | None:
    if days is None:
        return None
    if not 1 <= days <= MAX_DAYS:
        raise InvalidInput.field("expires-in-days", f"must be from 1 to {MAX_DAYS}")
    return timezone.now() + timedelta(days=days)
