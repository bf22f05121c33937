"""What is a request found by, and what does somebody look for who types a text? Words, folded alike on both sides."""

import hashlib
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interventions.models import Intervention

# Of a text that is looked for; in as many words nobody can be more precise.
MAX_WORDS = 32
# As long as an id may be; of what is longer only the beginning counts.
MAX_WORD = 255
# A single letter is the beginning of half the language: it is looked for as a word of its own.
LEAST_BEGINNING = 2
# Begins a mark, and no word.
_MARK = "#"

_ACCENTS = range(0x0300, 0x0370)
_SELECTORS = range(0xFE00, 0xFE10)
# Chinese and Japanese are written without spaces between words.
_ALONE = (range(0x3041, 0x3100), range(0x3400, 0xA000), range(0xF900, 0xFB00), range(0x20000, 0x32000))


class _Parts(dict[int, str | None]):
    """What becomes of a character, looked up once each: letters, digits and their marks stay, accents and what cannot
    be seen go, a symbol stands alone, and whatever else there is parts words."""

    def __missing__(self, code: int) -> str | None:
        self[code] = _part(chr(code), code)
        return self[code]


def _part(character: str, code: int) -> str | None:
    kind = unicodedata.category(character)
    if kind == "Cf" or code in _ACCENTS or code in _SELECTORS:
        return None
    if kind == "So" or (kind[0] == "L" and any(code in block for block in _ALONE)):
        return f" {character} "
    return character if kind[0] in "LMN" else " "


_parts = _Parts()


def words_of(text: str) -> list[str]:
    """The words of a text in their order: small letters without accents, compatible forms made alike."""
    folded = _decomposed(_decomposed(text).casefold()).translate(_parts)
    return [word[:MAX_WORD] for word in _decomposed(folded).split()]


def sought(text: str) -> list[str]:
    """The words that a request has to hold, each; none where the text has none, and then nothing is found.

    A word is left out where another one begins with it.
    """
    words = list(dict.fromkeys(words_of(text)))[:MAX_WORDS]
    return [word for word in words if not _is_said_by(word, words)]


def marks(*, tag: str = "", intervention_type: str = "") -> list[str]:
    """What stands in the index for a whole tag, capitals and all, and for a type. Hardly ever two have the same, but
    the columns have the last word."""
    return [_mark(kind, value) for kind, value in (("tag", tag), ("type", intervention_type)) if value]


def _mark(kind: str, value: str) -> str:
    return _MARK + hashlib.blake2b(f"{kind}:{value}".encode(errors="surrogatepass"), digest_size=8).hexdigest()


def is_beginning(word: str) -> bool:
    """Whether it stands for all words that begin with it, too."""
    return len(word) >= LEAST_BEGINNING and not word.startswith(_MARK)


def entry(row: "Intervention") -> str:
    """Under what a request is found, as the index takes it: its ids, title, description and tags."""
    texts = (row.request_id, row.uow_id, row.title, row.description, *row.tags)
    words = {word for text in texts for word in words_of(text)}
    words |= {mark for tag in row.tags for mark in marks(tag=tag)} | {*marks(intervention_type=row.intervention_type)}
    return " ".join(sorted(of_organization(row.organization_id, words)))


def of_organization(organization_id: int, words: Iterable[str]) -> list[str]:
    """The words as they stand in the index, which so keeps each organization's in a place of their own: to look for
    one costs nothing for what others have."""
    return [f"{organization_id}_{word}" for word in words]


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFKD", text)


def _is_said_by(word: str, others: list[str]) -> bool:
    return is_beginning(word) and any(other != word and other.startswith(word) for other in others)
