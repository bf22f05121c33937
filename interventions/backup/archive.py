"""What does the file of a backup look like?

Gzipped lines of JSON. The first says what this is; then, for each table, a line that names it and its columns, its rows
as objects, and how many there were, with their SHA-256; the last holds the SHA-256 of all lines before it. Rows begin
with `{`, everything else is a list. A file without its last line is not whole.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO

import orjson

from interventions.audits import Anchor
from pilots.errors import DomainError

MAGIC = "chameleon backup"
FORMAT = 1
# The quickest: the next one takes twice as long and saves a tenth.
LEVEL = 1
# Lines handed on at a time, and the bytes from which on fewer are.
BATCH, BATCH_BYTES = 1000, 2**20


class Unusable(DomainError):
    """The file is no backup, or not a whole one, or not one for this installation."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup says of itself: when it was made and of what; `heads` is where each log ended, `ids` the last key
    that each table has given, `seals` a text sealed with each key of the settings, today's first."""

    at: str
    version: str
    engine: str
    migrations: list[str]
    seals: list[str]
    heads: list[Anchor]
    ids: dict[str, int]


@dataclass(frozen=True, slots=True)
class Sum:
    """What is in a table."""

    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that is known of a backup besides its rows."""

    header: Header
    tables: dict[str, Sum]

    def __str__(self) -> str:
        return f"{self.rows} rows of {len(self.tables)} tables as of {self.header.at}"

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.tables.values())

    def as_dict(self) -> dict[str, Any]:
        """For programs; not the seals, which are nobody's business."""
        said = {name: value for name, value in asdict(self.header).items() if name != "seals"}
        return said | {"rows": self.rows, "tables": {name: asdict(each) for name, each in self.tables.items()}}


@dataclass(slots=True)
class Writer:
    """Writes one table after the other; `tables` is what was written of each."""

    _out: gzip.GzipFile
    tables: dict[str, Sum] = field(default_factory=dict)
    _whole: Any = field(default_factory=hashlib.sha256)

    def table(self, name: str, columns: list[str], pages: Iterable[list[bytes]]) -> None:
        self._put(_line("table", name, columns))
        count, digest = 0, hashlib.sha256()
        for lines in pages:
            text = b"".join(lines)
            digest.update(text)
            count += len(lines)
            self._put(text)
        self.tables[name] = Sum(count, digest.hexdigest())
        self._put(_line("rows", count, digest.hexdigest()))

    def _put(self, text: bytes) -> None:
        self._whole.update(text)
        self._out.write(text)

    def end(self) -> None:
        self._out.write(_line("end", self._whole.hexdigest()))


@contextmanager
def writing(out: BinaryIO, header: Header) -> Iterator[Writer]:
    """Puts the end after what is written inside."""
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=LEVEL, filename="", mtime=0) as packed:
        writer = Writer(packed)
        writer._put(_line(MAGIC, FORMAT, asdict(header)))
        yield writer
        writer.end()


@dataclass(frozen=True, slots=True)
class Section:
    """One table of a file that is being read. What is not taken of its rows is passed over."""

    table: str
    columns: list[str]
    batches: Iterator[list[bytes]]


class Reader:
    """Reads a file from where it stands; raises Unusable where it is not what was written.

    `tables` is whole, and the file proved to be, once all sections were read.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._whole = hashlib.sha256()
        self._lines = _lines(file)
        self.tables: dict[str, Sum] = {}
        self.header = self._header()

    def sections(self) -> Iterator[Section]:
        while (mark := self._mark(self._next()))[0] != "end":
            _, table, columns = _of_kind("table", mark, 3)
            batches = self._batches(table)
            yield Section(table, columns, batches)
            for _ in batches:
                pass
        if next(self._lines, None) is not None:
            raise _changed("something stands behind its end")

    def _header(self) -> Header:
        mark = self._mark(self._next())
        if mark[0] != MAGIC:
            raise Unusable("This is no backup of Chameleon.")
        _, version, said = _of_kind(MAGIC, mark, 3)
        if version != FORMAT:
            raise Unusable(
                f"This backup is of format {version}, this release reads {FORMAT}: restore it with the release that "
                "made it, or a newer one."
            )
        try:
            return Header(**said | {"heads": [Anchor(**head) for head in said["heads"]]})
        except (TypeError, KeyError) as error:
            raise _changed("its first line is not what was written") from error

    def _batches(self, table: str) -> Iterator[list[bytes]]:
        count, digest, batch, size = 0, hashlib.sha256(), list[bytes](), 0
        while (line := self._next()).startswith(b"{"):
            self._whole.update(line)
            digest.update(line)
            count += 1
            batch.append(line)
            size += len(line)
            if len(batch) == BATCH or size > BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if _of_kind("rows", self._mark(line), 3)[1:] != [count, digest.hexdigest()]:
            raise _changed(f"the rows of {table} are not those that were written")
        self.tables[table] = Sum(count, digest.hexdigest())
        if batch:
            yield batch

    def _next(self) -> bytes:
        line = next(self._lines, b"")
        if not line.endswith(b"\n"):
            raise _changed("it is cut off")
        return line

    def _mark(self, line: bytes) -> list[Any]:
        try:
            mark = orjson.loads(line)
        except ValueError as error:
            raise _changed("a line is not JSON") from error
        if not isinstance(mark, list) or not mark:
            raise _changed("a line stands where none may")
        if mark[0] == "end" and mark[1:] != [self._whole.hexdigest()]:
            raise _changed("its lines are not those that were written")
        self._whole.update(line)
        return mark


def examine(file: BinaryIO) -> Manifest:
    """Reads all of it; raises Unusable where it is not whole, or not what was written."""
    reader = Reader(file)
    for _ in reader.sections():
        pass
    return Manifest(reader.header, reader.tables)


def _line(*parts: Any) -> bytes:
    return orjson.dumps(parts) + b"\n"


def _lines(file: BinaryIO) -> Iterator[bytes]:
    try:
        with gzip.GzipFile(fileobj=file, mode="rb") as packed:
            yield from packed
    except gzip.BadGzipFile as error:
        raise Unusable("This is no backup of Chameleon, or it was changed.") from error
    except (EOFError, zlib.error) as error:
        raise _changed("it is cut off or was damaged") from error


def _of_kind(kind: str, mark: list[Any], length: int) -> list[Any]:
    if mark[0] != kind or len(mark) != length:
        raise _changed(f"where its {kind} should be there is something else")
    return mark


def _changed(how: str) -> Unusable:
    return Unusable(f"This backup is not what was written: {how}. Take another copy, or an older one.")
