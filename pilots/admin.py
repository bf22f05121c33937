"""The back office for organizations, pilots, memberships and invitations; `pilots.admin_scope` says for whom."""

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db.models import JSONField, Model, QuerySet
from django.http import HttpRequest, HttpResponse

from pilots import access_log, actions, deactivating, invitations
from pilots.admin_access import ReadOnly, acting
from pilots.admin_fields import StrictJSONField
from pilots.admin_keys import ApiKeyAdmin as ApiKeyAdmin
from pilots.admin_scope import AboveOrganizations, OfOrganization, is_above
from pilots.database import writing
from pilots.models import Invitation, Membership, Organization, Pilot
from pilots.roles import Role

admin.site.site_header = "Chameleon back office"
admin.site.site_title = "Chameleon"
admin.site.index_title = "Organizations, pilots, keys and the record"
# Rights come from memberships, not from Django's groups. What allauth keeps has pages of its own, and its secrets and
# session keys are nobody's to look at.
admin.site.unregister([Group, Authenticator, UserSession, EmailAddress, SocialAccount, SocialApp, SocialToken])


class PilotCreationForm(AdminUserCreationForm):  # type: ignore[type-arg]
    """A local pilot; one without a password cannot sign in until one is set."""

    class Meta:
        model = Pilot
        fields = ("pilot_id", "name", "email")

    def clean_pilot_id(self) -> str:
        pilot_id: str = self.cleaned_data["pilot_id"]
        if not pilot_id.startswith("local:"):
            raise forms.ValidationError("Write local:NAME; pilots of a provider are made at their first sign-in.")
        return pilot_id


class PasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]
    """A new password, or none, ends everything the pilot is signed in with."""

    def save(self, commit: bool = True) -> Any:
        pilot = super().save(commit)
        actions.end_sign_ins(pilot)
        return pilot


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0


@admin.register(Organization)
class OrganizationAdmin(OfOrganization):
    verbs: ClassVar = {"view": "read_team", "change": "change_settings"}
    owner = "pk"
    list_display = ("slug", "name", "created_at")
    search_fields = ("slug", "name")
    readonly_fields = ("created_at",)

    def get_readonly_fields(self, request: HttpRequest, obj: Organization | None = None) -> list[str]:
        # Addresses, tokens and agents name it by its slug.
        fixed = [*super().get_readonly_fields(request, obj), *(["slug"] if obj else [])]
        # Who joins by signing in is set by operators; what admins set has a page with the words for it.
        return fixed if is_above(request) else [*fixed, "settings"]

    def save_model(self, request: HttpRequest, obj: Organization, form: "forms.ModelForm[Any]", change: bool) -> None:
        by, settings = acting(request), obj.settings
        if change:
            row = Organization.objects.get(pk=obj.pk)
            actions.rename_organization(row, obj.name, by=by)
        else:
            row, _ = actions.create_organization(obj.slug, name=obj.name, by=by)
            obj.pk, obj._state.adding = row.pk, False
        actions.change_settings(row, settings, without=row.settings.keys() - settings.keys(), by=by)

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        """Its record goes with it: that is no business of a button."""
        return False


