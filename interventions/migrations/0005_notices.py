"""Notices, and how far each log has been read for them. What happened before is told of nobody: reading begins at the end."""

import django.db.models.deletion
import django.db.models.manager
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Q

from pilots.row_security import RowLevelSecurity

AMBIENT = [("ambient", django.db.models.manager.Manager())]


def begin_at_the_end(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    positions = apps.get_model("interventions", "NoticePosition").ambient
    for stream in apps.get_model("interventions", "Stream").ambient.all():
        positions.create(organization_id=stream.organization_id, seq=stream.last_seq)


class Migration(migrations.Migration):
    dependencies = [
        ("interventions", "0004_history_in_the_order_of_its_index"),
        ("pilots", "0005_own_settings"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="NoticePosition",
            fields=[
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="pilots.organization",
                    ),
                ),
                ("seq", models.BigIntegerField(default=0)),
            ],
            managers=AMBIENT,
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hook_id", models.BigIntegerField(null=True)),
                ("channel", models.CharField(max_length=16)),
                ("kind", models.CharField(max_length=16)),
                ("request_ids", models.JSONField(default=list)),
                ("created_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("left_until", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("outcome", models.CharField(blank=True, max_length=8)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="pilots.organization"
                    ),
                ),
                (
                    "pilot",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(pilot=None, hook_id__isnull=False) | Q(pilot__isnull=False, hook_id=None),
                        name="notice_for_one",
                    )
                ],
                "indexes": [
                    models.Index(fields=["due_at"], condition=Q(ended_at=None), name="notice_due"),
                    models.Index(fields=["organization", "pilot"], condition=Q(ended_at=None), name="notice_open"),
                    models.Index(fields=["organization", "ended_at"], name="notice_ended"),
                ],
            },
            managers=AMBIENT,
        ),
        RowLevelSecurity("noticeposition"),
        RowLevelSecurity("notice"),
        migrations.RunPython(begin_at_the_end, migrations.RunPython.noop),
    ]
