"""All rows there are, to be compared; and a world with something in every table that a backup has."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from conftest import DRAFT, World
from interventions import actions
from interventions.backup import tables
from interventions.content import draft_of
from pilots import invitations
from pilots.models import Pilot
from pilots.roles import Role
from pilots.sign_in import sealing
from pilots.tenancy import across

# What a restore changes on purpose.
SETTLED = {"Stream", "Notice", "NoticePosition", "Invitation", "AccessEvent", "AccessChain"}
HOSTILE = "\u202eNULL \\u0000 \\N 'quoted' \"twice\" \r\n\t — ünïcödé 🦎"


def rows_of(model: type[Model]) -> list[tuple[Any, ...]]:
    with across():
        return list(model._base_manager.order_by("pk").values_list())


def everything() -> dict[str, list[tuple[Any, ...]]]:
    return {model._meta.label: rows_of(model) for model in tables.all_models()}


def carried() -> dict[str, list[tuple[Any, ...]]]:
    """What is as it was after a restore."""
    made_anew = {"interventions.SearchEntry"}
    left = {name: rows for name, rows in everything().items() if name in made_anew or name not in tables.LEFT_OUT}
    return {name: rows for name, rows in left.items() if name.partition(".")[2] not in SETTLED}


def work(world: World) -> None:
    """Requests in each state, keys, members, sealed secrets, rights."""
    otto = world.pilot("otto")
    _ask(world, request_id="waits", title=HOSTILE, context={"n": 1e300, "deep": [{"a": HOSTILE}]}, tags=["x"])
    _ask(world, request_id="claimed", approvals_required=2)
    actions.claim(otto, "claimed")
    _ask(world, request_id="half", approvals_required=2)
    actions.approve(otto, "half", reason="me")
    schema = {"type": "object", "properties": {"vendor": {"type": "string"}}, "required": ["vendor"]}
    _ask(world, request_id="decided", response_schema=schema, priority="critical")
    actions.approve(otto, "decided", response={"vendor": "ABC"}, reason=None)
    _ask(world, request_id="done")
    actions.approve(otto, "done", reason="ok")
    actions.complete(world.key(), "done", outcome={"paid": True})
    invitations.invite(world.acme, Role.VIEWER)
    _see_to(world.memberships["ada"].pilot)


def _ask(world: World, **fields: Any) -> None:
    actions.create(world.key(), draft_of(DRAFT | fields))


def _see_to(pilot: Pilot) -> None:
    EmailAddress.objects.create(user=pilot, email="ada@acme.test", verified=True)
    Authenticator.objects.create(user=pilot, type="totp", data={"secret": sealing.seal("a secret")})
    group = Group.objects.create(name="readers")
    group.permissions.add(Permission.objects.get(codename="view_intervention"))
    pilot.groups.add(group)
    kind = ContentType.objects.get_for_model(Pilot)
    LogEntry.objects.create(user=pilot, content_type=kind, object_id="1", action_flag=ADDITION, change_message="")
