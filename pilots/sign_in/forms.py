"""The sign-in form."""

from typing import Any

from allauth.account.forms import LoginForm as BaseLoginForm


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
