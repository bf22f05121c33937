"""Which of many requests are like one: by the words of their titles and their tags."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

MAX_SIMILAR = 5
# Two that share less than this have hardly more in common than being in one language.
_THRESHOLD = 0.3
_TAGS_WEIGH = 0.5
# Words that say nothing about what a request is about; and numbers differ from case to case.
_EMPTY = frozenset(
    """a an and any are as at be by can does for from go has have how i if in into is it its may me my no not of on or
    our out shall should so than that the their them then this to up us was we were what when where which who why will
    with yes you your""".split()  # noqa: SIM905 -- prose is read more easily than a list
)


def words_of(title: str) -> frozenset[str]:
    """The words that say what a title is about, in small letters; no numbers."""
    words = re.findall(r"[^\W\d_]{2,}", title.casefold())
    return frozenset(word for word in words if word not in _EMPTY)


def likeness(title: str, tags: Collection[str], other_title: str, other_tags: Collection[str]) -> float:
    """From 0, nothing in common, to 1.5: the same words and the same tags."""
    shared_words = _shared(words_of(title), words_of(other_title))
    return shared_words + _TAGS_WEIGH * _shared(frozenset(tags), frozenset(other_tags))


def most_alike[Row: Mapping[str, Any]](title: str, tags: Collection[str], rows: Iterable[Row]) -> list[Row]:
    """The few most like it, most alike first; of two as alike the one that came first. None that is not alike."""
    scored = [(likeness(title, tags, row["title"], row["tags"]), row) for row in rows]
    alike = [pair for pair in scored if pair[0] >= _THRESHOLD]
    # Sorting is stable: those as alike stay in the order they came in.
    return [row for _, row in sorted(alike, key=lambda pair: -pair[0])[:MAX_SIMILAR]]


def _shared(one: frozenset[str], other: frozenset[str]) -> float:
    """How much of both is in both: 0 to 1."""
    return len(one & other) / len(one | other) if one and other else 0.0
