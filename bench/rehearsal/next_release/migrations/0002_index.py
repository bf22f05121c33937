from django.db import migrations


class Migration(migrations.Migration):
    # Reads and writes go on while it is built.
    atomic = False
    dependencies = [("next_release", "0001_column")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY rehearsed ON interventions_intervention (organization_id, rehearsed)",
            "DROP INDEX CONCURRENTLY IF EXISTS rehearsed",
        )
    ]
