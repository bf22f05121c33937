"""How allauth's accounts meet our pilots: who may have one, and what a refusal says."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": "That name or password is wrong.",
        "too_many_login_attempts": "Too many failed tries. Wait five minutes, then try again.",
    }

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Local accounts are made by an admin; nobody makes one for themselves."""
        return False

    def populate_username(self, _request: HttpRequest, _user: Any) -> None:
        """The pilot_id is set where the account is made; allauth would strip its colon."""
