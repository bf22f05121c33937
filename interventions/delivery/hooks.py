"""The only writer of chat hooks: the channels of an organization's chat that are told, each change on record."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from interventions.delivery import targets
from interventions.delivery.errors import TryLater, Undeliverable
from interventions.lifecycle import Priority
from interventions.models import ChatHook
from interventions.spelling import INVISIBLE
from pilots import access_log, database
from pilots.access_log import Party
from pilots.database import writing
from pilots.errors import InvalidInput, NotFound
from pilots.models import Organization
from pilots.sign_in.sealing import Unreadable, seal, unseal

# How each kind is called, and how the hosts of its addresses end where nobody stands between.
KINDS = {"slack": "Slack", "teams": "Microsoft Teams"}
HOSTS = {
    "slack": ("hooks.slack.com", "hooks.slack-gov.com"),
    "teams": (".logic.azure.com", ".powerplatform.com", ".webhook.office.com"),
}
MOST = 20
MAX_NAME = 100


@dataclass(frozen=True, slots=True)
class Rule:
    """Of what a channel is told, and whether at all now."""

    lowest_priority: Priority
    active: bool = True


def add(organization: Organization, kind: str, name: str, url: str, rule: Rule, *, by: Party) -> ChatHook:
    """A channel that is told from now on. Raises InvalidInput."""
    _check(organization, kind, name, url)
    row = ChatHook(
        organization=organization,
        kind=kind,
        name=name,
        sealed_url=seal(url),
        host=urlsplit(url).hostname or "",
        lowest_priority=rule.lowest_priority,
        active=rule.active,
        created_at=database.now(),
    )
    try:
        with writing(), transaction.atomic():
            row.save(force_insert=True)
            _record("chat_hook_created", row, by, kind=kind, host=row.host, lowest_priority=_word(row))
    except IntegrityError as error:
        raise _name_taken(name) from error
    return row


def change(row: ChatHook, rule: Rule, *, by: Party) -> None:
    with writing():
        held = _of(row.organization).select_for_update(no_key=True).get(pk=row.pk)
        before = {"lowest_priority": _word(held), "active": held.active}
        held.lowest_priority, held.active = rule.lowest_priority, rule.active
        after = {"lowest_priority": _word(held), "active": held.active}
        data = {name: {"from": old, "to": after[name]} for name, old in before.items() if old != after[name]}
        if data:
            held.save(update_fields=["lowest_priority", "active"])
            _record("chat_hook_changed", row, by, **data)


def remove(row: ChatHook, *, by: Party) -> None:
    with writing():
        if _of(row.organization).filter(pk=row.pk).delete()[0]:
            _record("chat_hook_removed", row, by, kind=row.kind, host=row.host)


def all_of(organization: Organization) -> list[ChatHook]:
    return list(_of(organization).order_by("name"))


def active_of(organization: Organization) -> list[ChatHook]:
    """The channels that are told now: of priorities up to the number of their lowest one."""
    return list(_of(organization).filter(active=True).order_by("pk"))


def get(organization: Organization, hook_id: int) -> ChatHook:
    """One of the organization's own; raises NotFound for any other."""
    row = _of(organization).filter(pk=hook_id).first()
    if row is None:
        raise NotFound("There is no such channel here.")
    return row


def url_of(row: ChatHook) -> str:
    """Raises Undeliverable where it was sealed with a key that is gone."""
    try:
        return unseal(row.sealed_url)
    except Unreadable as error:
        raise Undeliverable("its address can be read no more: SECRET_KEY has changed; add the channel anew") from error


def note(row: ChatHook, result: str, *, good: bool) -> None:
    """How the last message went."""
    row.last_at, row.last_result, row.last_good = database.now(), result[:300], good
    fields = {"last_at": row.last_at, "last_result": row.last_result, "last_good": good}
    ChatHook.objects.for_organization(row.organization_id).filter(pk=row.pk).update(**fields)


def looks_unlike(kind: str, host: str) -> bool:
    """True where the service itself gives out no such address. A gateway of the house may stand before it."""
    return not host.endswith(HOSTS[kind])


def _check(organization: Organization, kind: str, name: str, url: str) -> None:
    errors: dict[str, list[str]] = {}
    if kind not in KINDS:
        errors["kind"] = [f"choose {' or '.join(KINDS.values())}"]
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable() or INVISIBLE.search(name):
        errors["name"] = [f"give it a name of 1 to {MAX_NAME} printable characters, as #on-call"]
    elif _of(organization).filter(name=name).exists():
        errors |= _name_taken(name).errors or {}
    try:
        targets.check(url)
    except (Undeliverable, TryLater) as error:
        errors["url"] = [str(error)]
    if errors:
        raise InvalidInput("The channel was not added.", errors=errors)
    if _of(organization).count() >= MOST:
        raise InvalidInput.field("name", f"there are {MOST} channels already; remove one first")


def _record(told: str, row: ChatHook, by: Party, **data: object) -> None:
    subject = Party(f"chat:{row.name}", f"chat:{row.pk}")
    access_log.record(told, by, subject, organization=row.organization, data=data)


def _word(row: ChatHook) -> str:
    return Priority(row.lowest_priority).word


def _of(organization: Organization) -> QuerySet[ChatHook]:
    return ChatHook.objects.for_organization(organization.pk).select_related("organization")


def _name_taken(name: str) -> InvalidInput:
    return InvalidInput.field("name", f"there is a channel named {name!r} already; choose another name")
