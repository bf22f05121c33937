"""The forms of signing in: name and password, codes, passkeys, a new password."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ChangePasswordForm as BaseChangePasswordForm
from allauth.account.forms import LoginForm as BaseLoginForm
from allauth.account.forms import ResetPasswordForm as BaseResetPasswordForm
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm as BaseActivateTOTPForm
from allauth.mfa.totp.internal.auth import validate_totp_code
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm, LoginWebAuthnForm, ReauthenticateWebAuthnForm
from django import forms
from django.conf import settings

from pilots.addresses import client_address
from pilots.errors import NotAuthenticated, TooMany
from pilots.models import Pilot
from pilots.sign_in import second_factor, tries

TOO_MANY = "too_many_login_attempts"


class LoginForm(BaseLoginForm):
    """Local accounts sign in with their short name too: `dana` is `local:dana`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "Name"
        self.fields["login"].widget.attrs = {"autocomplete": "username", "autofocus": True, "autocapitalize": "none"}
        self.fields["password"].widget.attrs = {"autocomplete": "current-password"}
        self.fields["password"].help_text = ""

    def clean_login(self) -> str:
        login: str = super().clean_login().strip()
        return login if ":" in login else f"local:{login}"


class ChangePasswordForm(BaseChangePasswordForm):
    """The present password is tried like one at sign-in: whoever finds an open page cannot guess it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = {"oldpassword": "Present password", "password1": "New password", "password2": "The new one again"}
        for name, label in labels.items():
            self.fields[name].label = label
            self.fields[name].widget.attrs.pop("placeholder", None)
        self.fields["oldpassword"].help_text = ""

    def clean_oldpassword(self) -> str:
        given: str = self.cleaned_data["oldpassword"]
        if not get_adapter().reauthenticate(self.user, given):
            raise get_adapter().validation_error("enter_current_password")
        return given


class ResetPasswordForm(BaseResetPasswordForm):
    """Mails a link to local pilots only: whoever comes from a provider has no password and shall get none."""

    users: list[Pilot]

    def clean_email(self) -> str:
        email: str = super().clean_email()
        self.users = [user for user in self.users if user.oauth_provider == "local" and user.has_usable_password()]
        return email


class _Code:
    """A code of the authenticator app or of the recovery list, by the one rule for both."""

    user: Pilot
    fields: dict[str, forms.Field]
    cleaned_data: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress_code(self.fields["code"])

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        try:
            address = client_address(context.request)
            self.authenticator = second_factor.check_code(self.user, code, address, through="page")
        except TooMany as error:
            raise get_adapter().validation_error(TOO_MANY) from error
        except NotAuthenticated as error:
            raise forms.ValidationError(error.detail, code=error.code) from error
        return code


class CodeForm(_Code, AuthenticateForm):
    """At sign-in."""


class CodeAgainForm(_Code, ReauthenticateForm):
    """Before something grave is changed."""


class ActivateTOTPForm(BaseActivateTOTPForm):
    """The first code of a new app; the secret is the pilot's own session's, so there is nothing to guess."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress_code(self.fields["code"])

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if not validate_totp_code(self.secret, code):
            raise forms.ValidationError("That code does not fit; is the clock of your phone right?", code="invalid")
        return code


class _Passkey:
    """What a passkey signed; tries that fail are counted like codes."""

    user: Pilot | None

    def clean_credential(self) -> Authenticator:
        pilot_id = self.user.pilot_id if self.user else ""
        try:
            with tries.counted(f"passkey of {pilot_id}", "", forms.ValidationError):
                authenticator: Authenticator = super().clean_credential()  # type: ignore[misc]
        except TooMany as error:
            raise get_adapter().validation_error(TOO_MANY) from error
        return authenticator


class PasskeyForm(_Passkey, AuthenticateWebAuthnForm):
    """At sign-in, after the password."""


class PasskeyAgainForm(_Passkey, ReauthenticateWebAuthnForm):
    """Before something grave is changed."""


class PasskeyLoginForm(LoginWebAuthnForm):
    """At sign-in, instead of a name and password."""

    def clean_credential(self) -> Authenticator:
        authenticator: Authenticator = super().clean_credential()
        if authenticator.user.oauth_provider == "local" and not settings.LOCAL_ACCOUNTS:
            raise get_adapter().validation_error("local_accounts_off")
        return authenticator


def _dress_code(field: forms.Field) -> None:
    field.label = "Code"
    field.widget.attrs = {
        "autocomplete": "one-time-code",
        "autofocus": True,
        "autocapitalize": "none",
        "spellcheck": "false",
        "class": "code",
    }
