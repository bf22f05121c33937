"""How request bodies are read: as strict JSON, and no larger than their route allows."""

from typing import Any

from django.http import HttpRequest

from pilots.errors import TooLarge, Unsupported
from pilots.strict_json import loads

MAX_BODY = 256 * 1024
MAX_BATCH_BODY = 4 * 1024 * 1024
_UTF8 = ("", "utf-8", "utf8")


def read_json(request: HttpRequest, limit: int = MAX_BODY) -> Any:
    """The JSON value in the body, `{}` for an empty one.

    Counts what is there, not what Content-Length says: that may be missing or wrong. Raises TooLarge, Unsupported, or
    InvalidInput (`malformed`).
    """
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    if announced.isdecimal() and int(announced) > 0:
        # Before reading: the CSRF check of a session may have consumed a form's body already.
        _require_json(request)
    body = request.read(limit + 1)
    if len(body) > limit:
        raise _too_large(limit)
    if not body.strip():
        return {}
    _require_json(request)
    return loads(body)


def _require_json(request: HttpRequest) -> None:
    charset = (request.content_params or {}).get("charset", "").lower()
    if request.content_type != "application/json" or charset not in _UTF8:
        kind = request.headers.get("Content-Type", "")[:100] or "nothing"
        raise Unsupported(f"Send JSON in UTF-8 as Content-Type: application/json, not {kind}.")


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit // 1024} KiB; send less at once.")
