"""The section "API keys" of the team page: what it shows, and what its forms do."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone

from pilots import api_keys, limits
from pilots.access_log import Party
from pilots.api_keys import State
from pilots.errors import InvalidInput, NotFound
from pilots.limits import Limits
from pilots.models import ApiKey, Organization
from pilots.wire import moment

SCOPES = {
    "interventions:read": "Read interventions, events and figures",
    "interventions:write": "Ask, complete and withdraw",
    "events:read": "Read events only",
    "metrics:read": "Read figures only",
}
LIFETIMES = {"30": "In 30 days", "90": "In 90 days", "365": "In a year", "": "Never"}
OVERLAPS = {"24": "for 24 hours more", "1": "for an hour more", "168": "for 7 days more", "0": "no more, from now on"}


class KeyForm(forms.Form):
    """A new key as an admin asks for it."""

    name = forms.CharField(max_length=100)
    scopes = forms.MultipleChoiceField(
        choices=list(SCOPES.items()), initial=["interventions:read", "interventions:write"]
    )
    uow_id_prefix = forms.CharField(max_length=limits.MAX_PREFIX, required=False, strip=False)
    intervention_types = forms.MultipleChoiceField(choices=[(kind, kind) for kind in limits.TYPES], required=False)
    lifetime = forms.ChoiceField(choices=list(LIFETIMES.items()), initial="90", required=False)

    def make(self, organization: Organization, by: Party) -> "New | None":
        """The key; None where something is wrong, which the form then says."""
        if not self.is_valid():
            return None
        asked, days = self.cleaned_data, self.cleaned_data["lifetime"]
        try:
            row, text = api_keys.make(
                organization,
                asked["name"],
                asked["scopes"],
                timezone.now() + timedelta(days=int(days)) if days else None,
                limits=Limits(asked["uow_id_prefix"], frozenset(asked["intervention_types"])),
                by=by,
            )
            return New(row.name, text)
        except InvalidInput as error:
            for field, messages in (error.errors or {"": [error.detail]}).items():
                self.add_error(field if field in self.fields else None, messages)
            return None


@dataclass(frozen=True, slots=True)
class Line:
    """One key as the page shows it; moments as the wire writes them."""

    key_id: str
    name: str
    state: State
    scopes: list[str]
    limits: str
    created_by: str
    created_at: str | None
    last_used_at: str | None
    expires_at: str | None
    ended_at: str | None

    @property
    def lives(self) -> bool:
        return self.state not in (State.REVOKED, State.EXPIRED)

    @property
    def may_be_rotated(self) -> bool:
        return self.state in (State.ACTIVE, State.EXPIRES_SOON)

    @property
    def tone(self) -> str:
        """What the badge looks like."""
        return self.state.value.replace(" ", "-")


@dataclass(frozen=True, slots=True)
class New:
    """A key on the one page that shows it; `replaces` is the line of the key it follows on."""

    name: str
    text: str
    replaces: Line | None = None


def section(
    organization: Organization, form: KeyForm | None = None, new: New | None = None, refusal: str = ""
) -> dict[str, Any]:
    """What `team/_keys.html` takes."""
    lines = [_line(row) for row in api_keys.all_of(organization)]
    return {
        "lines": [line for line in lines if line.lives],
        "ended": [line for line in lines if not line.lives],
        "form": form or KeyForm(),
        "new": new,
        "refusal": refusal,
        "overlaps": OVERLAPS,
    }


def rotate(organization: Organization, key_id: str, posted: QueryDict, by: Party) -> New:
    """The next key of the same name. Raises NotFound, or InvalidInput where it was replaced or revoked."""
    hours = posted.get("overlap", "24")
    if hours not in OVERLAPS:
        raise InvalidInput("Choose how long the old key works.")
    row = _key(organization, key_id)
    made, text = api_keys.rotate(row, timedelta(hours=int(hours)), by=by)
    row.refresh_from_db()
    return New(made.name, text, _line(row))


def revoke(organization: Organization, key_id: str, by: Party) -> ApiKey:
    """Ends one key; raises NotFound."""
    row = _key(organization, key_id)
    api_keys.revoke(row, by=by)
    return row


def _key(organization: Organization, key_id: str) -> ApiKey:
    rows = ApiKey.objects.for_organization(organization.pk).select_related("organization")
    row = rows.filter(key_id=key_id).first()
    if row is None:
        raise NotFound(f"There is no key {key_id!r} here.")
    return row


def _line(row: ApiKey) -> Line:
    state = api_keys.state(row)
    return Line(
        key_id=row.key_id,
        name=row.name,
        state=state,
        scopes=list(row.scopes),
        limits=str(api_keys.limits_of(row)),
        created_by=row.created_by,
        created_at=moment(row.created_at),
        last_used_at=moment(row.last_used_at),
        expires_at=moment(row.expires_at),
        ended_at=moment(row.revoked_at or row.expires_at) if state in (State.REVOKED, State.EXPIRED) else None,
    )
