"""What the pages of the own account share: their navigation, and words for what is stored."""

from dataclasses import dataclass
from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from pilots import user_agents
from pilots.checks import has_provider
from pilots.memberships import last_used
from pilots.models import Membership, Pilot
from pilots.sign_in import second_factor

register = template.Library()
# Below an organization, as every page; what is set there is the pilot's in each.
OWN_PAGES = {
    "Profile": "profile",
    "Display": "settings_display",
    "Keys": "settings_keys",
    "Duty and quiet": "settings_duty",
    "Notifications": "settings_notifications",
    "Devices": "settings_devices",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation; it stands for every page whose name begins so."""

    name: str
    address: str
    pages: tuple[str, ...]
    is_here: bool


@register.inclusion_tag("account/_nav.html", takes_context=True)
def account_nav(context: dict[str, Any]) -> dict[str, Any]:
    request: HttpRequest = context["request"]
    pilot = request.user
    if not isinstance(pilot, Pilot):
        return {"places": []}
    return {"places": [_place(request, *entry) for entry in _entries(request, pilot)]}


@register.simple_tag
def factor_lacking_for(pilot: Any) -> list[Membership]:
    """The memberships that open nothing until the pilot has a second factor."""
    if not isinstance(pilot, Pilot) or second_factor.is_enrolled(pilot):
        return []
    return second_factor.asked_for_by(pilot)


@register.filter
def browser(user_agent: str) -> str:
    return user_agents.family(user_agent)


@register.filter
def by_fours(text: str) -> str:
    """As a person reads a long number out."""
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _entries(request: HttpRequest, pilot: Pilot) -> list[tuple[str, str, tuple[str, ...]]]:
    membership = last_used(pilot, request.session)
    entries: list[tuple[str, str, tuple[str, ...]]] = []
    if membership is not None:
        entries += [
            (label, reverse(name, args=[membership.organization.slug]), (name,)) for label, name in OWN_PAGES.items()
        ]
    if settings.LOCAL_ACCOUNTS and pilot.has_usable_password():
        entries.append(("Password", reverse("account_change_password"), ("account_change_password",)))
    entries.append(("Second factor", reverse("mfa_index"), ("mfa_",)))
    entries.append(("Sessions", reverse("usersessions_list"), ("usersessions_",)))
    if has_provider():
        entries.append(("Connected accounts", reverse("socialaccount_connections"), ("socialaccount_",)))
    return entries


def _place(request: HttpRequest, name: str, address: str, pages: tuple[str, ...]) -> Place:
    here = (request.resolver_match.url_name if request.resolver_match else None) or ""
    return Place(name, address, pages, here.startswith(pages))
