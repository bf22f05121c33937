"""Which frames does a program receive? Every shape of docs/websocket.md, and the text of each."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NotRequired, TypedDict

import orjson

from interventions.lifecycle import EventType
from interventions.live.news import News
from interventions.wire import JSON
from pilots.wire import moment


class Reply(TypedDict):
    type: str
    id: NotRequired[Any]
    success: Literal[True]
    data: Mapping[str, Any]
    timestamp: str | None


class ErrorBody(TypedDict):
    code: str
    message: str
    reason: NotRequired[str]
    intervention: NotRequired[JSON | None]


class ErrorReply(TypedDict):
    type: Literal["error"]
    id: NotRequired[Any]
    success: Literal[False]
    error: ErrorBody
    timestamp: str | None


class Push(TypedDict):
    """`seq` is the event's; frames without one never move a client's position."""

    type: str
    success: Literal[True]
    seq: NotRequired[int]
    timestamp: str | None
    data: Mapping[str, Any]


class StatusChanged(TypedDict):
    request_id: str
    old_status: str
    new_status: str
    updated_by: str
    action_reason: str | None
    response: JSON | None
    intervention: JSON | None


class ActionCompleted(TypedDict):
    request_id: str
    outcome: JSON | None
    by: str


class Position(TypedDict):
    seq: int
    epoch: str


def push(item: News) -> str:
    """The frame of one event."""
    if item.push is None:
        kind, data = _told(item)
        frame = Push(type=kind, success=True, seq=item.seq, timestamp=item.event["at"], data=data)
        item.push = text(frame)
    return item.push


def metrics_update(figures: JSON) -> str:
    return text(Push(type="metrics_update", success=True, timestamp=now(), data=figures))


def resync(seq: int, epoch: str) -> str:
    return text(Push(type="resync", success=True, timestamp=now(), data=Position(seq=seq, epoch=epoch)))


def reply(kind: str, data: Mapping[str, Any], echoed: Mapping[str, Any]) -> str:
    """`echoed` holds the message's `id` where it had one."""
    return text({"type": kind, **echoed, "success": True, "data": data, "timestamp": now()})


def error(body: ErrorBody, echoed: Mapping[str, Any]) -> str:
    return text({"type": "error", **echoed, "success": False, "error": body, "timestamp": now()})


def text(value: object) -> str:
    return orjson.dumps(value).decode()


def _told(item: News) -> tuple[str, Mapping[str, Any]]:
    event, intervention = item.event, item.intervention
    told, request_id, by = event["data"], item.request_id, event["actor"]
    if event["type"] == EventType.CREATED:
        # What was removed since is told of as far as the log still knows it.
        return "new_request", intervention or {**told, "request_id": request_id}
    if event["type"] == EventType.COMPLETED:
        return "action_completed", ActionCompleted(request_id=request_id, outcome=told.get("outcome"), by=by)
    if "old_status" in told:
        changed = StatusChanged(
            request_id=request_id,
            old_status=told["old_status"],
            new_status=told["status"],
            updated_by=by,
            action_reason=told.get("action_reason"),
            response=told.get("response"),
            intervention=intervention,
        )
        return "status_changed", changed
    fixed = {"request_id": request_id, "change": event["type"], "by": by, "at": event["at"]}
    return "request_updated", {**told, **fixed, "intervention": intervention}


def now() -> str | None:
    return moment(datetime.now(UTC))
