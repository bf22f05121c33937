import django.db.models.deletion
import django.db.models.manager
from django.conf import settings
from django.db import migrations, models

from pilots.row_security import RowLevelSecurity


class Migration(migrations.Migration):

    dependencies = [
        ('interventions', '0005_notices'),
        ('pilots', '0005_own_settings'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ChatHook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=16)),
                ('name', models.CharField(max_length=100)),
                ('sealed_url', models.TextField()),
                ('host', models.CharField(max_length=255)),
                ('lowest_priority', models.PositiveSmallIntegerField(choices=[(0, 'critical'), (1, 'high'), (2, 'normal'), (3, 'low')])),
                ('active', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField()),
                ('last_at', models.DateTimeField(null=True)),
                ('last_result', models.CharField(blank=True, max_length=300)),
                ('last_good', models.BooleanField(default=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='pilots.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'name'), name='chat_hook_name_once')],
            },
            managers=[
                ('ambient', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='PushSubscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('session_key', models.CharField(db_index=True, max_length=40)),
                ('endpoint', models.CharField(max_length=2000)),
                ('endpoint_digest', models.CharField(max_length=64)),
                ('p256dh', models.CharField(max_length=100)),
                ('auth', models.CharField(max_length=32)),
                ('server_key', models.CharField(max_length=100)),
                ('device', models.CharField(max_length=100)),
                ('created_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField()),
                ('last_used_at', models.DateTimeField(null=True)),
                ('failure', models.CharField(blank=True, max_length=200)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='pilots.organization')),
                ('pilot', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['organization', 'pilot'], name='push_by_pilot'), models.Index(fields=['endpoint_digest'], name='push_by_endpoint')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'endpoint_digest'), name='push_endpoint_once')],
            },
            managers=[
                ('ambient', django.db.models.manager.Manager()),
            ],
        ),
        RowLevelSecurity("chathook"),
        RowLevelSecurity("pushsubscription"),
    ]
