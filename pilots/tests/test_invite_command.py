"""manage.py invite prints one link, which lets one pilot in."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from conftest import World
from pilots.models import Invitation, Membership, Pilot

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


def invite(*arguments: str) -> str:
    out = StringIO()
    call_command("invite", "--org", "acme", *arguments, stdout=out)
    return out.getvalue()


def test_it_prints_a_link_alone_which_lets_one_pilot_in(world: World) -> None:
    (link,) = invite("--role", "viewer", "--url", "https://chameleon.test/").splitlines()
    assert link.startswith("https://chameleon.test/invitations/")
    nina, client = Pilot.objects.create_user("local:nina"), Client()
    client.force_login(nina, "django.contrib.auth.backends.ModelBackend")
    assert client.post(link.removeprefix("https://chameleon.test"))["Location"] == "/o/acme/"
    assert Membership.objects.for_organization(world.acme.pk).get(pilot=nina).role == "VIEWER"


def test_it_refuses_what_is_no_address(world: World) -> None:
    with pytest.raises(CommandError, match="not an e-mail address"):
        invite("--role", "VIEWER", "--email", "nobody")
    assert not Invitation.across_organizations.exists()
