"""What becomes of a person who asks to be forgotten: everything about them goes, a neutral name stays in its place."""

import json
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db.models import CASCADE, Q, TextField
from django.db.models.functions import Cast

from pilots import access_log, actions, database
from pilots.access_log import SYSTEM, Party
from pilots.chains import Link, Redaction
from pilots.models import AccessEvent, ApiKey, Invitation, Membership, Organization, Pilot
from pilots.sign_in.identities import verified_emails

PROVIDER = "erased"
# What in an entry of the access log tells where somebody sat.
_WHERE = ("address", "agent")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be forgotten: all the texts that lead to them, and the name that takes their place."""

    pilot: Pilot
    pilot_id: str
    reference: str
    name: str
    texts: tuple[str, ...]
    neutral: str

    @classmethod
    def of(cls, pilot: Pilot) -> "Person":
        reference = pilot.opaque_id.hex
        texts = {pilot.pilot_id, pilot.email, pilot.oauth_id, *_given_by_providers(pilot)}
        return cls(
            pilot,
            pilot.pilot_id,
            reference,
            pilot.name,
            tuple(sorted(text for text in texts if len(text) > 1)),
            f"{PROVIDER}:{reference[:12]}",
        )

    def leads_here(self, text: str) -> bool:
        return any(text.casefold() == own.casefold() for own in self.texts)

    def replaced_in(self, value: Any, leaving: Iterable[str] = ()) -> Any:
        """`value` with the neutral name wherever exactly one of the person's texts stands; not below `leaving`."""
        if isinstance(value, dict):
            return {key: item if key in leaving else self._replaced(key, item, leaving) for key, item in value.items()}
        if isinstance(value, list):
            return [self.replaced_in(item, leaving) for item in value]
        return self.neutral if isinstance(value, str) and self.leads_here(value) else value

    def _replaced(self, key: str, value: Any, leaving: Iterable[str]) -> Any:
        # A name is a word like others: only where it is called one does it mean the person.
        if key == "name" and value == self.name:
            return self.neutral
        return self.replaced_in(value, leaving)


def is_erased(pilot: Pilot) -> bool:
    return pilot.oauth_provider == PROVIDER


def require_another_admin(pilot: Pilot) -> None:
    """Raises LastAdmin where an organization would be left without anybody who may let others in."""
    for membership in Membership.across_organizations.filter(pilot=pilot).order_by("organization_id"):
        actions.require_another_admin(membership)


def lock_out(pilot: Pilot) -> None:
    """Nobody acts as the pilot from now on. Whether they may go at all was asked before."""
    with database.writing():
        if Pilot.objects.filter(pk=pilot.pk, is_active=True).update(is_active=False):
            access_log.record_of_pilot("pilot_deactivated", pilot, SYSTEM)
        actions.end_sign_ins(pilot)


def forget(person: Person) -> dict[str, int]:
    """Deletes or empties all that `pilots` keeps of the person, but for the logs; returns how many rows by kind."""
    forgotten = {"sessions": _forget_sessions(person)} | _forget_belongings(person)
    addresses = [text for text in person.texts if "@" in text]
    invitations = [Invitation.across_organizations.filter(email__iexact=address) for address in addresses]
    forgotten["invitation"] = sum(rows.update(email="") for rows in invitations)
    keys = ApiKey.across_organizations.filter(created_by=person.pilot_id)
    forgotten["apikey"] = keys.update(created_by=person.neutral)
    forgotten["logentry"] = _forget_in_back_office(person)
    _empty(person)
    return forgotten


def redact_access(person: Person, organization: Organization | None) -> int:
    """Puts the neutral name into the organization's access log, whose chain goes on holding; returns how many entries
    told of the person. The caller holds the chain's lock and calls `access_log.record` for `pilot_erased` afterwards.
    """
    told = 0
    for event in _entries_of(person, organization):
        if fields := _redacted(person, event):
            told += access_log.log_of(organization).filter(pk=event.pk).update(**fields)
    return told


def is_told_of(person: Person, organization: Organization) -> bool:
    """True where an entry of the organization's access log names them."""
    return any(_redacted(person, event) for event in _entries_of(person, organization))


def record(person: Person, organization: Organization | None, vouchers: dict[str, Any]) -> None:
    """Tells of the erasure, with what vouches for the entries that lost their own salt; older vouchers go."""
    access_log.log_of(organization).filter(type__in=access_log.VOUCHING).update(data={}, salt="")
    vouchers |= {"access": vouch(access_log.entries(organization))}
    subject = Party(person.neutral, person.reference)
    access_log.record("pilot_erased", SYSTEM, subject, organization=organization, data=vouchers)


