"""manage.py list_api_keys: which agents' keys an organization has, what they may, and whether they still work."""

import json
from typing import Any

from django.core.management.base import CommandParser

from pilots import actions, api_keys
from pilots.management.command import HouseCommand
from pilots.models import ApiKey
from pilots.wire import moment


class Command(HouseCommand):
    help = "List an organization's API keys, the replaced, expired and revoked ones too."
    example = "list_api_keys --org acme"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--org", required=True, metavar="SLUG")
        parser.add_argument("--json", action="store_true", help="one JSON document, for programs")

    def run(self, **options: Any) -> None:
        rows = api_keys.all_of(actions.organization_of(options["org"]))
        if options["json"]:
            self.stdout.write(json.dumps([_described(row) for row in rows], indent=2))
            return
        for row in rows:
            limits = api_keys.limits_of(row)
            used = f"last used {moment(row.last_used_at)}" if row.last_used_at else "never used"
            ends = f", until {moment(row.expires_at)}" if row.expires_at else ""
            only = f" · only {limits}" if limits else ""
            self.stdout.write(
                f"{row.name} · {row.key_id} · {api_keys.state(row)}{ends} · {','.join(row.scopes)}{only} · {used}"
            )


def _described(row: ApiKey) -> dict[str, Any]:
    return {
        "name": row.name,
        "key_id": row.key_id,
        "state": api_keys.state(row).value,
        "scopes": row.scopes,
        **api_keys.limits_of(row).as_data(),
        "created_by": row.created_by,
        **{
            name: moment(getattr(row, name))
            for name in ("created_at", "expires_at", "superseded_at", "revoked_at", "last_used_at")
        },
    }
