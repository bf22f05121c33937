"""The access log in the back office: who did what, to be looked at; and who is at work here, for its entries."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from pilots.access_log import SYSTEM, Party
from pilots.admin_lists import ACCESS_TYPE, within
from pilots.admin_scope import OfOrganization, is_above
from pilots.models import AccessChain, AccessEvent, Pilot


def acting(request: HttpRequest) -> Party:
    """Who is at work in the back office, as the access log names them."""
    return Party.of(request.user) if isinstance(request.user, Pilot) else SYSTEM


class ReadOnly(OfOrganization):
    """No row is added, changed or removed past the actions, which alone keep the logs in step."""

    actions: Any = None

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
    list_filter = (ACCESS_TYPE, within("at"), "organization")
    search_fields = ("=actor", "=subject")
    search_help_text = "The whole pilot_id, or key:NAME."
    list_select_related = ("organization",)
    # Other columns have no index in this order.
    sortable_by = ()

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        # What each is found by without sorting: all of it, or one organization's.
        return ("-pk",) if is_above(request) else ("-seq",)

    @admin.display(description="at (UTC)", ordering="at")
    def moment(self, event: AccessEvent) -> str:
        return f"{event.at:%Y-%m-%d %H:%M:%S}"


@admin.register(AccessChain)
class AccessChainAdmin(ReadOnly):
    verbs: ClassVar = {"view": "read_access_log"}
    list_display = ("__str__", "organization", "last_seq", "head_hash")
    list_select_related = ("organization",)
