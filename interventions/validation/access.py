"""What a validation works with for its time: an organization, an agent's key and a pilot; and how they end."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pilots import actions, api_keys, deactivating, tokens
from pilots.limits import Limits
from pilots.models import ApiKey, Membership, Organization
from pilots.roles import Role
from pilots.tokens import TokenPair

SLUG = "validation"
# Nobody can sign in as this pilot: it has no password.
PILOT = "local:validation"
PREFIX = "validation-"
# Where nothing could be revoked, because the process was killed, the key ends by itself so long after the run.
OVERTIME = timedelta(hours=1)
SCOPES = ["interventions:read", "interventions:write"]


@dataclass(frozen=True, slots=True)
class Access:
    """`name` stands at everything it makes: the key's, and what units of work and requests begin with."""

    name: str
    organization: Organization
    membership: Membership
    key: ApiKey
    key_text: str


def begin(slug: str | None, seconds: float) -> Access:
    """Makes what is needed, in an organization of its own or in the one named; raises DomainError."""
    moment = datetime.now(UTC)
    if slug is None:
        organization, _ = actions.create_organization(SLUG, name="Validation (manage.py validate)")
    else:
        organization = actions.organization_of(slug)
    joined = actions.create_pilot(PILOT, organization, Role.OPERATOR, name="Validation")
    deactivating.reactivate(joined.membership.pilot, organization)
    name = f"{PREFIX}{moment:%Y%m%d-%H%M%S-%f}"
    ends = moment + timedelta(seconds=seconds) + OVERTIME
    # Beside other work it sees and touches its own requests only.
    key, text = api_keys.make(organization, name, SCOPES, ends, limits=Limits(PREFIX))
    return Access(name, organization, joined.membership, key, text)


def pilots_token(access: Access) -> TokenPair:
    """A new one: it is good for minutes only, and a validation lasts for hours."""
    return tokens.issue(access.membership)


def end(access: Access) -> None:
    """Nothing of it opens anything any more; what it did stays on record. Again changes nothing."""
    api_keys.revoke(access.key)
    deactivating.deactivate(access.membership.pilot, access.organization)
