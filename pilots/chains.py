"""Is a log that is chained by hashes still what was written? The walk that the event log and the access log share."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import rfc8785


class Link(Protocol):
    """One entry of a log; its hash covers `data_digest`, not the data."""

    seq: int
    data: Any
    salt: str
    data_digest: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log says it begins and ends."""

    first_seq: int = 1
    last_seq: int = 0
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a log does not agree with itself."""

    seq: int
    problem: str
    invariant: str = "I10"


@dataclass(frozen=True, slots=True)
class Audit:
    """What a walk over the whole log found; `head_hash` is what to compare with one noted elsewhere."""

    events: int
    head_hash: str
    findings: list[Finding]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class Redaction:
    """What an erasure left of the entries it touched: their salt is gone, so their own digest proves nothing more.

    The digest over all of them stands in the access log, in the newest `pilot_erased`, and vouches for them instead.
    """

    salt: str
    entries: int = 0
    _sum: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._sum = hashlib.sha256(self.salt.encode())

    def add(self, entry: Link) -> None:
        self.entries += 1
        self._sum.update(rfc8785.dumps([entry.seq, entry.data]))

    def voucher(self) -> dict[str, Any]:
        return {"entries": self.entries, "salt": self.salt, "digest": self._sum.hexdigest()}


def digest_of(data: dict[str, Any], salt: str) -> str:
    """Salted, so that what was erased, a short reason for one, cannot be guessed from the digest."""
    return hashlib.sha256(salt.encode() + rfc8785.dumps(data)).hexdigest()


def walk[Entry: Link](
    entries: Iterable[Entry],
    head: Head,
    *,
    hash_of: Callable[[str, Entry], str],
    misnamed: Callable[[Entry], str | None],
    voucher: dict[str, Any] | None = None,
) -> Iterator[Finding]:
    """Yields what is wrong with the log: nothing, where all is well. `entries` come by seq, `misnamed` says which name
    is not that of its reference, `voucher` is what the newest erasure says it left."""
    previous_hash, expected = "", head.first_seq
    redaction = Redaction(voucher["salt"] if voucher else "")
    for entry in entries:
        if entry.seq != expected:
            yield Finding(entry.seq, f"expected seq {expected}: events are missing or were inserted", "I7")
        if entry.salt and digest_of(entry.data, entry.salt) != entry.data_digest:
            yield Finding(entry.seq, "the data was changed")
        if entry.data and not entry.salt:
            redaction.add(entry)
            if voucher is None:
                yield Finding(entry.seq, "data stands where it was erased")
        if problem := misnamed(entry):
            yield Finding(entry.seq, problem)
        if hash_of(previous_hash, entry) != entry.hash:
            yield Finding(entry.seq, "the hash does not follow from the event before")
        previous_hash, expected = entry.hash, entry.seq + 1
    if voucher is not None and redaction.voucher() != voucher:
        yield Finding(head.last_seq, "what stands where a pilot was erased is not what the erasure left")
    if (head.last_seq, head.hash) != (expected - 1, previous_hash):
        yield Finding(head.last_seq, f"the log ends at {expected - 1}, its head says {head.last_seq}", "I7")
