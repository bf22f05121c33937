"""The access log in the back office: who did what, to be looked at; and who is at work here, for its entries."""

from typing import ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from pilots.access_log import SYSTEM, Party
from pilots.admin_scope import OfOrganization
from pilots.models import AccessChain, AccessEvent, Pilot


def acting(request: HttpRequest) -> Party:
    """Who is at work in the back office, as the access log names them."""
    return Party.of(request.user) if isinstance(request.user, Pilot) else SYSTEM


class ReadOnly(OfOrganization):
    """No row is added, changed or removed past the actions, which alone keep the logs in step."""

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False


@admin.register(AccessEvent)
class AccessEventAdmin(ReadOnly):
    verbs: ClassVar = {"view": "read_access_log"}
    list_display = ("moment", "organization", "type", "actor", "subject", "seq")
    list_filter = ("type", "organization")
    search_fields = ("=actor", "=subject")
    list_select_related = ("organization",)
    # An exact count of years of sign-ins would be the slowest part of the page.
    show_full_result_count = False
    ordering = ("-pk",)

    @admin.display(description="at (UTC)", ordering="at")
    def moment(self, event: AccessEvent) -> str:
        return f"{event.at:%Y-%m-%d %H:%M:%S}"


@admin.register(AccessChain)
class AccessChainAdmin(ReadOnly):
    verbs: ClassVar = {"view": "read_access_log"}
    list_display = ("__str__", "organization", "last_seq", "head_hash")
    list_select_related = ("organization",)
