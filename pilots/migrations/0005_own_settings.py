from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def not_chosen(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """UTC is what stood there where nobody had chosen, and pages took it so: they went on showing the device's times."""
    apps.get_model("pilots", "Pilot").objects.filter(timezone="UTC").update(timezone="")


class Migration(migrations.Migration):
    dependencies = [("pilots", "0004_row_level_security")]

    operations = [
        migrations.AddField("pilot", "preferences", models.JSONField(blank=True, default=dict)),
        migrations.AlterField("pilot", "timezone", models.CharField(blank=True, default="", max_length=64)),
        migrations.RunPython(not_chosen, migrations.RunPython.noop),
    ]
