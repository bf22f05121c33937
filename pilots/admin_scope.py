"""Whose rows does a page of the back office show, and who may change them? A superuser's page: everybody's. That of
staff who are admin of an organization: their own organization's, as far as the policy lets an admin go."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.db import models
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from pilots import policy
from pilots.admin_fields import ForgivingAutocomplete, StrictJSONField
from pilots.admin_lists import Listed
from pilots.caller import Caller
from pilots.database import writing
from pilots.memberships import memberships_of
from pilots.models import Membership, Organization, Pilot


def is_above(request: HttpRequest) -> bool:
    """True for superusers, who stand above organizations."""
    return bool(request.user.is_active and request.user.is_superuser)


def place_of(request: HttpRequest) -> Membership | None:
    """Where staff who are no superusers work: the organization last used, among those whose admin they are."""
    pilot = request.user
    if not isinstance(pilot, Pilot) or not pilot.is_staff:
        return None
    rows = [row for row in memberships_of(pilot) if policy.may(Caller.of_pilot(row), "read_team")]
    last = request.session.get("organization")
    return next((row for row in rows if row.organization.slug == last), next(iter(rows), None))


def caller_of(request: HttpRequest) -> Caller | None:
    """As whom somebody below superusers is at work; None where they are at work nowhere. Looked up once a request."""
    if not hasattr(request, "_back_office_caller"):
        place = place_of(request)
        request._back_office_caller = None if place is None else Caller.of_pilot(place)  # type: ignore[attr-defined]
    caller: Caller | None = request._back_office_caller  # type: ignore[attr-defined]
    return caller


class _Own:
    """Of whatever page, a superuser sees everybody's rows, and anybody else those of the organization they work in."""

    # Where a row says whose it is.
    owner = "organization_id"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        if is_above(request):
            return rows
        caller = caller_of(request)
        return rows.filter(**{self.owner: caller.organization.pk}) if caller else rows.none()


class OfOrganization(_Own, Listed, admin.ModelAdmin):  # type: ignore[type-arg]
    """For every table of an organization. `verbs` gives the policy's verb for each permission of Django's; what has
    none is for superusers alone."""

    verbs: ClassVar[dict[str, str]] = {}
    may: Callable[[Caller, str], bool] = staticmethod(policy.may)

    formfield_overrides: ClassVar = {models.JSONField: {"form_class": StrictJSONField}}

    def allows(self, request: HttpRequest, permission: str, row: Model | None = None) -> bool:
        if is_above(request):
            return True
        caller, verb = caller_of(request), self.verbs.get(permission)
        if caller is None or verb is None or not self.may(caller, verb):
            return False
        return row is None or getattr(row, self.owner) == caller.organization.pk

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.allows(request, "view", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.allows(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.allows(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.allows(request, "delete", obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def response_action(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse | None:
        # All of the chosen rows or none: Django notes the deletion of each before the first is tried.
        with writing():
            return super().response_action(request, *args, **kwargs)

    def get_list_filter(self, request: HttpRequest) -> Any:
        # Its choices would name the others.
        filters = super().get_list_filter(request)
        return filters if is_above(request) else [name for name in filters if name != "organization"]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        caller = caller_of(request)
        if db_field.related_model is Organization and not is_above(request) and caller is not None:
            kwargs["queryset"] = Organization.objects.filter(pk=caller.organization.pk)
            kwargs["initial"] = caller.organization.pk
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = ForgivingAutocomplete(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class ShownInline(_Own, admin.TabularInline):  # type: ignore[type-arg]
    """Rows beside the one they belong to, to be looked at by whoever sees that one."""

    extra = 0
    can_delete = False

    def has_view_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return True

    def has_add_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False


class AboveOrganizations(Listed):
    """For what belongs to no organization: superusers alone, whatever permissions Django has stored of anybody."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_above(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_above(request)

    def has_change_permission(self, request: HttpRequest, _obj: Model | None = None) -> bool:
        return is_above(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_above(request)
