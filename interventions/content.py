"""What an agent asks, before it is stored: its fields, their rules, and the hashes that tell two apart."""

import hashlib
import uuid
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import rfc8785

from interventions.answers import check_schema
from interventions.lifecycle import Priority, Type
from interventions.policy import deciding_role
from pilots.errors import InvalidInput
from pilots.inputs import Schema, check, object_of
from pilots.roles import Role
from pilots.strict_json import depth

if TYPE_CHECKING:
    from interventions.models import Intervention

MAX_CONTEXT_BYTES = 64 * 1024
MAX_CONTEXT_DEPTH = 32
MAX_LIFETIME_SECONDS = 31_536_000
# These would shadow addresses of the API.
RESERVED_IDS = ("pending", "metrics", "batch", "decide", ".", "..")

REQUEST_ID: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": r"^[A-Za-z0-9._:-]+$",
    "description": "may hold letters, digits and . _ : - only",
}
EXPIRES_IN: Schema = {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_LIFETIME_SECONDS}
CREATE: Schema = object_of(
    {
        "request_id": REQUEST_ID,
        "uow_id": {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": r"^[^/\u0000-\u001f\u007f-\u009f]*$",
            "description": "must hold no / and no control characters",
        },
        "intervention_type": {"type": "string", "enum": [kind.value for kind in Type]},
        "priority": {"type": "string", "enum": [level.word for level in Priority], "default": "normal"},
        "title": {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": r"\S",
            "description": "must hold more than white space",
        },
        "description": {"type": "string", "maxLength": 10_000, "default": ""},
        "context": {"type": "object", "default": {}},
        "tags": {
            "type": "array",
            "items": {"type": "string", "maxLength": 50},
            "maxItems": 20,
            "default": [],
        },
        "response_schema": {"type": ["object", "null"], "default": None},
        "required_role": {"type": "string", "enum": [role.value for role in Role], "default": "OPERATOR"},
        "approvals_required": {"type": "integer", "minimum": 1, "maximum": 5, "default": 1},
        "expires_in_seconds": EXPIRES_IN | {"default": 3600},
    },
    required=("uow_id", "intervention_type", "title"),
)


@dataclass(frozen=True, slots=True)
class Draft:
    """One request as asked, defaults filled in; `required_role` is the effective one."""

    uow_id: str
    intervention_type: str
    title: str
    request_id: str = field(default_factory=lambda: f"req-{uuid.uuid4().hex}")
    priority: str = "normal"
    description: str = ""
    context: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    response_schema: dict[str, Any] | None = None
    required_role: str = "OPERATOR"
    approvals_required: int = 1
    expires_in_seconds: int | None = 3600

    @property
    def digest(self) -> str:
        """Equal for two drafts that ask the same: SHA-256 over every field."""
        return _sha256(asdict(self))


def draft_of(data: object) -> Draft:
    """The draft in an untrusted JSON value; raises InvalidInput naming every wrong field."""
    values = check(CREATE, data)
    if values.get("request_id") in RESERVED_IDS:
        raise InvalidInput.field("request_id", f"{values['request_id']!r} is reserved; choose another id")
    check_size("context", values["context"])
    if values["response_schema"] is not None:
        check_schema(values["response_schema"])
    values["required_role"] = deciding_role(values["intervention_type"], values["required_role"]).value
    return Draft(**values)


def content_hash(
    *,
    request_id: str,
    uow_id: str,
    intervention_type: str,
    title: str,
    description: str,
    context: dict[str, Any],
    response_schema: dict[str, Any] | None,
) -> str:
    """SHA-256 (hex) of what the pilot sees, as canonical JSON (RFC 8785): agents compare it before they act."""
    return _sha256(
        {
            "request_id": request_id,
            "uow_id": uow_id,
            "intervention_type": intervention_type,
            "title": title,
            "description": description,
            "context": context,
            "response_schema": response_schema,
        }
    )


def hash_of(row: "Intervention") -> str:
    """`content_hash` computed anew from what is stored."""
    return content_hash(
        request_id=row.request_id,
        uow_id=row.uow_id,
        intervention_type=row.intervention_type,
        title=row.title,
        description=row.description,
        context=row.context,
        response_schema=row.response_schema,
    )


def check_size(name: str, value: dict[str, Any]) -> None:
    """Raises InvalidInput where an object of free form is larger or deeper than anybody wants to read."""
    size = len(orjson.dumps(value))
    if size > MAX_CONTEXT_BYTES:
        raise InvalidInput.field(name, f"must be at most 64 KiB as JSON, not {size:,} bytes; link to the rest")
    levels = depth(value)
    if levels > MAX_CONTEXT_DEPTH:
        raise InvalidInput.field(name, f"must be nested at most {MAX_CONTEXT_DEPTH} deep, not {levels}")


def _sha256(value: object) -> str:
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()  # type: ignore[arg-type]
