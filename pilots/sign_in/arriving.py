"""What follows from a sign-in by a provider, once every step of it is done: its memberships, and a word in the log."""

from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.socialaccount.models import SocialAccount
from django.http import HttpRequest

from pilots import access_log
from pilots.models import Pilot
from pilots.sign_in import identities, joining


def hear_sign_in(request: HttpRequest, user: Pilot, **_signal: Any) -> None:
    """Comes before the access log hears of it: a sign-in that opens an organization is told there."""
    for step in get_authentication_records(request, user):
        if step["method"] == "socialaccount":
            account = SocialAccount.objects.filter(user=user, provider=step["provider"], uid=step["uid"]).first()
            if account is not None:
                joining.at_sign_in(user, identities.identity_of(account))


def hear_connected(sociallogin: Any, **_signal: Any) -> None:
    _record("provider_connected", sociallogin.account)


def hear_disconnected(socialaccount: SocialAccount, **_signal: Any) -> None:
    _record("provider_disconnected", socialaccount)


def _record(type: str, account: SocialAccount) -> None:
    pilot: Any = account.user
    access_log.record_of_pilot(type, pilot, data={"provider": account.provider})
