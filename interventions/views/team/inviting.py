"""Invitations on the team's page: made, shown once, mailed where mail is set up, and taken back."""

import logging
import smtplib

from django.conf import settings
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_POST

from interventions.views.team.members import page, role_of
from interventions.views.team.page import admins, done
from interventions.views.typed import text_of
from pilots import invitations
from pilots.access_log import Party
from pilots.caller import Caller
from pilots.errors import InvalidInput, NotFound
from pilots.models import Invitation, Pilot

logger = logging.getLogger(__name__)


def _invite(request: HttpRequest, caller: Caller) -> HttpResponse:
    posted = {"email": text_of(request.POST, "email").strip(), "role": text_of(request.POST, "role")}
    try:
        by = Pilot.objects.get(pilot_id=caller.actor)
        row, token = invitations.invite(caller.organization, role_of(request), email=posted["email"], by=by)
    except InvalidInput as error:
        return page(request, caller, {"posted": posted, "errors": error.errors or {"email": [error.detail]}}, 422)
    link = request.build_absolute_uri(reverse("invitation", args=[token]))
    # Shown in this answer only: the address of a page that can be opened again never holds it.
    return page(request, caller, {"made": {"invitation": row, "link": link, "mailed": _mail(row, link)}})


def _revoke_invitation(request: HttpRequest, caller: Caller, invitation_id: int) -> HttpResponse:
    row = Invitation.objects.for_caller(caller).select_related("organization").filter(pk=invitation_id).first()
    if row is None:
        raise NotFound("There is no such invitation.")
    invitations.revoke(row, by=Party.of(caller))
    return done(request, caller, "team", "The invitation is taken back.")


def _mail(invitation: Invitation, link: str) -> bool | None:
    """True where the mail is on its way, False where it failed; None where there is nothing to send or no way to."""
    if not invitation.email or not settings.EMAIL_URL:
        return None
    text = render_to_string("team/invitation.txt", {"invitation": invitation, "link": link})
    # A name is an agent's or an admin's text: a line break in it would begin a header.
    subject = " ".join(f"Join {invitation.organization.name} on Chameleon".split())
    try:
        return bool(send_mail(subject, text, None, [invitation.email]))
    except (OSError, smtplib.SMTPException):
        # The link stands on the page all the same.
        logger.warning("an invitation could not be mailed", exc_info=True)
        return False


invite = require_POST(admins("invite", _invite))
revoke_invitation = require_POST(admins("invite", _revoke_invitation))
