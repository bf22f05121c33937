"""The second wall: PostgreSQL itself shows and takes no rows but those of the organization a statement was told."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.apps import apps
from django.db import ProgrammingError, connection, models, transaction
from django.db.migrations.operations import CreateModel
from django.db.migrations.state import ProjectState

from conftest import DRAFT, World
from interventions import actions, diagnosis
from interventions.actions.creating import IdempotencyKey
from interventions.content import draft_of
from interventions.lifecycle import Priority
from interventions.models import (
    Approval,
    ChatHook,
    Event,
    Intervention,
    Notice,
    NoticePosition,
    PushSubscription,
    Stream,
)
from pilots import access_log, database, row_security, tenancy, tokens
from pilots.access_log import SYSTEM
from pilots.models import AccessChain, AccessEvent, ApiKey, Invitation, Membership, Organization
from pilots.row_security import RowLevelSecurity, unwalled_tables, walled_models
from pilots.tenancy import across, acting_in, speaking_for

pytestmark = pytest.mark.django_db

WALLED = [model for app in ("pilots", "interventions") for model in apps.get_app_config(app).get_models()]
WALLED = [model for model in WALLED if issubclass(model, tenancy.Walled)]


def raw(sql: str, params: Any = None) -> list[tuple[Any, ...]]:
    """What a statement that knows nothing of organizations is shown."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall()) if cursor.description else []


def owners(model: type[models.Model]) -> set[int | None]:
    """Whose rows of this table are to be seen at all."""
    return {pk for (pk,) in raw(f"SELECT organization_id FROM {model._meta.db_table}")}  # noqa: S608


def told_elsewhere(member: Membership, name: str) -> None:
    """A device of the member's and a channel of their organization's chat."""
    moment = database.now()
    PushSubscription(
        organization=member.organization, pilot=member.pilot, endpoint_digest=name, created_at=moment, seen_at=moment
    ).save()
    ChatHook(organization=member.organization, name=name, lowest_priority=Priority.LOW, created_at=moment).save()


@pytest.fixture
def full(world: World, ask: Any) -> World:
    """Both organizations with a row in every table."""
    for name, key in (("ada", "agent"), ("gina", "globex-agent")):
        caller = world.pilot(name)
        draft = draft_of(DRAFT | {"request_id": "joint", "approvals_required": 2})
        row = actions.create(world.key(key), draft, IdempotencyKey("same", "digest")).row
        actions.approve(caller, row.request_id)
        row = ask(key=key, request_id="decided")
        actions.approve(caller, row.request_id)
        tokens.issue(world.memberships[name])
        access_log.record("member_joined", SYSTEM, organization=caller.organization)
        now = database.now()
        Invitation.objects.create(organization=caller.organization, digest=name, expires_at=now)
        NoticePosition.objects.create(organization=caller.organization)
        Notice.objects.create(organization=caller.organization, hook_id=1, created_at=now, due_at=now)
        told_elsewhere(world.memberships[name], name)
    access_log.record("superuser_granted", SYSTEM)
    return world


# The catalogue


def test_every_table_with_an_organization_has_a_policy_that_binds_its_owner(db: None) -> None:
    assert unwalled_tables() == []
    assert set(walled_models()) >= set(WALLED)


def test_we_are_bound_by_the_policies_ourselves(db: None) -> None:
    assert row_security.role_that_passes() is None
    owned = raw("SELECT DISTINCT tableowner FROM pg_tables WHERE tablename LIKE 'pilots_%'")
    assert owned == raw("SELECT current_user::name")


def test_a_new_table_without_a_policy_is_found_until_it_has_one(db: None) -> None:
    state = ProjectState()
    fields = [
        ("id", models.BigAutoField(primary_key=True)),
        ("organization", models.BigIntegerField(db_column="organization_id")),
    ]
    steps = [CreateModel("Novelty", fields), RowLevelSecurity("Novelty")]
    with connection.schema_editor() as editor:
        for step, found in zip(steps, (["pilots_novelty"], []), strict=True):
            after = state.clone()
            step.state_forwards("pilots", after)
            step.database_forwards("pilots", editor, state, after)
            state = after
            assert unwalled_tables() == found
        raw("ALTER TABLE pilots_novelty NO FORCE ROW LEVEL SECURITY")
        assert unwalled_tables() == ["pilots_novelty"]
        steps[1].database_forwards("pilots", editor, state, state)
        assert unwalled_tables() == []
        steps[1].database_backwards("pilots", editor, state, state)
        assert unwalled_tables() == ["pilots_novelty"]


