"""How request bodies are read: strictly, and no larger than their route allows."""

from collections.abc import Mapping
from typing import Any

from rest_framework.parsers import BaseParser

from pilots.errors import TooLarge
from pilots.strict_json import loads

MAX_BODY = 256 * 1024
MAX_BATCH_BODY = 4 * 1024 * 1024


class StrictJSONParser(BaseParser):
    """JSON by the contract's rules; an empty body is `{}`. A view may raise its own `max_body` (bytes)."""

    media_type = "application/json"

    def parse(
        self, stream: Any, _media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        limit = getattr((parser_context or {}).get("view"), "max_body", MAX_BODY)
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(f"The body is larger than {limit // 1024} KiB; send less at once.")
        return loads(body) if body.strip() else {}
