"""How is a backup made? In one transaction that only reads, as of one moment, while everybody goes on working."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model

from interventions import wire
from interventions.audits import ACCESS, INSTALLATION, RECORD, Anchor
from interventions.backup import archive, numbering, releases, rows, tables
from interventions.backup.archive import Header, Manifest
from interventions.models import Stream
from pilots import database
from pilots.models import AccessChain
from pilots.sign_in import sealing
from pilots.tenancy import across


def make(out: BinaryIO, using: str = DEFAULT_DB_ALIAS) -> Manifest:
    """Writes a backup of the database behind the connection `using`, however large, a page of it in memory."""
    with across(), database.snapshot(using):
        header = _header(using)
        with archive.writing(out, header) as writer:
            for model in tables.carried():
                writer.table(model._meta.db_table, tables.columns_of(model), rows.pages(model, using))
    return Manifest(header, writer.tables)


def _header(using: str) -> Header:
    # The heads are read first: with them the moment is fixed, and keys given out by then are in `ids`.
    heads = list(_heads(using))
    return Header(
        at=wire.moment(database.now()) or "",
        version=str(settings.SPECTACULAR_SETTINGS["VERSION"]),
        engine=connections[using].vendor,
        migrations=releases.applied(using),
        seals=sealing.marks(),
        heads=heads,
        ids=numbering.last_ids(using),
    )


def _heads(using: str) -> Iterator[Anchor]:
    """Where each log ends, as `anchor_audit` notes it."""
    for slug, seq, digest in _values(Stream, using):
        yield Anchor(slug, RECORD, seq, digest)
    for slug, seq, digest in _values(AccessChain, using):
        yield Anchor(slug or INSTALLATION, ACCESS, seq, digest)


def _values(model: type[Model], using: str) -> Any:
    found = model._base_manager.using(using).order_by("pk")
    return found.values_list("organization__slug", "last_seq", "head_hash")