def vouch(entries: Iterable[Link]) -> dict[str, Any]:
    """The digest over all entries of a log that erasures have touched, by seq."""
    redaction = Redaction(secrets.token_hex(16))
    for entry in entries:
        if entry.data and not entry.salt:
            redaction.add(entry)
    return redaction.voucher()


def _entries_of(person: Person, organization: Organization | None) -> Iterator[AccessEvent]:
    """The entries that may tell of the person; SQLite keeps JSON in ASCII, PostgreSQL does not."""
    told = Q(actor_reference=person.reference) | Q(subject_reference=person.reference)
    for text in {*person.texts, person.name} - {""}:
        told |= Q(actor__iexact=text) | Q(subject__iexact=text)
        for written in {json.dumps(text), json.dumps(text, ensure_ascii=False)}:
            told |= Q(text__icontains=written)
    rows = access_log.log_of(organization).annotate(text=Cast("data", TextField()))
    return database.in_steps(rows.filter(told), "seq")


def _redacted(person: Person, event: AccessEvent) -> dict[str, Any]:
    """The fields of an entry that change."""
    actor = person.neutral if event.actor_reference == person.reference else person.replaced_in(event.actor)
    subject = person.neutral if event.subject_reference == person.reference else person.replaced_in(event.subject)
    data = person.replaced_in(event.data)
    about_them = person.reference == event.actor_reference or (
        event.actor == access_log.UNKNOWN.name and person.reference == event.subject_reference
    )
    if about_them:
        data = {key: value for key, value in data.items() if key not in _WHERE}
    fields = {"actor": actor, "subject": subject}
    changed = {name: value for name, value in fields.items() if value != getattr(event, name)}
    return changed | ({"data": data, "salt": ""} if data != event.data else {})


def _given_by_providers(pilot: Pilot) -> Iterator[str]:
    """What accounts at providers are known by, and addresses they vouched for."""
    yield from SocialAccount.objects.filter(user=pilot).values_list("uid", flat=True)
    yield from EmailAddress.objects.filter(user=pilot).values_list("email", flat=True)
    yield from verified_emails(pilot)


def _forget_sessions(person: Person) -> int:
    """Also those that are only half signed in, and name the pilot all the same."""
    decode = import_module(settings.SESSION_ENGINE).SessionStore().decode
    whose = str(person.pilot.pk)
    ended = []
    for row in database.in_steps(Session.objects.all(), "pk"):
        data = decode(row.session_data)
        text = json.dumps(data, default=str)
        if data.get("_auth_user_id") == whose or any(json.dumps(own) in text for own in person.texts):
            ended.append(row.pk)
    return Session.objects.filter(pk__in=ended).delete()[0]


def _forget_belongings(person: Person) -> dict[str, int]:
    """Whatever would go if the pilot were deleted, but for what they did in the back office."""
    forgotten: dict[str, int] = {}
    for relation in Pilot._meta.get_fields(include_hidden=True):
        on_delete = getattr(relation, "on_delete", None)
        model: Any = relation.related_model
        if not relation.auto_created or on_delete is not CASCADE or model is LogEntry:
            continue
        name: str = relation.field.name  # type: ignore[union-attr]
        count = _all(model).filter(**{name: person.pilot}).delete()[0]
        forgotten[model._meta.model_name] = count
    return forgotten


def _all(model: Any) -> Any:
    rows: Any = getattr(model, "across_organizations", model._base_manager)
    return rows.and_deactivated() if model is Membership else rows


def _forget_in_back_office(person: Person) -> int:
    """The back office's own journal shows rows by the names they had."""
    words = sorted({*person.texts, person.name} - {""}, key=len, reverse=True)
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words))
    changed = 0
    for entry in database.in_steps(LogEntry.objects.filter(content_type__app_label="pilots"), "pk"):
        repr_, message = (pattern.sub(person.neutral, text) for text in (entry.object_repr, entry.change_message))
        if (repr_, message) != (entry.object_repr, entry.change_message):
            changed += LogEntry.objects.filter(pk=entry.pk).update(object_repr=repr_[:200], change_message=message)
    return changed


def _empty(person: Person) -> None:
    pilot = person.pilot
    for field in Pilot._meta.concrete_fields:
        if not field.primary_key and field.name not in ("opaque_id", "created_at"):
            setattr(pilot, field.attname, field.get_default())
    pilot.pilot_id, pilot.oauth_provider = person.neutral, PROVIDER
    pilot.is_active = pilot.is_staff = pilot.is_superuser = pilot.on_duty = False
    pilot.set_unusable_password()
    pilot.save()
