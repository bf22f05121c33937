"""Many first sign-ins at the same moment: one pilot for each account, and no name given twice."""

import pytest
from allauth.socialaccount.models import SocialAccount

from conftest import World
from pilots.errors import InvalidInput
from pilots.models import AccessEvent, Membership, Pilot
from pilots.sign_in import identities, joining
from pilots.sign_in.identities import Identity
from tests.races.threads import THREADS, in_threads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def octocat(id: str) -> Identity:
    return Identity("github", "https://github.com", id, login="octocat", email="x@corp.example", email_verified=True)


def test_one_account_becomes_one_pilot_and_one_member(world: World) -> None:
    joining.allow(world.acme, email_domains=["corp.example"])

    def sign_in(_number: int) -> str:
        account = identities.make_pilot(octocat("583231"))
        joining.at_sign_in(account.user, identities.identity_of(account))
        return str(account.user.pilot_id)

    assert set(in_threads(sign_in)) == {"github:octocat"}
    pilot = Pilot.objects.get(oauth_provider="github")
    assert SocialAccount.objects.get().user == pilot
    assert Membership.across_organizations.filter(pilot=pilot).count() == 1
    assert AccessEvent.across_organizations.filter(type="pilot_created").count() == 1
    assert AccessEvent.across_organizations.filter(type="member_joined", subject="github:octocat").count() == 1


def test_accounts_of_one_name_become_pilots_of_different_names(db: None) -> None:
    made = in_threads(lambda number: identities.make_pilot(octocat(str(number))).user.pilot_id)
    assert len(set(made)) == THREADS
    assert all(name == "github:octocat" or name.startswith("github:octocat~") for name in made)
    assert sorted(Pilot.objects.values_list("oauth_id", flat=True)) == [str(number) for number in range(THREADS)]


def test_one_of_two_organizations_gets_the_domain(world: World) -> None:
    def claim(number: int) -> str:
        organization = (world.acme, world.globex)[number % 2]
        try:
            joining.allow(organization, email_domains=["corp.example"])
        except InvalidInput:
            return ""
        return organization.slug

    winners = set(in_threads(claim)) - {""}
    assert len(winners) == 1