def test_the_doctor_misses_a_policy(db: None) -> None:
    def found() -> list[str]:
        return [finding.state for finding in diagnosis.examine() if finding.subject == "walls"]

    assert found() == ["ok"]
    raw("ALTER TABLE pilots_apikey NO FORCE ROW LEVEL SECURITY")
    assert found() == ["failed"]


@pytest.mark.django_db(transaction=True)
def test_a_setting_for_everybody_is_noticed() -> None:
    assert row_security.told_beforehand() == ""
    raw("SET chameleon.organization = '*'")
    try:
        assert row_security.told_beforehand() == "*"
    finally:
        raw("RESET chameleon.organization")
    assert row_security.told_beforehand() == ""


# What is seen


@pytest.mark.parametrize("model", WALLED, ids=lambda model: model.__name__)
def test_a_raw_select_sees_nothing_until_it_is_told_whose(full: World, model: type[models.Model]) -> None:
    both = {full.acme.pk, full.globex.pk}
    assert owners(model) == set()
    with acting_in(full.acme.pk):
        assert owners(model) == {full.acme.pk}
    with across():
        assert owners(model) >= both
    with acting_in(None):
        assert owners(model) == ({None} if model in (AccessEvent, AccessChain) else set())
    assert owners(model) == set()


def test_where_the_request_acts_wins_over_what_a_query_names(full: World) -> None:
    theirs = Intervention.objects.for_organization(full.globex.pk)
    assert theirs.count() == 2
    with acting_in(full.acme.pk):
        assert (theirs.count(), theirs.exists(), list(theirs.all()), theirs.first()) == (0, False, [], None)
        assert theirs.update(title="mine") == 0
        assert theirs.delete()[0] == 0
        assert owners(Intervention) == {full.acme.pk}
    assert set(theirs.values_list("title", flat=True)) == {"Which vendor is it?"}


@pytest.mark.parametrize("by", ["orm", "bulk", "sql"])
def test_nothing_is_written_for_another_organization(full: World, by: str) -> None:
    stray = Membership(organization=full.globex, pilot=full.memberships["otto"].pilot)
    insert = (
        "INSERT INTO pilots_membership (organization_id, pilot_id, role, created_at) VALUES (%s, %s, 'ADMIN', now())"
    )
    ways: dict[str, Callable[[], Any]] = {
        "orm": stray.save,
        "bulk": lambda: Membership.objects.bulk_create([stray]),
        "sql": lambda: raw(insert, [full.globex.pk, stray.pilot_id]),
    }
    with acting_in(full.acme.pk), pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        ways[by]()
    assert Membership.objects.for_organization(full.globex.pk).count() == 1


def test_no_row_is_moved_to_another_organization(full: World) -> None:
    rows = Membership.objects.for_organization(full.acme.pk).filter(pilot=full.memberships["otto"].pilot)
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        rows.update(organization=full.globex)


def test_rows_of_several_organizations_are_not_written_in_one_go(full: World) -> None:
    pilot = full.memberships["otto"].pilot
    with pytest.raises(ValueError, match="several organizations"):
        Membership.objects.bulk_create(
            [Membership(organization=here, pilot=pilot) for here in (full.acme, full.globex)]
        )


def test_what_a_relation_leads_to_is_its_own_organizations(full: World) -> None:
    row = Intervention.objects.for_organization(full.globex.pk).get(request_id="decided")
    assert [approval.pilot_id for approval in row.approvals.all()] == ["local:gina"]
    with acting_in(full.acme.pk):
        assert list(row.approvals.all()) == []
    # A pilot is nobody's: their memberships are seen where one acts, or by name.
    assert list(full.memberships["gina"].pilot.memberships.all()) == []


def test_a_row_in_hand_is_saved_read_again_and_removed_as_its_own(full: World) -> None:
    key = full.keys["agent"][0]
    key.name = "renamed"
    key.save()
    key.refresh_from_db()
    later = ApiKey.objects.for_organization(full.acme.pk).defer("name").get(pk=key.pk)
    assert (key.name, later.name) == ("renamed", "renamed")
    assert key.delete()[0] == 1


def test_crossing_is_for_the_statement_that_says_so_alone(full: World) -> None:
    assert {row.organization_id for row in ApiKey.across_organizations.all()} == {full.acme.pk, full.globex.pk}
    assert owners(ApiKey) == set()
    for row in ApiKey.across_organizations.iterator():
        assert owners(ApiKey) == set(), row
    with acting_in(full.acme.pk):
        assert ApiKey.across_organizations.count() == 3
        assert owners(ApiKey) == {full.acme.pk}


