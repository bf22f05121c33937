"""The record in the back office: to be looked at. Whoever changes an intervention does so as a pilot or an agent."""

from typing import ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from interventions import policy
from interventions.insight.report import report
from interventions.models import Approval, Event, Intervention, Stream
from pilots.admin_access import ReadOnly


class OfRecord(ReadOnly):
    """What staff of an organization see of it is what its admins see on their pages."""

    verbs: ClassVar = {"view": "read"}
    may = staticmethod(policy.may)


class ApprovalInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Approval
    extra = 0
    fields = ("pilot_id", "at", "action_reason")

    def has_view_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        """Whoever sees the request sees who approved it."""
        return True

    def has_add_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False


@admin.register(Intervention)
class InterventionAdmin(OfRecord):
    list_display = ("request_id", "organization", "title", "status", "priority", "created_at", "decided_by")
    list_filter = ("status", "priority", "intervention_type", "organization")
    search_fields = ("=request_id", "=uow_id")
    date_hierarchy = None
    list_select_related = ("organization",)
    # An exact count of millions of rows would be the slowest part of the page.
    show_full_result_count = False
    inlines = (ApprovalInline,)


@admin.register(Event)
class EventAdmin(OfRecord):
    verbs: ClassVar = {"view": "read_events"}
    list_display = ("seq", "organization", "type", "request_id", "actor", "at")
    list_filter = ("type", "organization")
    search_fields = ("=request_id", "=actor")
    list_select_related = ("organization",)
    show_full_result_count = False
    ordering = ("-pk",)


@admin.register(Stream)
class StreamAdmin(OfRecord):
    verbs: ClassVar = {"view": "read_events"}
    list_display = ("organization", "epoch", "first_seq", "last_seq", "head_hash")


@require_safe
def report_page(request: HttpRequest) -> HttpResponse:
    """The figures of all organizations; being let into the back office is not enough."""
    if not getattr(request.user, "is_superuser", False):
        raise PermissionDenied
    shown = {"title": "Report on all organizations", "report": report(), "now": timezone.now()}
    return render(request, "admin/report.html", admin.site.each_context(request) | shown)
