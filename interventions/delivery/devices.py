"""The only writer of push subscriptions: the browsers on which pilots are told, each as long as its sign-in.

A browser has one endpoint and a pilot may be told of several organizations there: a row for each of them.
"""

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from interventions.delivery import encryption, targets, vapid
from interventions.delivery.errors import TryLater, Undeliverable
from interventions.models import PushSubscription
from pilots import database
from pilots.database import writing
from pilots.errors import InvalidInput, NotFound
from pilots.models import Organization, Pilot
from pilots.roles import Role

MOST = 10


def add(
    pilot: Pilot, organization: Organization, session_key: str, posted: dict[str, str], device: str
) -> PushSubscription:
    """The browser of this sign-in, told from now on. `posted` is what it says of itself: endpoint, p256dh, auth.

    One that is there already takes on what is posted; one of somebody else's, who sat here before, goes.
    """
    _check(posted)
    moment = database.now()
    fields = {
        "pilot": pilot,
        "session_key": session_key,
        "endpoint": posted["endpoint"],
        "p256dh": posted["p256dh"],
        "auth": posted["auth"],
        "server_key": vapid.public_key(),
        "device": device[:100],
        "seen_at": moment,
        "failure": "",
    }
    digest = digest_of(posted["endpoint"])
    with writing():
        _of_others(pilot, digest).delete()
        mine = _of(pilot, organization)
        if mine.exclude(endpoint_digest=digest).count() >= MOST:
            raise InvalidInput(f"You are notified on {MOST} devices already; remove one of them first.")
        row, _ = PushSubscription.objects.for_organization(organization.pk).update_or_create(
            organization=organization,
            endpoint_digest=digest,
            defaults=fields,
            create_defaults=fields | {"created_at": moment},
        )
    return row


def living(pilot: Pilot, organization: Organization) -> list[PushSubscription]:
    """The pilot's devices that are told, the newest first."""
    return list(_of(pilot, organization).filter(seen_at__gt=_oldest()).order_by("-created_at", "-pk"))


def reached(organization: Organization, pilots: Iterable[Pilot]) -> set[int]:
    """The pks of those of the pilots who have a device that is told."""
    rows = PushSubscription.objects.for_organization(organization.pk).filter(pilot__in=list(pilots))
    return set(rows.filter(seen_at__gt=_oldest()).values_list("pilot_id", flat=True))


def where(organization: Organization, pilot: Pilot) -> str:
    """As the pilot reads it of a message."""
    number = len(living(pilot, organization))
    if number == 0:
        return "nowhere: none of your devices is notified yet. Set one up under Devices"
    return "your device" if number == 1 else f"your {number} devices"


def get(pilot: Pilot, organization: Organization, device_id: int) -> PushSubscription:
    """One of the pilot's own devices; raises NotFound for any other."""
    row = _of(pilot, organization).select_related("pilot", "organization").filter(pk=device_id).first()
    if row is None:
        raise NotFound("There is no such device of yours.")
    return row


def remove(row: PushSubscription) -> None:
    PushSubscription.objects.for_organization(row.organization_id).filter(pk=row.pk).delete()


def seen(pilot: Pilot, session_key: str, endpoint: str) -> None:
    """A page of the pilot's is open in the browser of this endpoint: it is this sign-in's from now on, and nobody
    else's."""
    digest = digest_of(endpoint)
    with writing():
        _of_others(pilot, digest).delete()
        rows = PushSubscription.across_organizations.filter(pilot=pilot, endpoint_digest=digest)
        rows.update(session_key=session_key, seen_at=database.now())


def moved(pilot: Pilot, old: str, posted: dict[str, str]) -> None:
    """The browser has given itself another endpoint. Whoever knows the old one is that browser."""
    _check(posted)
    rows, digest = PushSubscription.across_organizations, digest_of(posted["endpoint"])
    with writing():
        rows.filter(endpoint_digest=digest).delete()
        rows.filter(pilot=pilot, endpoint_digest=digest_of(old)).update(
            endpoint=posted["endpoint"],
            endpoint_digest=digest,
            p256dh=posted["p256dh"],
            auth=posted["auth"],
            failure="",
        )


def note(row: PushSubscription, failure: str = "") -> None:
    """How the last message to the device went."""
    rows = PushSubscription.objects.for_organization(row.organization_id).filter(pk=row.pk)
    rows.update(**({"failure": failure[:200]} if failure else {"failure": "", "last_used_at": database.now()}))


def hear_ended(which: Q, **_signal: Any) -> None:
    """Hears that sign-ins end: their devices fall silent."""
    PushSubscription.across_organizations.filter(which).delete()


def hear_rights_lost(pilot: Pilot, organization: Organization, role: Role | None, **_signal: Any) -> None:
    """Hears that somebody is out of the organization: they are told no more of it."""
    if role is None:
        _of(pilot, organization).delete()


def hear_password_changed(request: Any, user: Pilot, **_signal: Any) -> None:
    """Hears that the session has got another key: the other sign-ins have just ended, what is left is this one's."""
    key = request.session.session_key or ""
    PushSubscription.across_organizations.filter(pilot=user).update(session_key=key)


def digest_of(endpoint: str) -> str:
    return hashlib.sha256(endpoint.encode()).hexdigest()


def _of(pilot: Pilot, organization: Organization) -> QuerySet[PushSubscription]:
    return PushSubscription.objects.for_organization(organization.pk).filter(pilot=pilot)


def _of_others(pilot: Pilot, digest: str) -> QuerySet[PushSubscription]:
    return PushSubscription.across_organizations.filter(endpoint_digest=digest).exclude(pilot=pilot)


def _oldest() -> Any:
    # As long as a sign-in lasts at most: a device that is never opened any more has perhaps changed hands.
    return database.now() - timedelta(seconds=settings.SESSION_ABSOLUTE_AGE)


def _check(posted: dict[str, str]) -> None:
    try:
        encryption.check(posted["p256dh"], posted["auth"])
    except ValueError as error:
        raise InvalidInput("What the browser sent is no subscription; try again, or update the browser.") from error
    try:
        targets.check(posted["endpoint"])
    except Undeliverable as error:
        raise InvalidInput(f"This browser's push service cannot be used: its address {error}.") from error
    except TryLater as error:
        raise InvalidInput(f"This browser's push service cannot be reached now: {error}. Try again later.") from error