def test_every_way_of_asking_the_database_is_told(full: World) -> None:
    rows, pk = Event.objects.for_organization(full.acme.pk), full.acme.pk
    number = rows.count()
    assert number == len(rows) == len(list(rows.iterator())) == len(rows.in_bulk()) == len(rows.values_list("pk"))
    assert number == rows.aggregate(number=models.Count("pk"))["number"]
    assert rows.exists()
    assert rows.contains(rows.latest("seq"))
    assert rows.filter(pk=rows.earliest("seq").pk).union(rows.filter(pk=rows.latest("seq").pk)).count() == 2
    assert list(rows.dates("at", "year"))
    assert (
        Approval.objects.for_organization(pk).select_related("intervention").first().intervention.organization_id == pk
    )
    assert "Scan" in rows.explain()
    assert Stream.objects.for_organization(pk).get_or_create(organization_id=pk) == (
        Stream.objects.for_organization(pk).get(),
        False,
    )
    assert async_to_sync(_number_of)(rows) == (number, number)


async def _number_of(rows: Any) -> tuple[int, int]:
    return len([row async for row in rows.all()]), len([row async for row in rows.aiterator()])


# What does not leak


def test_a_scope_ends_with_its_block_whatever_happens_there(full: World) -> None:
    with suppress(ZeroDivisionError), acting_in(full.acme.pk), speaking_for(full.globex.pk):
        assert owners(ApiKey) == {full.acme.pk}
        raise ZeroDivisionError
    assert owners(ApiKey) == set()


def test_what_was_told_in_a_transaction_is_untold_by_the_next_statement(full: World) -> None:
    with transaction.atomic():
        with across():
            assert len(owners(ApiKey)) == 2
        assert owners(ApiKey) == set()
        with acting_in(full.globex.pk):
            assert owners(ApiKey) == {full.globex.pk}
        assert owners(ApiKey) == set()


@pytest.mark.parametrize("outcome", ["committed", "rolled back"])
def test_savepoints_take_nothing_along(full: World, outcome: str) -> None:
    """PostgreSQL takes the setting back with a savepoint; what we remember of it must go too."""
    with acting_in(full.acme.pk):
        owners(ApiKey)
        with suppress(ZeroDivisionError), transaction.atomic():
            with across():
                assert len(owners(ApiKey)) == 2
            if outcome == "rolled back":
                raise ZeroDivisionError
        with across():
            assert len(owners(ApiKey)) == 2
        assert owners(ApiKey) == {full.acme.pk}
    assert owners(ApiKey) == set()


def test_after_a_failed_statement_the_next_is_told_anew(full: World) -> None:
    with acting_in(full.acme.pk):
        with suppress(ProgrammingError), transaction.atomic(), across():
            raw("SELECT no_such_column FROM pilots_apikey")
        assert owners(ApiKey) == {full.acme.pk}


@pytest.mark.django_db(transaction=True)
def test_a_connection_goes_back_to_the_pool_with_nothing_told(world: World) -> None:
    told = "SELECT current_setting('chameleon.organization', true), pg_backend_pid()"
    with across():
        assert len(owners(ApiKey)) == 2
        with transaction.atomic():
            assert raw(told)[0][0] == "*"
            mine = raw(told)[0][1]
    for _ in range(100):
        connection.close()
        setting, backend = raw(told)[0]
        assert setting in ("", None)
        assert owners(ApiKey) == set()
        if backend == mine:
            break
    else:
        pytest.fail("the pool never gave the same connection again")


@pytest.mark.django_db(transaction=True)
def test_one_message_is_one_transaction(world: World) -> None:
    """Outside of a transaction nothing outlives the statement, on the very same connection."""
    with acting_in(world.acme.pk):
        assert owners(ApiKey) == {world.acme.pk}
        assert owners(ApiKey) == {world.acme.pk}
    assert owners(ApiKey) == set()
    with acting_in(world.globex.pk):
        assert owners(ApiKey) == {world.globex.pk}


@pytest.mark.django_db(transaction=True)
def test_threads_know_nothing_of_each_other(world: World) -> None:
    seen: dict[str, set[int | None]] = {}

    def look(name: str) -> None:
        seen[name] = owners(ApiKey)
        connection.close()

    with acting_in(world.acme.pk):
        thread = threading.Thread(target=look, args=["a new thread"])
        thread.start()
        thread.join()
        assert owners(ApiKey) == {world.acme.pk}
    assert seen == {"a new thread": set()}


@pytest.mark.django_db(transaction=True)
def test_tasks_of_one_loop_see_each_their_own(world: World) -> None:
    def look() -> set[int | None]:
        try:
            return owners(ApiKey)
        finally:
            connection.close()

    async def task(organization: Organization) -> set[int | None]:
        with acting_in(organization.pk):
            await asyncio.sleep(0)
            return await sync_to_async(look, thread_sensitive=False)()

    async def all_of_them() -> list[set[int | None]]:
        return await asyncio.gather(*[task(here) for here in [world.acme, world.globex] * 5])

    assert async_to_sync(all_of_them)() == [{world.acme.pk}, {world.globex.pk}] * 5


