"""The back office for organizations, pilots, memberships and keys: for superusers, across organizations."""

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
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from pilots import actions, api_keys
from pilots.access_log import SYSTEM, Party
from pilots.errors import InvalidInput
from pilots.models import ApiKey, Membership, Organization, Pilot

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
class OrganizationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("slug", "name", "created_at")
    search_fields = ("slug", "name")
    readonly_fields = ("created_at",)

    def get_readonly_fields(self, request: HttpRequest, obj: Organization | None = None) -> list[str]:
        # Addresses, tokens and agents name it by its slug.
        return [*super().get_readonly_fields(request, obj), *(["slug"] if obj else [])]

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        """Its record goes with it: that is no business of a button."""
        return False


@admin.register(Pilot)
class PilotAdmin(UserAdmin):  # type: ignore[type-arg]
    form = UserChangeForm
    add_form = PilotCreationForm
    change_password_form = PasswordForm
    list_display = ("pilot_id", "name", "email", "on_duty", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser", "on_duty", "oauth_provider")
    search_fields = ("pilot_id", "name", "email")
    ordering = ("pilot_id",)
    filter_horizontal = ()
    inlines: ClassVar = [MembershipInline]
    readonly_fields = ("pilot_id", "oauth_provider", "oauth_id", "last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("pilot_id", "password", "name", "email")}),
        ("On duty", {"fields": ("on_duty", "timezone", "expertise_tags", "working_hours", "notifications")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Record", {"fields": ("oauth_provider", "oauth_id", "last_login", "created_at")}),
    )
    add_fieldsets = ((None, {"fields": ("pilot_id", "name", "email", "usable_password", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Pilot | None = None) -> Any:
        return self.readonly_fields if obj else ()

    def save_model(self, request: HttpRequest, obj: Pilot, form: "forms.ModelForm[Any]", change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not obj.is_active:
            actions.end_sign_ins(obj)

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        """The record names pilots for good; one who leaves is made inactive."""
        return False


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("pilot", "organization", "role", "created_at")
    list_filter = ("role", "organization")
    search_fields = ("pilot__pilot_id", "pilot__name", "organization__slug")
    autocomplete_fields = ("pilot", "organization")


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in api_keys.SCOPES], widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = ApiKey
        fields = ("organization", "name", "scopes", "expires_at")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if {"organization", "name", "scopes"} <= cleaned.keys():
            try:
                api_keys.check(cleaned["organization"], cleaned["name"], cleaned["scopes"])
            except InvalidInput as error:
                raise forms.ValidationError(error.errors or error.detail) from error
        return cleaned


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A key is made here and shown once; afterwards it can only be looked at and revoked."""

    form = ApiKeyForm
    list_display = ("name", "organization", "scopes", "last_used_at", "expires_at", "revoked_at")
    list_filter = ("organization",)
    search_fields = ("name", "key_id", "organization__slug")
    autocomplete_fields = ("organization",)
    actions = ("revoke",)
    readonly_fields = ("key_id", "created_at", "last_used_at", "revoked_at")

    def get_fields(self, _request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        asked = ("organization", "name", "scopes", "expires_at")
        return (*asked, *self.readonly_fields) if obj else asked

    def has_change_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: "forms.ModelForm[Any]", change: bool) -> None:
        row, text = api_keys.make(
            obj.organization, obj.name, list(obj.scopes), obj.expires_at, by=Party.of(request.user)
        )
        obj.pk = row.pk
        obj._state.adding = False
        messages.warning(request, f"Copy the key now, it is not shown again: {text}")

    @admin.action(description="Revoke the chosen keys", permissions=["view"])
    def revoke(self, request: HttpRequest, rows: QuerySet[ApiKey]) -> None:
        for row in rows:
            api_keys.revoke(row, by=Party.of(request.user) if isinstance(request.user, Pilot) else SYSTEM)
        messages.success(request, "Revoked: these keys open nothing any more.")
