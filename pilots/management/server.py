"""Where is this server reached? For links that a command prints."""

import os

from django.conf import settings


def server_address() -> str:
    """The best guess at this server's own address."""
    if settings.CSRF_TRUSTED_ORIGINS and "*" not in settings.CSRF_TRUSTED_ORIGINS[0]:
        return str(settings.CSRF_TRUSTED_ORIGINS[0])
    hosts = [host for host in settings.ALLOWED_HOSTS if not host.startswith((".", "*"))] or ["127.0.0.1"]
    if hosts[0] in ("127.0.0.1", "localhost", "[::1]"):
        return f"http://{hosts[0]}:{os.environ.get('PORT') or 8000}"
    return f"{'https' if settings.SECURE_SSL_REDIRECT else 'http'}://{hosts[0]}"
