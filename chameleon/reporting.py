"""Errors reported to Sentry, where SENTRY_DSN says so: the stack, and nothing of what people or agents wrote."""

from typing import Any

import sentry_sdk
from sentry_sdk.integrations.django import DjangoIntegration

from chameleon.log_lines import safe


def start(dsn: str) -> None:
    """Requests, local variables and query parameters stay here: titles, reasons and tokens stand in them."""
    sentry_sdk.init(
        dsn=dsn,
        integrations=[DjangoIntegration(middleware_spans=False, signals_spans=False)],
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=_without_secrets,
        before_breadcrumb=lambda _crumb, _hint: None,
    )


def _without_secrets(event: Any, _hint: Any) -> Any:
    request = event.get("request", {})
    for part in ("headers", "cookies", "data", "query_string", "env"):
        request.pop(part, None)
    event.pop("user", None)
    return _struck(event)


def _struck(value: Any) -> Any:
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, dict):
        return {name: _struck(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_struck(item) for item in value]
    return value
