"""Who: people, organizations, credentials."""

from importlib import import_module

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out


class PilotsConfig(AppConfig):
    name = "pilots"

    def ready(self) -> None:
        # Models can only be imported once every app is known.
        user_logged_out.connect(import_module("pilots.tokens").end_with_session, dispatch_uid="pilots.tokens")
