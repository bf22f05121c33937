"""PostgreSQL itself shows no rows but those of the organization it was told. See docs/decisions/0013."""

import django.db.models.manager
from django.db import migrations

from pilots.row_security import RowLevelSecurity

MODELS = [
    "accesschain",
    "accessevent",
    "apikey",
    "invitation",
    "membership",
    "refreshfamily",
]


class Migration(migrations.Migration):
    dependencies = [("pilots", "0003_access")]

    operations = [
        operation
        for model in MODELS
        for operation in (
            migrations.AlterModelManagers(name=model, managers=[("ambient", django.db.models.manager.Manager())]),
            RowLevelSecurity(model),
        )
    ]
