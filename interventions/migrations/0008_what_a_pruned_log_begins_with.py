from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('interventions', '0007_search'),
    ]

    operations = [
        migrations.AddField(
            model_name='stream',
            name='base_hash',
            # The release before this one goes on adding streams while it is replaced.
            field=models.CharField(db_default='', default='', max_length=64),
        ),
    ]
