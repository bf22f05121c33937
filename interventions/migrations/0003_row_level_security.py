"""PostgreSQL itself shows no rows but those of the organization it was told. See docs/decisions/0013."""

import django.db.models.manager
from django.db import migrations

from pilots.row_security import RowLevelSecurity

MODELS = [
    "approval",
    "event",
    "idempotencyrecord",
    "intervention",
    "pilottally",
    "stream",
    "tally",
]


class Migration(migrations.Migration):
    dependencies = [("interventions", "0002_find_lapsed_claims_by_their_lease")]

    operations = [
        operation
        for model in MODELS
        for operation in (
            migrations.AlterModelManagers(name=model, managers=[("ambient", django.db.models.manager.Manager())]),
            RowLevelSecurity(model),
        )
    ]
