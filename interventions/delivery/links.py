"""Where do links lead in what is sent? Whoever reads it elsewhere needs the whole address."""

from django.conf import settings


def absolute(path: str) -> str:
    return settings.PUBLIC_URL.rstrip("/") + path


def guess() -> str:
    """The address that links begin with, where it is a guess; '' where the operator has said which it is."""
    return settings.PUBLIC_URL if settings.IS_PUBLIC_URL_A_GUESS else ""
