"""Web push: a message to the devices on which a pilot wants to be told, by way of each browser's push service."""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from interventions.delivery import devices, encryption, targets, vapid
from interventions.delivery.errors import TryLater, Undeliverable
from interventions.delivery.message import Message
from interventions.models import PushSubscription
from interventions.spelling import spelled
from pilots.models import Organization, Pilot

# A device that comes back later finds the request decided, or on the page.
TTL_SECONDS = 3600
_GONE = (404, 410)
_MAX_TITLE, _MAX_BODY = 200, 400
# Of a pilot's devices so many are sent to side by side: a push service that hangs holds up none but its own.
AT_ONCE = 5

type _Answered = Callable[[], targets.Answer]


class Gone(Undeliverable):
    """The browser has dropped its subscription; it is deleted here too."""


def send_to(pilot: Pilot, organization: Organization, message: Message) -> int:
    """How many of the pilot's devices took the message. Raises TryLater where none did and some may later, and
    Undeliverable where all that are left refuse for good."""
    reached, later, refused = 0, list[TryLater](), list[Undeliverable]()
    for row, answered in _side_by_side(devices.living(pilot, organization), message):
        try:
            _heed(row, answered)
            reached += 1
        except Gone:
            continue
        except TryLater as error:
            later.append(error)
        except Undeliverable as error:
            refused.append(error)
    if reached == 0 and (later or refused):
        raise later[0] if later else refused[0]
    return reached


def send(row: PushSubscription, message: Message) -> None:
    """To one device; notes how it went. Raises Gone, Undeliverable or TryLater."""
    _heed(row, partial(_post, row, message))


def _side_by_side(rows: list[PushSubscription], message: Message) -> Iterator[tuple[PushSubscription, _Answered]]:
    """Each device with what gives its answer or raises. The threads only call; the database is this one's."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="push") as threads:
        asked = [threads.submit(_post, row, message) for row in rows]
        for row, answer in zip(rows, asked, strict=True):
            yield row, answer.result


def _heed(row: PushSubscription, answered: _Answered) -> None:
    note = partial(devices.note, row)
    try:
        answer = answered()
    except Undeliverable as error:
        note(str(error))
        raise
    if answer.status in _GONE:
        devices.remove(row)
        raise Gone("has dropped its subscription; switch it on again there")
    if answer.is_good:
        return note()
    if answer.is_for_good:
        note(f"its push service refused ({answer.status})")
        raise Undeliverable(f"its push service refused: {answer.status}")
    raise TryLater(f"its push service answered {answer.status}", answer.retry_after)


def _post(row: PushSubscription, message: Message) -> targets.Answer:
    headers = {
        "Authorization": vapid.header(row.endpoint, row.server_key),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(TTL_SECONDS),
        "Urgency": "high" if message.urgent else "normal",
        "Topic": _topic(row, message),
    }
    return targets.post(row.endpoint, encryption.encrypt(payload(message), row.p256dh, row.auth), headers)


def payload(message: Message) -> bytes:
    """What the service worker reads: words and a way, small enough for every push service."""
    told = {
        "title": spelled(message.title)[:_MAX_TITLE],
        "body": spelled(message.body)[:_MAX_BODY],
        "path": message.path,
        "urgent": message.urgent,
        "tag": message.tag[:100],
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _topic(row: PushSubscription, message: Message) -> str:
    """One that waits for the device is replaced by the next of its tag; it tells the push service nothing else."""
    return encryption.encode(hashlib.sha256(f"{row.organization_id}\n{message.tag}".encode()).digest())[:32]
