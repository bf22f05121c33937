"""The button behind each way to be told: sends for real, and says what came of it."""

import logging
import secrets

from django.urls import reverse

from interventions.delivery import channels
from interventions.delivery.errors import Undeliverable
from interventions.delivery.message import Message
from interventions.delivery.wording import one_line
from interventions.models import Notice
from pilots.errors import InvalidInput, TooMany
from pilots.models import Organization, Pilot
from pilots.rate import is_one_too_many

logger = logging.getLogger(__name__)

LIMIT, WINDOW_SECONDS = 5, 600


def try_out(pilot: Pilot, organization: Organization, name: str) -> str:
    """Sends a test by this way and returns where it went. Raises InvalidInput where it went nowhere, and TooMany."""
    channel = channels.PERSONAL.get(name)
    if channel is None:
        raise InvalidInput("There is no such way to be told.")
    if why_not := channel.why_not():
        raise InvalidInput(why_not)
    where = channel.where(organization, pilot)
    if pilot.pk not in channel.reached(organization, [pilot]):
        raise InvalidInput(f"It would go {where}.")
    if is_one_too_many(f"notice-test:{name}:{pilot.pk}", LIMIT, WINDOW_SECONDS):
        minutes = WINDOW_SECONDS // 60
        raise TooMany(f"{LIMIT} tests in {minutes} minutes are enough; wait a while.", retry_after=WINDOW_SECONDS)
    notice = Notice(organization=organization, pilot=pilot, channel=name)
    try:
        channel.send(notice, _message(organization))
    except Undeliverable as reason:
        raise InvalidInput(f"It cannot be delivered to {where}: {reason}.") from reason
    except Exception as error:
        # Not its text: mail servers repeat the address in theirs.
        logger.warning("a test by %s failed: %s", name, type(error).__name__)
        raise InvalidInput(
            "It could not be sent: the server that should take it did not. Try again, or tell the operator."
        ) from error
    return where


def _message(organization: Organization) -> Message:
    name = one_line(organization.name)
    return Message(
        title="A test from Chameleon",
        body=f"It arrived: requests at {name} reach you this way.",
        path=reverse("settings_notifications", args=[organization.slug]),
        urgent=False,
        tag=f"test-{secrets.token_hex(8)}",
    )
