"""A notice as a mail: plain text, the same in the console's looks, and nothing but titles of what was asked."""

import smtplib
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from interventions.delivery.errors import Undeliverable
from interventions.delivery.links import absolute
from interventions.delivery.message import Message
from interventions.models import Notice
from pilots.models import Organization, Pilot

NOT_SET_UP = "The operator of this server has not set up mail (EMAIL_URL)."

NO_ADDRESS = "nowhere: your account has no e-mail address. The operator of this server can give it one"


def why_not() -> str:
    return "" if settings.EMAIL_URL else NOT_SET_UP


def reached(_organization: Organization, pilots: Iterable[Pilot]) -> set[int]:
    return {pilot.pk for pilot in pilots if pilot.email}


def where(_organization: Organization, pilot: Pilot) -> str:
    """Enough of the address for its owner to know it."""
    name, _, host = pilot.email.rpartition("@")
    return f"{name[:1]}***@{host}" if name else NO_ADDRESS


def send(notice: Notice, message: Message) -> None:
    """Raises Undeliverable where the server refuses address or mail for good."""
    pilot = notice.pilot
    if pilot is None or not pilot.email:
        raise Undeliverable("no address")
    try:
        _mail(pilot, notice.organization, message).send()
    except smtplib.SMTPAuthenticationError:
        raise  # of the installation, not of this mail
    except smtplib.SMTPRecipientsRefused as error:
        _give_up_if_final([code for code, _ in error.recipients.values()], error)
        raise
    except smtplib.SMTPResponseException as error:
        _give_up_if_final([error.smtp_code], error)
        raise
    except ValueError as error:
        raise Undeliverable("no address that a mail could have") from error


def _give_up_if_final(codes: list[int], error: Exception) -> None:
    if codes and all(code >= 500 for code in codes):
        raise Undeliverable(f"refused with {codes[0]}") from error


def _mail(pilot: Pilot, organization: Organization, message: Message) -> EmailMultiAlternatives:
    settings_page = absolute(reverse("settings_notifications", args=[organization.slug]))
    known = {"message": message, "link": absolute(message.path), "settings_page": settings_page}
    mail = EmailMultiAlternatives(
        # Of a title only spaces are left between its words: no line of it can become a header.
        " ".join(message.title.split()),
        render_to_string("notices/mail.txt", known),
        to=[pilot.email],
        headers={
            # The same when it is sent again because nobody knows whether it arrived.
            "Message-ID": f"<{message.tag}@{urlsplit(absolute('/')).hostname}>",
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": f"<{settings_page}>",
        },
    )
    mail.attach_alternative(render_to_string("notices/mail.html", known), "text/html")
    return mail
