from django.db import migrations

# Rather given up, and tried again, than everybody queueing behind one that waits.
CAREFULLY = "SET LOCAL lock_timeout = '2s'"


class Migration(migrations.Migration):
    dependencies = [("interventions", "__latest__")]

    operations = [
        migrations.RunSQL(
            [CAREFULLY, "ALTER TABLE interventions_intervention ADD COLUMN rehearsed varchar(20) NULL"],
            [CAREFULLY, "ALTER TABLE interventions_intervention DROP COLUMN rehearsed"],
        )
    ]
