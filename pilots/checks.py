"""Is there a way in, and do mails lead to it? What is merely unwise is a warning of `manage.py check`."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register()
def somebody_can_sign_in(**_given: Any) -> list[CheckMessage]:
    if settings.LOCAL_ACCOUNTS or has_provider():
        return []
    return [
        Warning(
            "LOCAL_ACCOUNTS is off and no provider is set up: nobody can sign in.",
            hint="Set up a provider, or switch LOCAL_ACCOUNTS on. The link of create_admin works in any case.",
            id="chameleon.W110",
        )
    ]


@register(Tags.security, deploy=True)
def hosts_are_named(**_given: Any) -> list[CheckMessage]:
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Warning(
            "ALLOWED_HOSTS admits every host name: links in mails and redirects then lead where a request's Host says.",
            hint="Name the hosts it is reached by.",
            id="chameleon.W111",
        )
    ]


@register()
def mails_lead_here(**_given: Any) -> list[CheckMessage]:
    if not settings.EMAIL_URL or not settings.IS_PUBLIC_URL_A_GUESS:
        return []
    return [
        Warning(
            f"EMAIL_URL is set and PUBLIC_URL is not: links in mails lead to {settings.PUBLIC_URL}, which is a guess.",
            hint="Set PUBLIC_URL to the address that pilots open, as https://chameleon.example.com.",
            id="chameleon.W112",
        )
    ]


@register()
def providers_are_set_up(**_given: Any) -> list[CheckMessage]:
    """What the settings found wrong with the variables of a provider, which is then not offered."""
    return [
        (Error if complaint.is_grave else Warning)(complaint.message, hint=complaint.hint, id=complaint.id)
        for complaint in settings.SIGN_IN_COMPLAINTS
    ]


def has_provider() -> bool:
    """True where a provider is offered on the sign-in page."""
    return any(provider.get("APPS") for provider in settings.SOCIALACCOUNT_PROVIDERS.values())
