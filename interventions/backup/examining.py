"""Can this file be put back here? Asked before anything is touched."""

from typing import BinaryIO

from interventions.backup import archive, releases, tables
from interventions.backup.archive import Header, Manifest, Unusable
from pilots.sign_in import sealing


def examine(file: BinaryIO, *, other_key: bool = False) -> Manifest:
    """Reads all of the file; raises Unusable where it is not whole, of another release, or sealed with a key that the
    settings do not have (unless `other_key`). No database is asked."""
    manifest = archive.examine(file)
    _require_release(manifest.header)
    _require_tables(manifest)
    if not other_key:
        _require_keys(manifest.header)
    return manifest


def _require_release(header: Header) -> None:
    today = releases.of_today()
    newer = sorted(set(header.migrations) - set(today))
    if newer:
        raise Unusable(
            f"This backup was made by a newer release, {header.version} ({newer[-1]} is not known here): restore it "
            "with that one."
        )
    older = sorted(set(today) - set(header.migrations))
    if older:
        raise Unusable(
            f"This backup was made by an older release, {header.version} ({older[0]} was not applied yet): restore it "
            "with that one, then update and run manage.py migrate."
        )


def _require_tables(manifest: Manifest) -> None:
    known = {model._meta.db_table for model in tables.carried()}
    if strange := known ^ manifest.tables.keys():
        raise Unusable(f"This backup has not the tables of this release: {min(strange)} is there in one of them only.")


def _require_keys(header: Header) -> None:
    closed = [number for number, seal in enumerate(header.seals) if not sealing.is_ours(seal)]
    if 0 in closed:
        raise Unusable(
            "SECRET_KEY is another than where this backup was made, and its second factors and chat addresses could "
            "not be opened: set SECRET_KEY to that one, or add that one to SECRET_KEY_FALLBACKS. Where it is lost for "
            "good: --other-key."
        )
    if closed:
        raise Unusable(
            "SECRET_KEY_FALLBACKS lacks a key that stood there when this backup was made, and what is sealed with it "
            "could not be opened: add it. Where it is lost for good: --other-key."
        )
