"""The JSON of a pilot."""

from datetime import UTC, datetime
from typing import Any

from pilots.models import Membership, Pilot


def pilot(row: Pilot, membership: Membership | None) -> dict[str, Any]:
    """The pilot as docs/api.md has it; `organization` and `role` are null for one who is in none."""
    return {
        "pilot_id": row.pilot_id,
        "name": row.name,
        "email": row.email,
        "role": membership.role if membership else None,
        "last_login": moment(row.last_login),
        "oauth_provider": row.oauth_provider,
        "oauth_id": row.oauth_id,
        "organization": membership.organization.slug if membership else None,
        "timezone": row.timezone or "UTC",
        "expertise_tags": row.expertise_tags,
        "working_hours": row.working_hours,
        "on_duty": row.on_duty,
        "notifications": row.notifications,
    }


def moment(value: datetime | None) -> str | None:
    """ISO 8601 in UTC with `Z`; None stays None."""
    return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
