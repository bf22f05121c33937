"""The HTML of a card, a tombstone, a timeline entry and the tiles: one rendering for pages, htmx and sockets.

A fragment states facts only. What depends on the reader (their role, "you", their clock) is added in the browser, so
that one rendering serves every console of an organization.
"""

from typing import Any

from django.template.loader import render_to_string

from interventions.figures import figures_of
from interventions.lifecycle import OPEN

type JSON = dict[str, Any]


def event_fragments(event: JSON, intervention: JSON) -> dict[str, str]:
    """What an event changes on open pages: `card` or `tombstone`, and `entry`. Both arguments are as on the wire."""
    state = "card" if intervention["status"] in OPEN else "tombstone"
    return {
        state: render_to_string(f"interventions/_{state}.html", {"item": intervention}),
        "entry": render_to_string("interventions/_entry.html", {"item": intervention, "event": event}),
    }


def tiles(organization_id: int) -> str:
    """The tiles above the queue, as they are now."""
    return render_to_string("interventions/_tiles.html", {"figures": figures_of(organization_id)})
