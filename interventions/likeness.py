"""When are two records of one request alike, whichever store or program keeps them?"""

from typing import Any

# What a request is to whoever reads it; names of attributes.
FIELDS = (
    "request_id",
    "uow_id",
    "intervention_type",
    "status",
    "priority",
    "title",
    "description",
    "context",
    "created_at",
    "expires_at",
    "updated_at",
    "required_role",
    "assigned_to",
    "action_reason",
    "action_timestamp",
)
# Two stores are never asked at the same moment: of these only whether there is one can be held against another's.
MOMENTS = ("created_at", "expires_at", "updated_at", "action_timestamp")


def differing(one: object, other: object) -> dict[str, tuple[Any, Any]]:
    """The fields in which the two are not alike, with both values; of moments only whether there is one counts.

    Both are of one kind: two rows, or two requests as a store gives them out.
    """
    pairs = {name: (getattr(one, name), getattr(other, name)) for name in FIELDS}
    pairs |= {name: (pairs[name][0] is not None, pairs[name][1] is not None) for name in MOMENTS}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
