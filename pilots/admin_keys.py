"""The back office for API keys: made, rotated and revoked here, and shown once."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from pilots import api_keys, limits
from pilots.admin_access import acting
from pilots.admin_scope import OfOrganization
from pilots.errors import InvalidInput
from pilots.limits import Limits
from pilots.models import ApiKey


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in api_keys.SCOPES], widget=forms.CheckboxSelectMultiple
    )
    uow_id_prefix = forms.CharField(
        label="Only uow_id beginning with", max_length=limits.MAX_PREFIX, required=False, strip=False
    )
    intervention_types = forms.MultipleChoiceField(
        label="Only these types",
        choices=[(kind, kind) for kind in limits.TYPES],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    class Meta:
        model = ApiKey
        fields = ("organization", "name", "scopes", "uow_id_prefix", "intervention_types", "expires_at")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            asked = Limits(cleaned["uow_id_prefix"], frozenset(cleaned["intervention_types"]))
            try:
                api_keys.check(
                    cleaned["organization"], cleaned["name"], cleaned["scopes"], cleaned.get("expires_at"), asked
                )
            except InvalidInput as error:
                raise forms.ValidationError(error.errors or error.detail) from error
        return cleaned


@admin.register(ApiKey)
class ApiKeyAdmin(OfOrganization):
    """A key is made here and shown once; afterwards it can only be looked at, rotated and revoked."""

    verbs: ClassVar = {"view": "manage_keys", "add": "manage_keys"}
    form = ApiKeyForm
    list_display = ("name", "key_id", "organization", "scopes", "limited_to", "state", "last_used_at", "expires_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "organization")
    search_fields = ("name", "=key_id", "organization__slug", "created_by")
    list_select_related = ("organization",)
    date_hierarchy = "created_at"
    autocomplete_fields = ("organization",)
    actions = ("rotate", "revoke")
    readonly_fields: ClassVar = (
        "key_id", "state", "created_by", "created_at", "last_used_at", "superseded_at", "revoked_at"
    )  # fmt: skip

    def get_fields(self, _request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        asked = tuple(ApiKeyForm.Meta.fields)
        return (*asked, *self.readonly_fields) if obj else asked

    def has_change_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    @admin.display(description="limited to")
    def limited_to(self, row: ApiKey) -> str:
        return str(api_keys.limits_of(row))

    @admin.display(description="state")
    def state(self, row: ApiKey) -> str:
        return api_keys.state(row)

    def save_model(self, request: HttpRequest, obj: Any, form: "forms.ModelForm[Any]", change: bool) -> None:
        row, obj.shown_once = api_keys.make(
            obj.organization,
            obj.name,
            list(obj.scopes),
            obj.expires_at,
            limits=api_keys.limits_of(obj),
            by=acting(request),
        )
        obj.pk = row.pk
        obj._state.adding = False

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return self._shown_once(request, obj.name, obj.shown_once)

    @admin.action(description="Rotate the chosen key; the old one works for a day", permissions=["view"])
    def rotate(self, request: HttpRequest, rows: QuerySet[ApiKey]) -> HttpResponse | None:
        chosen = list(rows[:2])
        if len(chosen) != 1:
            messages.error(request, "Choose one key: each new one is shown once.")
            return None
        try:
            row, text = api_keys.rotate(chosen[0], by=acting(request))
        except InvalidInput as error:
            messages.error(request, error.detail)
            return None
        return self._shown_once(request, row.name, text)

    @admin.action(description="Revoke the chosen keys", permissions=["view"])
    def revoke(self, request: HttpRequest, rows: QuerySet[ApiKey]) -> None:
        for row in rows:
            api_keys.revoke(row, by=acting(request))
        messages.success(request, "Revoked: these keys open nothing any more.")

    def _shown_once(self, request: HttpRequest, name: str, text: str) -> HttpResponse:
        # An answer and not a message: messages are kept, in a cookie or the database, until they were shown.
        context = self.admin_site.each_context(request) | {
            "title": "Copy the key now",
            "name": name,
            "key": text,
            "opts": self.opts,
        }
        response = TemplateResponse(request, "admin/pilots/apikey/shown_once.html", context)
        return response
