"""The pilot's own page: who they are here, what they know about, and where the rest of their account is set up."""

from typing import Any

from django.http import QueryDict

from interventions.lanes import tags_offered
from interventions.views.own_form import Form, own_page
from pilots import expertise
from pilots.caller import Caller
from pilots.memberships import memberships_of
from pilots.models import Pilot
from pilots.sign_in import second_factor

# Whatever is longer is not worth showing whole where it is refused.
_MOST_TYPED = 1000


def _read(posted: QueryDict, pilot: Pilot) -> dict[str, Any]:
    """Only what was sent. Those ticked stay as they are, what was typed besides is taken apart at its commas."""
    changes: dict[str, Any] = {}
    name = posted.get("name", "").strip()
    if "name" in posted and name != pilot.name:
        changes["name"] = name
    if "tags_added" in posted:
        changes["expertise_tags"] = _tags(posted)
    return changes


def _tags(posted: QueryDict) -> list[str]:
    return expertise.each_once([*posted.getlist("tag"), *expertise.typed(posted.get("tags_added", ""))])


def _shows(pilot: Pilot, caller: Caller) -> dict[str, Any]:
    return {
        "name": pilot.name,
        "tags": dict.fromkeys(expertise.of(pilot), True),
        "tags_added": "",
        "tags_offered": tags_offered(caller),
        "memberships": memberships_of(pilot),
        "has_factor": second_factor.is_enrolled(pilot),
    }


def _typed(posted: QueryDict) -> dict[str, Any]:
    return {
        "name": posted.get("name", "")[:_MOST_TYPED],
        "tags": dict.fromkeys([tag[:_MOST_TYPED] for tag in posted.getlist("tag")[: expertise.MAX_TAGS]], True),
        "tags_added": posted.get("tags_added", "")[:_MOST_TYPED],
    }


def _field(name: str) -> str:
    """`expertise_tags` of expertise_tags.3."""
    return name.partition(".")[0]


profile = own_page(Form("profile", _read, _shows, _typed, _field))
