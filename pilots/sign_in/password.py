"""Whose password is it, and is it enough to sign in?"""

from typing import Literal

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import update_last_login

from pilots.database import writing
from pilots.errors import NotAllowed, NotAuthenticated
from pilots.models import Pilot
from pilots.sign_in import second_factor, telling, tries


def by_password(pilot_id: str, password: str, address: str, *, through: Literal["page", "token"]) -> Pilot:
    """The pilot; raises NotAuthenticated, the same and after the same time whatever is wrong, TooMany, or NotAllowed
    where local accounts are switched off."""
    if not settings.LOCAL_ACCOUNTS:
        raise NotAllowed("Passwords are switched off here; sign in with a provider.", code="local_accounts_off")
    with tries.counted(pilot_id, address):
        # Runs the hasher for an account that is not there as well.
        pilot = ModelBackend().authenticate(None, username=pilot_id, password=password)
        if not isinstance(pilot, Pilot):
            telling.failed(pilot_id, address, through=through)
            raise NotAuthenticated("The pilot_id or the password is wrong.", code="invalid_credentials")
    return pilot


def sign_in(pilot_id: str, password: str, code: str | None, address: str) -> Pilot:
    """For programs, which send both at once: the pilot, whose code fits too where they use a second factor."""
    pilot = by_password(pilot_id, password, address, through="token")
    if second_factor.is_enrolled(pilot):
        if not code:
            raise NotAuthenticated(
                "This pilot uses a second factor: send the code of the authenticator app as `code`.",
                code="code_required",
            )
        second_factor.check_code(pilot, code, address, through="token")
    with writing():
        update_last_login(Pilot, pilot)
    return pilot
