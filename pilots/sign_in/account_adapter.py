"""How allauth's accounts meet our pilots: whose password it is, who may have an account, and what ends with it."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from pilots import actions
from pilots.access_log import Party
from pilots.addresses import client_address
from pilots.errors import NotAllowed, NotAuthenticated, TooMany
from pilots.models import Pilot
from pilots.sign_in import password as passwords
from pilots.sign_in import sessions


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": "That name or password is wrong.",
        "incorrect_password": "That password is wrong.",
        "enter_current_password": "That is not your present password.",
        "too_many_login_attempts": "Too many failed tries. Wait five minutes, then try again.",
        "local_accounts_off": "Passwords are switched off here.",
    }

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Local accounts are made by an admin; nobody makes one for themselves."""
        return False

    def populate_username(self, _request: HttpRequest, _user: Any) -> None:
        """The pilot_id is set where the account is made; allauth would strip its colon."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Pilot | None:
        """By the same rule, and counted with the same tries, as over the API."""
        name = credentials["username"]
        try:
            return passwords.by_password(name, credentials["password"], client_address(request), through="page")
        except NotAuthenticated:
            return None
        except NotAllowed as error:
            raise self.validation_error(error.code) from error
        except TooMany as error:
            raise self.validation_error("too_many_login_attempts") from error

    def set_password(self, user: Pilot, password: str) -> None:
        """Everything the pilot is signed in with ends, but for the page where the password was changed."""
        keep = self.request.session.session_key or ""
        actions.set_password(user, password, by=Party.of(user), keep=keep)

    def is_safe_url(self, url: str | None) -> bool:
        """Where to go after signing in comes from whoever made the link, and may be no address at all."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request) or sessions.NO_ADDRESS
