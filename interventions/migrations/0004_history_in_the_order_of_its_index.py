from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('interventions', '0003_row_level_security'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='intervention',
            name='by_decision',
        ),
        migrations.AddIndex(
            model_name='intervention',
            index=models.Index(fields=['organization', 'action_timestamp', 'id'], name='by_decision'),
        ),
    ]
