"""Is a log that is chained by hashes still what was written? The walk that the event log and the access log share."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import rfc8785

# One entry of a log, a model's row: `seq`, `at`, `data`, `salt`, `data_digest`, `hash`. The hash covers the digest, not
# the data. No protocol: the models' fields are descriptors, which type checkers hold against one in one order of
# imports and not in another.
type Link = Any


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log says it begins and ends; `base` is the hash its first entry follows: "" unless it was pruned."""

    first_seq: int = 1
    last_seq: int = 0
    hash: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a log may have been pruned: up to this entry, the last one that is older than `before`; said at `at`."""

    seq: int = 0
    hash: str = ""
    before: datetime = datetime.min.replace(tzinfo=UTC)
    at: datetime = datetime.max.replace(tzinfo=UTC)


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


@dataclass(frozen=True, slots=True)
class Chain[Entry]:
    """One log, as its walk needs it. `rows` gives the entries after a position, in order; `erased` those beyond the
    checkpoint that erasures touched; `misnamed` says which name is not that of its reference, `voucher` is what the
    newest erasure says it left. `kept` is how long no pruning may touch an entry."""

    rows: Callable[[int], Iterable[Entry]]
    erased: Callable[[], Iterable[Entry]]
    head: Head
    hash_of: Callable[[str, Entry], str]
    misnamed: Callable[[Entry], str | None]
    voucher: dict[str, Any] | None = None
    checkpoint: Checkpoint = Checkpoint()
    kept: timedelta = timedelta(0)


@dataclass(slots=True)
class Walk[Entry]:
    """Where a walk over a log stands: what the next entry must follow, and what stood where a pilot was erased."""

    chain: Chain[Entry]
    seq: int
    hash: str
    redaction: Redaction

    @classmethod
    def from_start(cls, chain: Chain[Entry]) -> "Walk[Entry]":
        return cls.after(chain, chain.head.first_seq - 1, chain.head.base)

    @classmethod
    def after(cls, chain: Chain[Entry], seq: int, hash: str) -> "Walk[Entry]":
        """From a position on whose hash is known to be right."""
        return cls(chain, seq, hash, Redaction(chain.voucher["salt"] if chain.voucher else ""))

    def begin(self) -> Iterator[Finding]:
        """Whether the log may begin where it does: with its first entry, or up to its checkpoint."""
        head, checkpoint = self.chain.head, self.chain.checkpoint
        if head.first_seq > checkpoint.seq + 1:
            problem = f"the log begins here, but by the access log it was pruned up to {checkpoint.seq} only"
            yield Finding(head.first_seq, problem, "I7")
        elif head.first_seq == checkpoint.seq + 1 and head.base != checkpoint.hash:
            yield Finding(checkpoint.seq, "the log does not begin after the entry up to which it was pruned")
        if checkpoint.seq and checkpoint.before > checkpoint.at - self.chain.kept:
            yield Finding(checkpoint.seq, "what was younger than may be pruned was pruned up to here")

    def step(self, entry: Link) -> Iterator[Finding]:
        head, checkpoint = self.chain.head, self.chain.checkpoint
        if entry.seq < head.first_seq:
            yield Finding(entry.seq, "stands before the beginning of the log", "I7")
            return
        if entry.seq != self.seq + 1:
            yield Finding(entry.seq, f"expected seq {self.seq + 1}: events are missing or were inserted", "I7")
        if entry.salt and digest_of(entry.data, entry.salt) != entry.data_digest:
            yield Finding(entry.seq, "the data was changed")
        if entry.seq == checkpoint.seq and entry.hash != checkpoint.hash:
            yield Finding(entry.seq, "is not the entry up to which the access log says it is pruned")
        if entry.data and not entry.salt:
            if entry.seq > checkpoint.seq:
                self.redaction.add(entry)
            if self.chain.voucher is None:
                yield Finding(entry.seq, "data stands where it was erased")
        if problem := self.chain.misnamed(entry):
            yield Finding(entry.seq, problem)
        if self.chain.hash_of(self.hash, entry) != entry.hash:
            yield Finding(entry.seq, "the hash does not follow from the event before")
        self.seq, self.hash = entry.seq, entry.hash

    def vouched(self) -> Iterator[Finding]:
        """Where all of the erased entries were met."""
        if self.chain.voucher is not None and self.redaction.voucher() != self.chain.voucher:
            problem = "what stands where a pilot was erased is not what the erasure left"
            yield Finding(self.chain.head.last_seq, problem)

    def end(self) -> Iterator[Finding]:
        head = self.chain.head
        if (head.last_seq, head.hash) != (self.seq, self.hash):
            yield Finding(head.last_seq, f"the log ends at {self.seq}, its head says {head.last_seq}", "I7")


def walk[Entry](chain: Chain[Entry]) -> Iterator[Finding]:
    """Yields what is wrong with the whole log: nothing, where all is well."""
    walk = Walk.from_start(chain)
    yield from walk.begin()
    # From zero: what stands before the beginning was put there.
    for entry in chain.rows(0):
        yield from walk.step(entry)
    yield from walk.vouched()
    yield from walk.end()


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a walk over a part of a log found: up to `seq`, of `last_seq` there are; `is_whole` where it came to the
    end. `unvouched` erased entries were too many to be held against what the erasure left."""

    seq: int
    last_seq: int
    findings: list[Finding]
    is_whole: bool = False
    head_hash: str = ""
    head_at: datetime | None = None
    unvouched: int = 0
    first_seq: int = 1


def stretch[Entry](chain: Chain[Entry], after: int, known: str, limit: int) -> Stretch:
    """Verifies at most `limit` entries after a position, whose hash an earlier stretch has found right.

    It stops with the first entry that something is wrong with: what follows from that one is for the whole walk to say.
    """
    at, first, last = None, chain.head.first_seq, chain.head.last_seq
    # No earlier stretch came to a position beyond the end, or before the beginning.
    goes_on = first <= after <= last
    walk: Walk[Entry] = Walk.after(chain, after, known) if goes_on else Walk.from_start(chain)
    if findings := [] if goes_on else list(walk.begin()):
        return Stretch(first, last, findings)
    begun = walk.seq
    entry: Link
    for entry in islice(chain.rows(begun if goes_on else 0), limit):
        if findings := list(walk.step(entry)):
            return Stretch(entry.seq, last, findings)
        at = entry.at
    if walk.seq < last and walk.seq - begun >= limit:
        return Stretch(walk.seq, last, [])
    findings, unvouched = list(walk.end()), 0
    if not findings and chain.voucher is not None:
        findings, unvouched = _vouch(chain, limit)
    return Stretch(walk.seq, last, findings, True, walk.hash, at, unvouched, first)


def _vouch[Entry](chain: Chain[Entry], limit: int) -> tuple[list[Finding], int]:
    """Whether what stands where pilots were erased is what the erasure left, and how many entries that are too many."""
    count = chain.voucher["entries"] if chain.voucher else 0
    if count > limit:
        return [], count
    walk = Walk.from_start(chain)
    erased: Iterable[Link] = chain.erased()
    for entry in islice((entry for entry in erased if entry.data), limit + 1):
        walk.redaction.add(entry)
    return list(walk.vouched()), 0
