"""An organization that grows in one table: millions of decisions, the log of the newest of them, and their tallies."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

TABLE = "interventions_intervention"
# Of whatever is older, the log was archived.
LOGGED = 1_000_000
_EVENTS_AT_ONCE = 20_000

_OTHER_INDEXES = f"""
SELECT indexname, indexdef FROM pg_indexes i
WHERE tablename = '{TABLE}' AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)
"""  # noqa: S608 -- the names are ours
_TALLIES = f"""
INSERT INTO interventions_tally (organization_id, day, intervention_type, priority, status, count, seconds)
SELECT organization_id, day, intervention_type, priority, status, count(*),
    COALESCE(sum(extract(epoch FROM action_timestamp - created_at)) FILTER (WHERE status <> 'EXPIRED'), 0)
FROM {TABLE}, LATERAL (VALUES (DATE '0001-01-01'), (action_timestamp::date)) d(day)
WHERE organization_id = %s AND action_timestamp IS NOT NULL GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608
_PILOTS = f"""
INSERT INTO interventions_pilottally (organization_id, pilot_id, count)
SELECT organization_id, decided_by, count(*) FROM {TABLE}
WHERE organization_id = %s AND decided_by IS NOT NULL GROUP BY 1, 2
"""  # noqa: S608


def grow(organization_id: int, before: int, size: int) -> float:
    """From `before` decisions to `size`; the seconds it took. As after the night's VACUUM."""
    from django.db import connection  # noqa: PLC0415 -- the settings are known only now

    from pilots.tenancy import speaking_for  # noqa: PLC0415
    from tests.past import past  # noqa: PLC0415

    began = time.monotonic()
    with connection.cursor() as cursor, speaking_for(organization_id):
        cursor.execute("SET maintenance_work_mem = '1GB'")
        with _without_indexes(cursor):
            past(organization_id, size, beyond=before)
        _recount(cursor, organization_id)
        _log(organization_id, min(size, LOGGED), min(before, LOGGED))
        cursor.execute(f"VACUUM ANALYZE {TABLE}, interventions_searchentry, interventions_event, interventions_tally")
    return time.monotonic() - began


@contextmanager
def _without_indexes(cursor: Any) -> Iterator[None]:
    cursor.execute(_OTHER_INDEXES)
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f'DROP INDEX "{name}"')
    yield
    for _, definition in indexes:
        cursor.execute(definition)


def _recount(cursor: Any, organization_id: int) -> None:
    cursor.execute("DELETE FROM interventions_tally WHERE organization_id = %s", [organization_id])
    cursor.execute("DELETE FROM interventions_pilottally WHERE organization_id = %s", [organization_id])
    cursor.execute(_TALLIES, [organization_id])
    cursor.execute(_PILOTS, [organization_id])


def _log(organization_id: int, size: int, before: int) -> None:
    """The decision of each of the newest, chained as `interventions.events` chains."""
    from interventions.events import hash_of, stream_of  # noqa: PLC0415
    from interventions.inserting import inserting  # noqa: PLC0415
    from interventions.models import Event, Stream  # noqa: PLC0415
    from pilots import chains, database  # noqa: PLC0415

    stream = stream_of(organization_id)
    at = datetime.now(UTC)
    for first in range(before, size, _EVENTS_AT_ONCE):
        events = []
        for number in range(first, min(first + _EVENTS_AT_ONCE, size)):
            data = {"status": "APPROVED", "old_status": "PENDING", "version": 2, "action_reason": "As agreed."}
            salt = f"{number:032x}"
            event = Event(
                organization_id=organization_id,
                seq=stream.last_seq + 1,
                type="approved",
                request_id=f"old-{number + 1}",
                at=at,
                actor="local:p1",
                actor_reference="0" * 32,
                data=data,
                salt=salt,
                data_digest=chains.digest_of(data, salt),
            )
            event.hash = hash_of(stream.head_hash, event)
            stream.last_seq, stream.head_hash = event.seq, event.hash
            events.append(event)
        database.run([inserting(Event, events)])
    Stream.objects.for_organization(organization_id).update(last_seq=stream.last_seq, head_hash=stream.head_hash)
