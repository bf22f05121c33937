"""What a pilot knows about: tags like those of requests, by which the queue shows what is in their field."""

from pilots.inputs import Schema
from pilots.models import Pilot

# A request's tag is as long at most; compared as they are written.
MAX_LENGTH = 50
MAX_TAGS = 50
TAGS: Schema = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH},
    "maxItems": MAX_TAGS,
}


def of(pilot: Pilot) -> tuple[str, ...]:
    """What makes no sense, by whatever hand, counts as none."""
    stored = pilot.expertise_tags
    return tuple(tag for tag in stored if isinstance(tag, str) and tag) if isinstance(stored, list) else ()


def each_once(tags: list[str]) -> list[str]:
    """As they are stored, whichever door they came through: in the order given."""
    return list(dict.fromkeys(tags))


def typed(text: str) -> list[str]:
    """The tags in what somebody typed into one field, with commas between them."""
    return [tag for part in text.split(",") if (tag := part.strip())]