@admin.register(Pilot)
class PilotAdmin(AboveOrganizations, UserAdmin):  # type: ignore[type-arg]
    form = UserChangeForm
    add_form = PilotCreationForm
    change_password_form = PasswordForm
    list_display = ("pilot_id", "name", "email", "places", "on_duty", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser", "on_duty", "oauth_provider")
    search_fields = ("pilot_id", "name", "email")
    ordering = ("pilot_id",)
    filter_horizontal = ()
    formfield_overrides: ClassVar = {JSONField: {"form_class": StrictJSONField}}
    inlines: ClassVar = [MembershipInline]
    readonly_fields = ("pilot_id", "oauth_provider", "oauth_id", "last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("pilot_id", "password", "name", "email")}),
        ("On duty", {"fields": ("on_duty", "timezone", "expertise_tags", "working_hours", "notifications")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Record", {"fields": ("oauth_provider", "oauth_id", "last_login", "created_at")}),
    )
    add_fieldsets = ((None, {"fields": ("pilot_id", "name", "email", "usable_password", "password1", "password2")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Pilot]:
        return super().get_queryset(request).prefetch_related("memberships__organization")

    @admin.display(description="organizations")
    def places(self, pilot: Pilot) -> str:
        return ", ".join(
            f"{row.organization.slug} ({row.role.lower()}{', deactivated' if row.deactivated_at else ''})"
            for row in pilot.memberships.all()
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Pilot | None = None) -> Any:
        return self.readonly_fields if obj else ()

    def save_model(self, request: HttpRequest, obj: Pilot, form: "forms.ModelForm[Any]", change: bool) -> None:
        by = acting(request)
        if not change:
            super().save_model(request, obj, form, change)
            access_log.record_of_pilot("pilot_created", obj, by)
            return
        before = Pilot.objects.get(pk=obj.pk)
        # The form counts `[]` over `[]` as a change.
        changed = {name for name in form.changed_data if getattr(obj, name) != getattr(before, name)}
        rights = {name: getattr(obj, name) for name in changed & {"is_active", "is_superuser"}}
        for name in rights:
            setattr(obj, name, getattr(before, name))
        super().save_model(request, obj, form, change)
        actions.note_change(obj, changed - rights.keys(), by=by)
        if rights:
            actions.set_rights(obj, **rights, by=by)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        by = acting(request)
        formset.save(commit=False)
        for row in formset.deleted_objects:
            actions.remove_member(row.pilot, row.organization, by=by)
        for line in formset.initial_forms:
            # A membership cannot be carried into another organization: it ends, and another begins.
            if "organization" in line.changed_data:
                left = Organization.objects.get(pk=line.initial["organization"])
                actions.remove_member(line.instance.pilot, left, by=by)
        for row in [*formset.new_objects, *(row for row, _ in formset.changed_objects)]:
            actions.set_role(row.pilot, row.organization, Role(row.role), by=by)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        with writing():
            response: HttpResponse = super().user_change_password(request, id, form_url)
            # It leads on where the password was taken, and shows the form again where it was not.
            if request.method == "POST" and response.status_code == 302:
                access_log.record_of_pilot("password_changed", Pilot.objects.get(pk=id), acting(request))
        return response

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        """The record names pilots for good; one who leaves is made inactive."""
        return False


@admin.register(Membership)
class MembershipAdmin(OfOrganization):
    """Below superusers nobody adds members here, for that would show everybody's pilots: admins invite."""

    verbs: ClassVar = {"view": "read_team", "change": "change_role", "delete": "remove_member"}
    list_display = ("pilot", "pilot_id", "organization", "role", "created_at", "deactivated_at", "last_login")
    list_filter = ("role", ("deactivated_at", admin.EmptyFieldListFilter), "organization")
    list_select_related = ("pilot", "organization")
    search_fields = ("pilot__pilot_id", "pilot__name", "pilot__email", "organization__slug")
    autocomplete_fields = ("pilot", "organization")
    date_hierarchy = "created_at"
    actions = ("deactivate", "reactivate")

    def get_fields(self, _request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        asked = ("pilot", "organization", "role")
        return (*asked, "created_at", "deactivated_at") if obj else asked

    def get_readonly_fields(self, _request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        # Another pilot or organization is another membership.
        return ("pilot", "organization", "created_at", "deactivated_at") if obj else ()

    @admin.display(description="pilot id", ordering="pilot__pilot_id")
    def pilot_id(self, row: Membership) -> str:
        return row.pilot.pilot_id

    @admin.display(description="last sign-in", ordering="pilot__last_login")
    def last_login(self, row: Membership) -> Any:
        return row.pilot.last_login

    @admin.action(description="Deactivate the chosen members here", permissions=["change"])
    def deactivate(self, request: HttpRequest, rows: QuerySet[Membership]) -> None:
        ended = [deactivating.deactivate(row.pilot, row.organization, by=acting(request)) for row in _in_order(rows)]
        messages.success(request, f"Deactivated: {sum(ended)}. Their claims go back to everybody.")

    @admin.action(description="Reactivate the chosen members", permissions=["change"])
    def reactivate(self, request: HttpRequest, rows: QuerySet[Membership]) -> None:
        back = [deactivating.reactivate(row.pilot, row.organization, by=acting(request)) for row in _in_order(rows)]
        messages.success(request, f"Reactivated: {sum(back)}.")

    def save_model(self, request: HttpRequest, obj: Membership, form: "forms.ModelForm[Any]", change: bool) -> None:
        row, _ = actions.set_role(obj.pilot, obj.organization, Role(obj.role), by=acting(request))
        obj.pk, obj._state.adding = row.pk, False

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        actions.remove_member(obj.pilot, obj.organization, by=acting(request))

    def delete_queryset(self, request: HttpRequest, rows: QuerySet[Membership]) -> None:
        for row in _in_order(rows):
            self.delete_model(request, row)


def _in_order(rows: QuerySet[Membership]) -> QuerySet[Membership]:
    """In the order in which whoever else locks several organizations does."""
    return rows.select_related("pilot", "organization").order_by("organization_id", "pk")


@admin.register(Invitation)
class InvitationAdmin(ReadOnly):
    """An invitation is made on the team's page or by command, where its link is shown; here it is taken back."""

    verbs: ClassVar = {"view": "invite"}
    list_display = ("__str__", "organization", "role", "invited_by", "created_at", "expires_at", "accepted_by")
    list_filter = (
        "role",
        ("accepted_at", admin.EmptyFieldListFilter),
        ("revoked_at", admin.EmptyFieldListFilter),
        "organization",
    )
    search_fields = ("email",)
    date_hierarchy = "created_at"
    list_select_related = ("organization", "invited_by", "accepted_by")
    exclude = ("digest",)
    actions = ("take_back",)

    @admin.action(description="Take the chosen invitations back", permissions=["view"])
    def take_back(self, request: HttpRequest, rows: QuerySet[Invitation]) -> None:
        for row in rows.select_related("organization"):
            invitations.revoke(row, by=acting(request))
        messages.success(request, "Taken back: these links lead nowhere any more.")
