"""A long history, written past the rules in few statements: for what depends on how much there is. PostgreSQL only."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from interventions.events import stream_of
from interventions.lifecycle import Type
from interventions.search import marks, of_organization, words_of
from pilots.tenancy import speaking_for

# As many as fit into one statement without keeping it for minutes.
AT_ONCE = 100_000
# One in so many has the word that a search looks for in vain until then.
RARE = 400_000
_INSERT = """
INSERT INTO interventions_intervention (
    organization_id, request_id, uow_id, intervention_type, status, priority, title, description, context, tags,
    required_role, approvals_required, created_at, updated_at, action_timestamp, decided_by, action_reason, version,
    content_hash, draft_digest)
SELECT %(organization)s, 'old-' || n, 'uow-' || n %% 1000, (ARRAY['clarification', 'resume', 'cancel'])[1 + n %% 3],
    (ARRAY['APPROVED', 'REJECTED', 'COMPLETED', 'CANCELLED', 'EXPIRED'])[1 + n %% 5], n %% 4,
    'Pay invoice ' || n || CASE WHEN n %% %(rare)s = 0 THEN ' to the heron' ELSE ' to the usual vendor' END,
    %(said)s, '{}', '["finance","t' || n %% 50 || '"]',
    'OPERATOR', 1, moment, moment, moment + interval '90 seconds', 'local:p' || n %% 20, 'As agreed.', 2,
    repeat('0', 64), repeat('0', 64)
FROM generate_series(%(first)s, %(last)s) n, LATERAL (SELECT now() - n * interval '20 seconds' AS moment) m
ORDER BY n DESC
"""
# What is said of each of them.
_SAID = "What is said about it goes on for a while. " * 8
# As `search.entry` would: parted here, for a million texts take the database minutes.
_ENTER = """
INSERT INTO interventions_searchentry (intervention_id, organization_id, words)
SELECT id, organization_id, array_to_tsvector(%(said_words)s::text[] || ARRAY[
    of || split_part(request_id, '-', 2), of || split_part(uow_id, '-', 2), of || 't' || n %% 50,
    of || CASE WHEN n %% %(rare)s = 0 THEN 'heron' ELSE 'vendor' END,
    of || CASE WHEN n %% %(rare)s = 0 THEN 'the' ELSE 'usual' END,
    of || (%(marks)s::jsonb ->> intervention_type), of || (%(marks)s::jsonb ->> ('t' || n %% 50))])
FROM made, LATERAL (SELECT organization_id || '_' AS of, split_part(request_id, '-', 2)::bigint AS n) its
"""
# What all of them have.
_SHARED = ["old", "uow", "pay", "invoice", "to", "the", *words_of(_SAID), "finance", *marks(tag="finance")]
# What the log, the quorum and those who are told have of each decision; no chain holds over it.
_TELL = [
    """
    INSERT INTO interventions_event (
        organization_id, seq, type, request_id, at, actor, actor_reference, data, salt, data_digest, hash)
    SELECT organization_id, row_number() OVER (ORDER BY created_at, part), (ARRAY['created', 'approved'])[1 + part],
        request_id, CASE part WHEN 0 THEN created_at ELSE action_timestamp END, decided_by, decided_by, '{}', '', '', ''
    FROM interventions_intervention, generate_series(0, 1) part WHERE organization_id = %(organization)s
    """,
    """
    UPDATE interventions_stream SET last_seq = (
        SELECT max(seq) FROM interventions_event WHERE organization_id = %(organization)s
    ) WHERE organization_id = %(organization)s
    """,
    """
    INSERT INTO interventions_approval (organization_id, intervention_id, pilot_id, at)
    SELECT organization_id, id, decided_by, action_timestamp FROM interventions_intervention
    WHERE organization_id = %(organization)s AND status IN ('APPROVED', 'COMPLETED')
    """,
    """
    INSERT INTO interventions_notice (
        organization_id, hook_id, channel, kind, request_ids, created_at, due_at, attempts, ended_at, outcome)
    SELECT organization_id, 1, 'chat', 'new', '[]', created_at, created_at, 1, created_at, 'sent'
    FROM interventions_intervention WHERE organization_id = %(organization)s
    """,
]
_MARKS = json.dumps(
    {tag: marks(tag=tag)[0] for tag in (f"t{number}" for number in range(50))}
    | {kind: marks(intervention_type=kind)[0] for kind in Type}
)


def told_past(organization_id: int, size: int) -> None:
    """`past`, with what else there is of each decision: events, approvals, notices that were sent."""
    past(organization_id, size)
    stream_of(organization_id)
    with speaking_for(organization_id), connection.cursor() as cursor:
        for statement in _TELL:
            cursor.execute(statement, {"organization": organization_id})
        for index in ("event_by_moment", "approval_by_moment"):
            # As VACUUM does by and by.
            cursor.execute("SELECT brin_summarize_new_values(%s)", [index])
        for table in ("event", "stream", "approval", "notice"):
            cursor.execute(f"ANALYZE interventions_{table}")


@contextmanager
def _without_words() -> Iterator[None]:
    """The index of words is made anew afterwards: of so many at once that is quicker."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef('by_words'::regclass)")
        definition = cursor.fetchone()[0]
        cursor.execute("DROP INDEX by_words")
        yield
        # No index is made while foreign keys wait to be looked at.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(definition)


def past(organization_id: int, size: int, *, beyond: int = 0) -> None:
    """`size` decisions, the first one the latest, 20 seconds apart; the planner knows of them. `beyond`: so many of
    them are there already."""
    shared = of_organization(organization_id, dict.fromkeys(_SHARED))
    said = {"said": _SAID, "said_words": shared, "marks": _MARKS, "rare": RARE}
    with _without_words():
        for first in range(beyond + 1, size + 1, AT_ONCE):
            last = min(first + AT_ONCE - 1, size)
            values = {"organization": organization_id, "first": first, "last": last}
            with speaking_for(organization_id), connection.cursor() as cursor:
                cursor.execute(f"WITH made AS ({_INSERT} RETURNING *) {_ENTER}", values | said)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE interventions_intervention")
        cursor.execute("ANALYZE interventions_searchentry")
