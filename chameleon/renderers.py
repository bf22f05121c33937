"""How answers are written: JSON whatever the Accept header says, for agents send odd ones."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        _accepted_media_type: str | None = None,
        _renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data)


class AlwaysJSON(BaseContentNegotiation):
    def select_parser(self, _request: Any, parsers: Any) -> Any:
        return parsers[0] if parsers else None

    def select_renderer(self, _request: Any, renderers: Any, _format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
