"""Whose password is it?"""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import update_last_login

from pilots.database import writing
from pilots.errors import NotAuthenticated
from pilots.models import Pilot
from pilots.sign_in import telling, tries


def by_password(pilot_id: str, password: str, address: str) -> Pilot:
    """The pilot; raises NotAuthenticated, the same and after the same time whatever is wrong, or TooMany."""
    with tries.counted(pilot_id, address):
        # Runs the hasher for an account that is not there as well.
        pilot = ModelBackend().authenticate(None, username=pilot_id, password=password)
        if not isinstance(pilot, Pilot):
            telling.failed(pilot_id, address, through="token")
            raise NotAuthenticated("The pilot_id or the password is wrong.", code="invalid_credentials")
    with writing():
        update_last_login(Pilot, pilot)
    return pilot
