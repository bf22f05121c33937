"""The files of the pages, served in front of Django, from a fresh clone as well as after `collectstatic`.

A page names them under the release: a hash over all of them stands in the address, `/static/<release>/css/base.css`. So
they may be kept for ever, modules find one another by relative names, and nothing has to be built.
"""

import hashlib
import re
from asyncio import to_thread
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self
from wsgiref.headers import Headers

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from servestatic import ServeStaticASGI
from servestatic.responders import Response, StaticFile
from servestatic.utils import parse_accept_encoding

from chameleon.compression import packed

_RELEASE = re.compile(r"^[0-9a-f]{12}/")
_PACKABLE = re.compile(r"\.(css|js|svg|json|map|txt|html|webmanifest)$")


class ReleasedFiles(StaticFilesStorage):
    """Where a page finds a file. While developing, under its plain name: there it changes from one load to the next."""

    def url(self, name: str | None) -> str:
        return super().url(name if settings.DEBUG else f"{release()}/{name}")


@cache
def release() -> str:
    """A hash over the names and contents of all files: the same on each server that holds the same."""
    digest = hashlib.sha256()
    for name, path in sorted(_found()):
        digest.update(f"{name}\n".encode())
        digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return digest.hexdigest()[:12]


def static_files(application: Any) -> Any:
    """`application` behind the static files. Under the release they may be kept for ever, elsewhere for a minute."""
    files = _Files(
        application,
        autorefresh=settings.DEBUG,
        max_age=0 if settings.DEBUG else 60,
        allow_all_origins=False,
        mimetypes={".webmanifest": "application/manifest+json"},
        add_headers_function=_add_headers,
        immutable_file_test=rf"^{settings.STATIC_URL}[0-9a-f]{{12}}/|\.[0-9a-f]{{12}}\.",
    )
    if not settings.DEBUG:
        if Path(settings.STATIC_ROOT).is_dir():
            files.add_files(settings.STATIC_ROOT, prefix=settings.STATIC_URL)
        # The last ones count: what was collected before an update is older than what the apps hold.
        for name, path in _found():
            files.add_file_to_dictionary(f"{settings.STATIC_URL}{name}", path)
            files.add_file_to_dictionary(f"{settings.STATIC_URL}{release()}/{name}", path)
    return files


class _Files(ServeStaticASGI):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        # While developing each look-up asks the disk, in a thread: only for what may be a file of ours.
        if not scope["path"].startswith(settings.STATIC_URL):
            await self.application(scope, receive, send)
            return
        if not self.autorefresh and scope["path"] not in self.files:
            # A page of a server that was updated before or after this one still gets its files, for a minute.
            scope = scope | {"path": settings.STATIC_URL + _RELEASE.sub("", _name(scope["path"]))}
        await super().__call__(scope, receive, send)

    def candidate_paths_for_url(self, url: str) -> Iterator[str]:
        """Asked while developing only; else the files are known from the start."""
        found = finders.find(_name(url))
        if found:
            yield str(found)

    def get_static_file(self, path: str, url: str, stat_cache: Any = None) -> StaticFile:
        file = super().get_static_file(path, url, stat_cache)
        return _Packed(file) if _PACKABLE.search(path) and not self.autorefresh else file


class _Packed(StaticFile):
    """A file that is compressed when somebody first asks, and kept so in memory: with no step before the start."""

    def __init__(self, file: StaticFile) -> None:
        self.__dict__ |= file.__dict__
        self.kept: dict[str, bytes] = {}

    async def aget_response(self, method: str, request_headers: Mapping[str, str], **offers: bool) -> Response:
        accepted = parse_accept_encoding(request_headers.get("HTTP_ACCEPT_ENCODING", ""))
        encoding = next((name for name in ("br", "gzip") if name in accepted), None)
        is_part = method != "GET" or "HTTP_RANGE" in request_headers or self.is_not_modified(request_headers)
        if is_part or encoding is None:
            return await super().aget_response(method, request_headers, **offers)
        _, path, plain = self.alternatives[-1]
        if encoding not in self.kept:
            self.kept[encoding] = await to_thread(_pack, path, encoding)
        body = self.kept[encoding]
        headers = Headers([(name, value) for name, value in plain if value is not None])
        headers["Content-Encoding"], headers["Content-Length"] = encoding, str(len(body))
        if "immutable" in (headers["Cache-Control"] or ""):
            # Nobody asks again; on fifty small files this is a tenth of what they weigh.
            del headers["ETag"], headers["Last-Modified"]
        return Response(HTTPStatus.OK, list(headers.items()), _InMemory(body))


class _InMemory:
    """Bytes where the server expects an open file."""

    def __init__(self, content: bytes) -> None:
        self.rest = content

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.rest = b""

    async def read(self, _size: int) -> bytes:
        chunk, self.rest = self.rest, b""
        return chunk


def _pack(path: str, encoding: str) -> bytes:
    return packed(Path(path).read_bytes(), encoding, for_good=True)


def _found() -> Iterator[tuple[str, str]]:
    """Name and path of each file that our apps hold."""
    for finder in finders.get_finders():
        for path, storage in finder.list([]):
            name = f"{storage.prefix}/{path}" if getattr(storage, "prefix", None) else path
            yield name.replace("\\", "/"), storage.path(path)


def _name(path: str) -> str:
    return path.removeprefix(settings.STATIC_URL)


def _add_headers(headers: Headers, path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    if _PACKABLE.search(path):
        headers["Vary"] = "Accept-Encoding"
