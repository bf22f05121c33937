"""What may a program say over its socket, and what is it answered?

Knows no socket: a caller and a message in, a reply out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from interventions import actions, listing, policy, wire
from interventions.errors import Conflict
from interventions.insight import metrics
from interventions.live import frames
from interventions.live.deliveries import is_news_to_agents
from interventions.wire import JSON
from pilots.caller import Caller
from pilots.errors import DomainError, InvalidInput, NotAllowed, NotFound, TooLarge, TooMany, Unavailable
from pilots.inputs import Schema, check
from pilots.strict_json import loads

MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its fields wherever they stood, and `echoed`, its `id` where it had one."""

    type: str
    fields: Mapping[str, Any]
    echoed: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """`delivers`: the decisions an agent hears of by this reply for the first time."""

    text: str
    delivers: list[str] = field(default_factory=list)


class Unreadable(Exception):
    """No message; `text` is the error reply."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class UnknownMessage(DomainError):
    code = "unknown_message"


# The first that fits: a subclass stands before its base.
CODES: tuple[tuple[type[DomainError], str], ...] = (
    (UnknownMessage, "UNKNOWN_MESSAGE"),
    (NotFound, "NOT_FOUND"),
    (NotAllowed, "FORBIDDEN"),
    (Conflict, "CONFLICT"),
    (TooMany, "RATE_LIMITED"),
    (TooLarge, "TOO_LARGE"),
    (InvalidInput, "INVALID"),
    (Unavailable, "UNAVAILABLE"),
)

PILOT_ID: Schema = {"type": ["string", "null"], "maxLength": 255, "default": None}
LIMIT: Schema = {"type": "integer", "minimum": 1, "maximum": listing.MAX_LIMIT, "default": listing.LIMIT}
TEXT_OR_NULL: Schema = {"type": ["string", "null"], "default": None}
ACTIONS = ("approve", "reject", "claim", "release")


def _fields(properties: Mapping[str, Schema], required: tuple[str, ...] = ()) -> Schema:
    """Unlike a body of the API a message may hold more than is asked for: clients of Phase 2 send such."""
    return {"type": "object", "properties": dict(properties), "required": list(required)}


SCHEMAS: dict[str, Schema] = {
    "subscribe": _fields(
        {
            "pilot_id": PILOT_ID,
            "since": {"type": ["integer", "null"], "minimum": 0, "default": None},
            "epoch": TEXT_OR_NULL,
        }
    ),
    "unsubscribe": _fields({"pilot_id": PILOT_ID}),
    "ping": _fields({}),
    "get_pending": _fields({"pilot_id": PILOT_ID, "limit": LIMIT}),
    "get_metrics": _fields({}),
    "request_detail": _fields({"request_id": {"type": "string"}}, required=("request_id",)),
    "get_history": _fields({"limit": LIMIT, "cursor": TEXT_OR_NULL}),
    "action": _fields(
        {
            "request_id": {"type": "string"},
            "action": {"type": "string", "enum": list(ACTIONS)},
            "action_reason": {"type": ["string", "null"], "maxLength": 2000, "default": None},
            "response": {"type": ["object", "null"], "default": None},
        },
        required=("request_id", "action"),
    ),
}


def read(raw: str | bytes) -> Message:
    """The message in a frame; raises Unreadable with the reply where there is none."""
    echoed: dict[str, Any] = {}
    try:
        value = _value_of(raw)
        echoed = {"id": value["id"]} if "id" in value else {}
        return _message_of(value, echoed)
    except DomainError as error:
        raise Unreadable(refusal(error, echoed)) from error


def echo_of(raw: str | bytes) -> JSON:
    """The `id` of a message that is refused unread; of a long one it is not looked for."""
    try:
        value = loads(raw) if len(raw) <= 1024 else None
    except DomainError:
        return {}
    return {"id": value["id"]} if isinstance(value, dict) and "id" in value else {}


def answer(caller: Caller, message: Message) -> Reply:
    """Does what the message asks, with the database; a refusal is a reply too."""
    kind, work = HANDLERS[message.type]
    try:
        data, delivers = work(caller, message.fields)
    except DomainError as error:
        return Reply(refusal(error, message.echoed))
    heard = [item["request_id"] for item in delivers if caller.kind == "key" and is_news_to_agents(item)]
    return Reply(frames.reply(kind, data, message.echoed), heard)


def refusal(error: DomainError, echoed: Mapping[str, Any]) -> str:
    """The error reply; `reason` is the finer code that REST answers with."""
    code = next((code for kind, code in CODES if isinstance(error, kind)), "INVALID")
    body = frames.ErrorBody(code=code, message=error.detail, reason=error.code)
    if isinstance(error, Conflict):
        body["code"] = "EXPIRED" if error.code == "expired" else "CONFLICT"
        body["intervention"] = wire.intervention(error.intervention) if error.intervention else None
    return frames.error(body, echoed)


def _value_of(raw: str | bytes) -> JSON:
    if isinstance(raw, bytes):
        raise InvalidInput("Send text frames of JSON, not binary ones.", code="binary")
    if len(raw) > MAX_BYTES or len(raw.encode(errors="surrogatepass")) > MAX_BYTES:
        raise TooLarge("A message may have at most 64 KiB.")
    value = loads(raw)
    if not isinstance(value, dict):
        raise InvalidInput("Send a JSON object with a type.")
    return value


def _message_of(value: JSON, echoed: Mapping[str, Any]) -> Message:
    kind = value.get("type")
    if not isinstance(kind, str):
        raise InvalidInput.field("type", "is required: a string that names the message")
    if kind not in SCHEMAS:
        raise UnknownMessage(f"Unknown message type: {kind[:100]!r}. Known are {', '.join(sorted(SCHEMAS))}.")
    return Message(kind, check(SCHEMAS[kind], _fields_of(value)), echoed)


def _fields_of(value: JSON) -> JSON:
    """Flat beside `type`, or under `payload`, or under `data`: there are clients of all three kinds."""
    fields = dict(value)
    for envelope in ("payload", "data"):
        inner = value.get(envelope)
        if inner is None:
            continue
        if not isinstance(inner, dict):
            raise InvalidInput.field(envelope, "must be a JSON object")
        fields |= inner
    return fields


type Work = Callable[[Caller, Mapping[str, Any]], tuple[JSON, list[JSON]]]


def _get_pending(caller: Caller, fields: Mapping[str, Any]) -> tuple[JSON, list[JSON]]:
    limit, pilot_id = fields["limit"], fields["pilot_id"]
    requests = [wire.intervention(row) for row in listing.pending(caller, pilot_id=pilot_id, limit=limit)]
    total = listing.count_pending(caller, pilot_id=pilot_id)
    return {"requests": requests, "total": total, "count": len(requests), "limit": limit}, []


def _get_metrics(caller: Caller, _fields: Mapping[str, Any]) -> tuple[JSON, list[JSON]]:
    policy.require(caller, "read_metrics")
    return metrics.snapshot(caller.organization.pk), []


def _request_detail(caller: Caller, fields: Mapping[str, Any]) -> tuple[JSON, list[JSON]]:
    intervention = wire.intervention(listing.detail(caller, fields["request_id"]))
    return intervention, [intervention]


def _get_history(caller: Caller, fields: Mapping[str, Any]) -> tuple[JSON, list[JSON]]:
    page = listing.history(caller, fields["limit"], fields["cursor"])
    results = [wire.intervention(row) for row in page.rows]
    return {"results": results, "next": page.next}, results


def _action(caller: Caller, fields: Mapping[str, Any]) -> tuple[JSON, list[JSON]]:
    request_id, action = fields["request_id"], fields["action"]
    if action == "claim":
        row = actions.claim(caller, request_id)
    elif action == "release":
        row = actions.release(caller, request_id)
    else:
        row = actions.decide(caller, request_id, action, reason=fields["action_reason"], response=fields["response"])
    return wire.intervention(row), []


# Type of the reply, and the work. What concerns the socket itself (subscribe, unsubscribe, ping) is the session's.
HANDLERS: dict[str, tuple[str, Work]] = {
    "get_pending": ("pending_requests", _get_pending),
    "get_metrics": ("metrics", _get_metrics),
    "request_detail": ("request_detail", _request_detail),
    "get_history": ("history", _get_history),
    "action": ("action_result", _action),
}
