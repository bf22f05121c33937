"""What is past its deadline is found by its organization; and no table that grows has an index over that alone.

PostgreSQL took it now and then for the smallest of several bad ways, and walked through all of an organization's rows.
"""

import django.db.models.deletion
from django.db import migrations, models

# As Django named them.
INDEXES = {
    "intervention": "interventions_intervention_organization_id_ed3f6b7a",
    "event": "interventions_event_organization_id_59ba8828",
    "tally": "interventions_tally_organization_id_cceb9ab9",
    "pilottally": "interventions_pilottally_organization_id_63280705",
}


def without(model: str) -> migrations.SeparateDatabaseAndState:
    """By hand: on SQLite Django would write the whole table anew, without what migrations added to it."""
    index = INDEXES[model]
    return migrations.SeparateDatabaseAndState(
        state_operations=[
            migrations.AlterField(
                model_name=model,
                name="organization",
                field=models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="pilots.organization",
                ),
            )
        ],
        database_operations=[
            migrations.RunSQL(
                f"DROP INDEX {index}",
                f"CREATE INDEX {index} ON interventions_{model} (organization_id)",
            )
        ],
    )


class Migration(migrations.Migration):
    dependencies = [
        ("interventions", "0008_what_a_pruned_log_begins_with"),
        ("pilots", "0006_deactivated_members"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="intervention",
            index=models.Index(
                fields=["organization", "expires_at"],
                condition=models.Q(("status__in", ["IN_PROGRESS", "PENDING"])),
                name="open_by_deadline",
            ),
        ),
        *map(without, INDEXES),
    ]
