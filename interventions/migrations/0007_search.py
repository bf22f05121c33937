"""An index of words over the requests there are, and over those to come, and indexes in the order of lists. See
docs/decisions/0030."""

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import interventions.fields
from interventions import search
from pilots.database import in_steps
from pilots.row_security import RowLevelSecurity

STEP = 1000

# A policy shows no row whose words are not those that are told, and so reads the index: beside row-level security an
# operator that could tell of hidden rows, as @@ could, may use none. Told nothing, it shows whatever the other
# policy does: no word is written with a mere hyphen, so all rows lack it.
POSTGRESQL = [
    """
    CREATE POLICY searched ON interventions_searchentry AS RESTRICTIVE FOR SELECT USING (
        words @@ (SELECT coalesce(nullif(current_setting('chameleon.searched', true), ''), '!''-''')::tsquery)
    )
    """,
    # The rows that hold all of `sought`, found by those words of it that are `looked_up`. It asks again for what the
    # policy has asked: no policy binds a superuser. Costs are no guide here, for nothing is known of what is told.
    """
    CREATE FUNCTION interventions_found(looked_up tsquery, sought tsquery, most integer) RETURNS SETOF bigint
    LANGUAGE plpgsql SET enable_seqscan = off SET enable_indexscan = off AS $$
    BEGIN
        PERFORM set_config('chameleon.searched', looked_up::text, true);
        RETURN QUERY SELECT intervention_id FROM interventions_searchentry WHERE words @@ sought LIMIT most;
        PERFORM set_config('chameleon.searched', '', true);
    END $$
    """,
    # What is written is put aside and sorted in when so many KiB have come together: a create waits for a few
    # milliseconds at most.
    """
    CREATE INDEX by_words ON interventions_searchentry USING gin (words)
    WITH (fastupdate = on, gin_pending_list_limit = 512)
    """,
    # Lists of everything in the order of its urgency. SQLite, which does not know how many are decided, would read the
    # queue by it, and walk through all of those.
    "CREATE INDEX by_priority ON interventions_intervention (organization_id, priority, created_at, id)",
    # The back office narrows by time. These two are only ever added to, so that a few pages of an index tell where.
    "CREATE INDEX event_by_moment ON interventions_event USING brin (at) WITH (pages_per_range = 32)",
    "CREATE INDEX approval_by_moment ON interventions_approval USING brin (at) WITH (pages_per_range = 32)",
]
SQLITE = [
    # Words are folded already: the tokenizer shall part them at spaces, and do no more.
    """
    CREATE VIRTUAL TABLE interventions_searchwords
    USING fts5(words, content = '', detail = none, tokenize = "ascii tokenchars '_#'")
    """,
    """
    INSERT INTO interventions_searchwords (rowid, words)
    SELECT intervention_id, words FROM interventions_searchentry
    """,
    """
    CREATE TRIGGER interventions_searchentry_added AFTER INSERT ON interventions_searchentry BEGIN
        INSERT INTO interventions_searchwords (rowid, words) VALUES (new.intervention_id, new.words);
    END
    """,
    """
    CREATE TRIGGER interventions_searchentry_gone AFTER DELETE ON interventions_searchentry BEGIN
        INSERT INTO interventions_searchwords (interventions_searchwords, rowid, words)
        VALUES ('delete', old.intervention_id, old.words);
    END
    """,
]
UNDO = {
    "postgresql": [
        "DROP INDEX by_priority, event_by_moment, approval_by_moment",
        "DROP FUNCTION interventions_found",
        "DROP POLICY searched ON interventions_searchentry",
    ],
    "sqlite": ["DROP TABLE interventions_searchwords"],
}


def enter(apps, _schema_editor):
    """What was asked before there was an index."""
    entries = apps.get_model("interventions", "SearchEntry").ambient
    columns = ("organization_id", "request_id", "uow_id", "intervention_type", "title", "description", "tags")
    rows = in_steps(apps.get_model("interventions", "Intervention").ambient.only(*columns), "id", step=STEP)
    made = []
    for row in rows:
        made.append(
            entries.model(intervention_id=row.pk, organization_id=row.organization_id, words=search.entry(row))
        )
        if len(made) == STEP:
            entries.bulk_create(made)
            made = []
    entries.bulk_create(made)


def index(_apps, schema_editor):
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement)


def drop(_apps, schema_editor):
    for statement in UNDO[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):

    dependencies = [
        ('interventions', '0006_push_and_chat'),
        ('pilots', '0006_deactivated_members'),
    ]

    operations = [
        migrations.CreateModel(
            name='SearchEntry',
            fields=[
                ('intervention', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='interventions.intervention')),
                ('words', interventions.fields.WordsField()),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='pilots.organization')),
            ],
            options={
                'verbose_name_plural': 'search entries',
            },
            managers=[
                ('ambient', django.db.models.manager.Manager()),
            ],
        ),
        RowLevelSecurity("searchentry"),
        migrations.RemoveIndex(model_name='intervention', name='by_status_priority'),
        migrations.AddIndex(
            model_name='intervention',
            index=models.Index(fields=['organization', 'status', 'created_at', 'id'], name='by_status'),
        ),
        migrations.RemoveIndex(model_name='notice', name='notice_ended'),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(fields=['ended_at', 'organization'], name='notice_ended'),
        ),
        migrations.RunPython(enter, migrations.RunPython.noop),
        migrations.RunPython(index, drop),
    ]
