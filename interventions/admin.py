"""The record in the back office: to be looked at. Whoever changes an intervention does so as a pilot or an agent."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from interventions import policy
from interventions.insight.report import report
from interventions.lifecycle import EventType
from interventions.models import Approval, Event, Intervention, Stream
from pilots.admin_access import ReadOnly
from pilots.admin_lists import one_of, within
from pilots.admin_scope import ShownInline, is_above
from pilots.models import Organization


class OfRecord(ReadOnly):
    """What staff of an organization see of it is what its admins see on their pages."""

    verbs: ClassVar = {"view": "read"}
    may = staticmethod(policy.may)
    owner_of_found = "organization"

    def get_search_results(self, request: HttpRequest, rows: QuerySet[Any], text: str) -> tuple[QuerySet[Any], bool]:
        """Above organizations these are named nevertheless: each index begins with one."""
        found, may_repeat = super().get_search_results(request, rows, text)
        everywhere = {f"{self.owner_of_found}__in": Organization.objects.values("pk")}
        return (found.filter(**everywhere) if text else found), may_repeat


class ApprovalInline(ShownInline):
    """Whoever sees the request sees who approved it."""

    model = Approval
    fields = ("pilot_id", "at", "action_reason")


@admin.register(Intervention)
class InterventionAdmin(OfRecord):
    list_display = (
        "request_id",
        "organization",
        "kind",
        "asked",
        "status",
        "priority",
        "assigned_to",
        "created_at",
        "expires_at",
        "decided_by",
    )
    list_filter = ("status", "priority", "intervention_type", within("created_at"), "organization")
    search_fields = ("request_id__exact", "uow_id__exact")
    search_help_text = "The whole request_id or uow_id."
    list_select_related = ("organization",)
    # Other columns have no index in this order.
    sortable_by = ()
    inlines = (ApprovalInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Intervention]:
        rows: QuerySet[Intervention] = super().get_queryset(request)
        # A list shows none of the large columns.
        is_list = request.resolver_match is not None and str(request.resolver_match.url_name).endswith("_changelist")
        return rows.defer("description", "context", "response_schema", "response", "outcome") if is_list else rows

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        # What each is found by without sorting: all of it, or one organization's.
        return ("-pk",) if is_above(request) else ("-created_at", "-id")

    @admin.display(description="type")
    def kind(self, row: Intervention) -> str:
        return row.intervention_type.replace("_", " ")

    @admin.display(description="title")
    def asked(self, row: Intervention) -> str:
        # An agent's text must not turn the columns beside it round.
        return format_html("<bdi>{}</bdi>", row.title)


@admin.register(Approval)
class ApprovalAdmin(OfRecord):
    owner_of_found = "intervention__organization"
    list_display = ("intervention", "organization", "pilot_id", "at", "action_reason")
    list_filter = (within("at"), "organization")
    # Nobody's approvals have an index of their own.
    search_fields = ("intervention__request_id__exact",)
    search_help_text = "The whole request_id."
    list_select_related = ("organization", "intervention")
    sortable_by = ()
    ordering = ("-pk",)


@admin.register(Event)
class EventAdmin(OfRecord):
    """Comments too: they are events, and nothing else."""

    verbs: ClassVar = {"view": "read_events"}
    list_display = ("seq", "organization", "type", "request_id", "actor", "at")
    list_filter = (one_of("type", EventType), within("at"), "organization")
    search_fields = ("request_id__exact",)
    search_help_text = "The whole request_id."
    list_select_related = ("organization",)
    sortable_by = ()

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("-pk",) if is_above(request) else ("-seq",)


@admin.register(Stream)
class StreamAdmin(OfRecord):
    verbs: ClassVar = {"view": "read_events"}
    list_display = ("organization", "epoch", "first_seq", "last_seq", "head_hash")
    list_select_related = ("organization",)


@require_safe
def report_page(request: HttpRequest) -> HttpResponse:
    """The figures of all organizations; being let into the back office is not enough."""
    if not getattr(request.user, "is_superuser", False):
        raise PermissionDenied
    shown = {"title": "Report on all organizations", "report": report(), "now": timezone.now()}
    return render(request, "admin/report.html", admin.site.each_context(request) | shown)
