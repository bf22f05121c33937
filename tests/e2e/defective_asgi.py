"""The application with a defect: nobody can open the page for signing in. Only a test starts a server with it."""

from typing import Any

from chameleon.asgi import application as product

# Settings are there only now.
from allauth.account.views import LoginView  # isort: skip


def dispatch(_view: LoginView, *_request: Any, **_words: Any) -> None:
    raise RuntimeError("A defect.")


LoginView.dispatch = dispatch
application = product
