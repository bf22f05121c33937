"""Is there a way in? What is merely unwise about sign-in is a warning of `manage.py check`."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register


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


def has_provider() -> bool:
    """True where a provider is offered on the sign-in page."""
    return any(provider.get("APPS") for provider in settings.SOCIALACCOUNT_PROVIDERS.values())
