"""The files of the pages, served in front of Django, from a fresh clone as well as after `collectstatic`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from django.conf import settings
from django.contrib.staticfiles import finders
from servestatic import ServeStaticASGI


class _Files(ServeStaticASGI):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        # While developing each look-up asks the disk, in a thread: only for what may be a file of ours.
        if scope["path"].startswith(settings.STATIC_URL):
            await super().__call__(scope, receive, send)
        else:
            await self.application(scope, receive, send)

    def candidate_paths_for_url(self, url: str) -> Iterator[str]:
        """Asked while developing only; else the files are known from the start."""
        found = finders.find(url.removeprefix(settings.STATIC_URL))
        if found:
            yield str(found)


def static_files(application: Any) -> Any:
    """`application` behind the static files. A name with a hash in it may be kept for ever, others for a minute."""
    files = _Files(
        application,
        autorefresh=settings.DEBUG,
        max_age=0 if settings.DEBUG else 60,
        allow_all_origins=False,
        add_headers_function=_add_headers,
    )
    if not settings.DEBUG:
        if Path(settings.STATIC_ROOT).is_dir():
            files.add_files(settings.STATIC_ROOT, prefix=settings.STATIC_URL)
        # The last ones count: what was collected before an update is older than what the apps hold.
        for finder in finders.get_finders():
            for path, storage in finder.list([]):
                name = f"{storage.prefix}/{path}" if getattr(storage, "prefix", None) else path
                files.add_file_to_dictionary(settings.STATIC_URL + name.replace("\\", "/"), storage.path(path))
    return files


def _add_headers(headers: Headers, _path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
