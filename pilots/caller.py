"""Who is asking: what every rule receives, whichever door the request came through."""

from dataclasses import dataclass, field
from typing import Literal

from pilots import expertise
from pilots.limits import NO_LIMITS, Limits
from pilots.models import ApiKey, Membership, Organization
from pilots.roles import Role


@dataclass(frozen=True, slots=True)
class Caller:
    """A pilot, an agent's key or the system itself, acting in one organization.

    `name` is the pilot_id or the key's name; `reference` stands for it in hashes; `credential` tells which session,
    token family or key was shown, so that an open socket can ask whether it still stands. `limits` are a key's own:
    what is outside them it neither sees nor touches. `expertise` are the tags of a pilot's field.
    """

    organization: Organization
    kind: Literal["pilot", "key", "system"]
    name: str
    reference: str
    role: Role | None = None
    scopes: frozenset[str] = field(default_factory=frozenset)
    credential: str = ""
    limits: Limits = NO_LIMITS
    expertise: tuple[str, ...] = ()

    @property
    def actor(self) -> str:
        """As events name it: the pilot_id, `key:<name>` or `system`."""
        return f"key:{self.name}" if self.kind == "key" else self.name

    @classmethod
    def of_pilot(cls, membership: Membership, credential: str = "") -> "Caller":
        pilot = membership.pilot
        return cls(
            organization=membership.organization,
            kind="pilot",
            name=pilot.pilot_id,
            reference=pilot.opaque_id.hex,
            role=Role(membership.role),
            credential=credential,
            expertise=expertise.of(pilot),
        )

    @classmethod
    def of_key(cls, key: ApiKey) -> "Caller":
        return cls(
            organization=key.organization,
            kind="key",
            name=key.name,
            reference=f"key:{key.pk}",
            scopes=frozenset(key.scopes),
            credential=f"key:{key.pk}",
            limits=Limits(key.uow_id_prefix, frozenset(key.intervention_types)),
        )

    @classmethod
    def system(cls, organization: Organization) -> "Caller":
        return cls(organization=organization, kind="system", name="system", reference="system")