# How statements are told


@pytest.fixture
def sent() -> Iterator[list[str]]:
    """Every text that goes out to PostgreSQL."""
    texts: list[str] = []

    def note(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        texts.append(str(sql))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield texts


def test_in_a_transaction_it_is_told_once(full: World, sent: list[str]) -> None:
    with acting_in(full.acme.pk), transaction.atomic():
        for _ in range(3):
            owners(ApiKey)
    assert sum("SET LOCAL" in text for text in sent) == 1
    assert not any("SAVEPOINT" in text and "SET LOCAL" in text for text in sent)


def test_nothing_is_sent_by_itself(full: World, sent: list[str]) -> None:
    """No round trip more: the setting travels in the statement's own message."""
    with acting_in(full.acme.pk):
        owners(ApiKey)
    assert [text.partition("; ")[0] for text in sent] == [f"SET LOCAL chameleon.organization = '{full.acme.pk}'"]


def test_results_are_the_statements_own(full: World) -> None:
    pk = full.acme.pk
    with acting_in(pk), connection.cursor() as cursor:
        cursor.execute("SELECT name AS who FROM pilots_apikey WHERE name LIKE 'a%' ORDER BY name")
        assert ([column.name for column in cursor.description], cursor.rowcount) == (["who"], 1)
        assert (cursor.fetchone(), cursor.fetchone()) == (("agent",), None)
    with acting_in(full.globex.pk), connection.cursor() as cursor:
        cursor.execute("SELECT %s, '100%%', count(*) FROM pilots_apikey", ["it's"])
        assert cursor.fetchall() == [("it's", "100%", 1)]
    with acting_in(pk), connection.cursor() as cursor:
        cursor.execute("UPDATE pilots_apikey SET name = name || %(tail)s RETURNING name", {"tail": "!"})
        assert sorted(cursor.fetchall()) == [("agent!",), ("reader!",)]
    with acting_in(full.globex.pk), connection.cursor() as cursor:
        cursor.execute("UPDATE pilots_apikey SET name = 'x'")
        assert (cursor.rowcount, cursor.description) == (1, None)
    with acting_in(pk), connection.cursor() as cursor:
        cursor.execute("SELECT 1; SELECT count(*) FROM pilots_apikey")
        assert (cursor.fetchone(), cursor.nextset(), cursor.fetchone()) == ((1,), True, (2,))


@pytest.mark.parametrize("mode", ["inside", pytest.param("outside", marks=pytest.mark.django_db(transaction=True))])
def test_many_statements_in_one_call_and_cursors_of_the_server_are_told_too(world: World, mode: str) -> None:
    insert = "INSERT INTO interventions_pilottally (organization_id, pilot_id, count) VALUES (%s, %s, 1)"
    with acting_in(world.acme.pk), connection.cursor() as cursor:
        cursor.executemany(insert, [(world.acme.pk, "one"), (world.acme.pk, "two")])
        assert cursor.rowcount == 2
    with transaction.atomic(), acting_in(world.acme.pk), connection.chunked_cursor() as cursor:
        cursor.execute("SELECT name FROM pilots_apikey ORDER BY name")
        assert cursor.fetchall() == [("agent",), ("reader",)]
    with acting_in(world.acme.pk), pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(insert, [(world.acme.pk, "three"), (world.globex.pk, "four")])


@pytest.mark.django_db(transaction=True)
def test_what_must_stand_alone_stands_alone(world: World) -> None:
    with acting_in(world.acme.pk):
        raw("CREATE INDEX CONCURRENTLY for_this_test ON pilots_apikey (name)")
        raw("DROP INDEX CONCURRENTLY for_this_test")
        raw("VACUUM pilots_apikey")
        with database.snapshot():
            assert raw("SHOW transaction_isolation") == [("repeatable read",)]
            assert owners(ApiKey) == {world.acme.pk}


def test_the_policy_leaves_indexes_their_work(full: World) -> None:
    rows = Event.objects.for_organization(full.acme.pk).filter(seq__gt=1).order_by("seq")[:10]
    with transaction.atomic():
        raw("SET LOCAL enable_seqscan = off")
        raw("SET LOCAL enable_bitmapscan = off")
        raw("SET LOCAL enable_sort = off")
        plan = rows.explain()
    condition = next(line for line in plan.splitlines() if "Index Cond" in line)
    assert f"organization_id = {full.acme.pk}" in condition
    assert "seq > 1" in condition
    # Read once for the statement, not for each row.
    assert "InitPlan" in plan
    assert "current_setting" not in next(line for line in plan.splitlines() if "Filter" in line)
