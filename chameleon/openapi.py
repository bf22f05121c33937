"""The description of the API, OpenAPI 3.1: made from its operations and the very schemas that check their input."""

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from django.views.generic import TemplateView
from drf_spectacular.generators import SchemaGenerator

from chameleon.problems import CODES
from interventions.api import outputs
from interventions.content import CREATE
from pilots import api as pilots_api
from pilots.operations import answer

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457; `code` is stable, `detail` is for people.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "object",
            "description": "By field, what would be right.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
    "required": ["type", "title", "status", "detail", "code"],
}
_CONFLICT = {
    "allOf": [
        outputs.ref("Problem"),
        {
            "type": "object",
            "properties": {"intervention": {"anyOf": [outputs.ref("Intervention"), {"type": "null"}]}},
            "required": ["intervention"],
        },
    ]
}
_TRUNCATED = {
    "allOf": [
        outputs.ref("Problem"),
        {
            "type": "object",
            "properties": {"seq": {"type": "integer"}, "epoch": {"type": "string"}},
            "required": ["seq", "epoch"],
        },
    ]
}
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A pilot's access token, or an agent's API key."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An agent's API key, chm_…"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sessionid",
        "description": "The session of the web pages, with X-CSRFToken on unsafe methods; X-Organization names the "
        "organization where the pilot is in several.",
    },
}
_DETAILS = {
    400: "What was sent cannot be taken; `errors` says why.",
    401: "No or bad credentials.",
    403: "Wrong role or scope.",
    404: "Not in the organization.",
    409: "It stands otherwise; `intervention` is as it stands.",
    410: "The log cannot be continued from there; go on after `seq` of `epoch`.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    429: "Asked too often; see Retry-After.",
    503: "The database cannot answer now; see Retry-After.",
}


@require_safe
def schema(_request: HttpRequest) -> HttpResponse:
    """The document, for programs."""
    return answer(document())


# The document, to read and to try.
docs = require_safe(TemplateView.as_view(template_name="api/docs.html"))


@cache
def document() -> dict[str, Any]:
    made = SchemaGenerator().get_schema(request=None, public=True)
    # The routes take a slash at the end; the contract writes them without.
    paths = {path.rstrip("/"): item for path, item in made["paths"].items()}
    for path, item in paths.items():
        for method, operation in item.items():
            _add_problems(path, method, operation)
    components = {
        "schemas": outputs.COMPONENTS
        | pilots_api.COMPONENTS
        | {"NewIntervention": CREATE, "Problem": _PROBLEM, "Conflict": _CONFLICT, "LogTruncated": _TRUNCATED},
        "responses": {CODES.get(status, str(status)): _response(status) for status in _DETAILS},
        "securitySchemes": _SECURITY,
    }
    return made | {"paths": paths, "components": components}


def _response(status: int) -> dict[str, Any]:
    name = {409: "Conflict", 410: "LogTruncated"}.get(status, "Problem")
    content = {"application/problem+json": {"schema": outputs.ref(name)}}
    return {"description": _DETAILS[status], "content": content}


def _add_problems(path: str, method: str, operation: dict[str, Any]) -> None:
    statuses = {400, 401, 403, 429, 503}
    if method != "get":
        statuses |= {413, 415}
    if "{" in path or "pilots" in path or "token" in path:
        statuses.add(404)
    if method == "post" and ("interventions" in path or path.startswith("/pilot/")):
        statuses.add(409)
    if path == "/api/events":
        statuses.add(410)
    for status in sorted(statuses):
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/{CODES.get(status, str(status))}"}
    for response in operation["responses"].values():
        if response.get("description") == "":
            response["description"] = "Done."
