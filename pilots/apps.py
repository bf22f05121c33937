"""Who: people, organizations, credentials."""

from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin import apps as admin
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.backends.signals import connection_created


class BackOfficeConfig(admin.AdminConfig):
    """Django's back office behind our own sign-in."""

    default = False
    default_site = "pilots.back_office.BackOffice"


class PilotsConfig(AppConfig):
    default = True
    name = "pilots"

    def ready(self) -> None:
        # Models can only be imported once every app is known.
        connection_created.connect(import_module("pilots.statements").listen, dispatch_uid="pilots.statements")
        sessions = import_module("pilots.sign_in.sessions")
        user_logged_in.connect(sessions.begin, dispatch_uid="pilots.sessions")
        user_logged_out.connect(sessions.end_with_sign_out, dispatch_uid="pilots.sessions")
        factors, second_factor = import_module("allauth.mfa.signals"), import_module("pilots.sign_in.second_factor")
        factors.authenticator_added.connect(second_factor.note_added, dispatch_uid="pilots.second_factor")
        factors.authenticator_removed.connect(second_factor.note_removed, dispatch_uid="pilots.second_factor")
        import_module("pilots.checks")
        arriving, providers = import_module("pilots.sign_in.arriving"), import_module("allauth.socialaccount.signals")
        user_logged_in.connect(arriving.hear_sign_in, dispatch_uid="pilots.arriving")
        providers.social_account_added.connect(arriving.hear_connected, dispatch_uid="pilots.arriving")
        providers.social_account_removed.connect(arriving.hear_disconnected, dispatch_uid="pilots.arriving")
        invitations, actions = import_module("pilots.invitations"), import_module("pilots.actions")
        actions.rights_lost.connect(invitations.hear_rights_lost, dispatch_uid="pilots.invitations")
        telling = import_module("pilots.sign_in.telling")
        user_logged_in.connect(telling.hear_sign_in, dispatch_uid="pilots.telling")
        user_logged_out.connect(telling.hear_sign_out, dispatch_uid="pilots.telling")
        user_login_failed.connect(telling.hear_failure, dispatch_uid="pilots.telling")
