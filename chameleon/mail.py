"""How mail is sent: EMAIL_URL as Django's mailers. Without one nothing is sent, and no page offers what needs it."""

from typing import Any

import dj_email_url
from environs import EnvValidationError

TIMEOUT_SECONDS = 10
# What people write, and what the library calls it.
_ALSO = {"smtp+tls": "submission", "smtps": "smtp+ssl"}


def mailers(url: str) -> tuple[dict[str, dict[str, Any]], str]:
    """MAILERS, and the sender that the URL names or ''. Raises EnvValidationError."""
    if not url:
        return {}, ""
    scheme, _, rest = url.partition("://")
    scheme = _ALSO.get(scheme, scheme)
    try:
        # TLS from the first byte is an option there, not a scheme.
        plain = f"smtp://{rest}" if scheme == "smtp+ssl" else f"{scheme}://{rest}"
        read = dj_email_url.parse(plain) | ({"EMAIL_USE_SSL": True} if scheme == "smtp+ssl" else {})
    except ValueError as error:
        raise EnvValidationError(f'Environment variable "EMAIL_URL" invalid: {error}', [str(error)]) from error
    if "EMAIL_BACKEND" not in read:
        said = f"it begins with {scheme}://; write smtp://, smtp+tls://, smtps:// or console://"
        raise EnvValidationError(f'Environment variable "EMAIL_URL" invalid: {said}', [said])
    return {"default": {"BACKEND": read["EMAIL_BACKEND"], "OPTIONS": _options(read)}}, read.get(
        "DEFAULT_FROM_EMAIL", ""
    )


def _options(read: dict[str, Any]) -> dict[str, Any]:
    if read["EMAIL_BACKEND"].endswith("filebased.EmailBackend"):
        return {"file_path": read["EMAIL_FILE_PATH"]}
    if not read["EMAIL_BACKEND"].endswith("smtp.EmailBackend"):
        return {}
    return {
        "host": read["EMAIL_HOST"],
        "port": read["EMAIL_PORT"] or (465 if read["EMAIL_USE_SSL"] else 25),
        "username": read["EMAIL_HOST_USER"] or "",
        "password": read["EMAIL_HOST_PASSWORD"] or "",
        "use_tls": read["EMAIL_USE_TLS"],
        "use_ssl": read["EMAIL_USE_SSL"],
        "timeout": read["EMAIL_TIMEOUT"] or TIMEOUT_SECONDS,
    }
