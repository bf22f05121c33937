"""Browser windows that serve one test after the other: what they have fetched and compiled stays, nothing else does.

A new one fetches and compiles all of the console's files anew, which costs more than what most tests do with it.
"""

from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Page

# Without transitions what is looked at is what will stay; and what a service worker answers, no route sees.
SETTLED: dict[str, Any] = {"reduced_motion": "reduce", "service_workers": "block"}
# Cookies and permissions are the context's own to clear, and what belongs to a tab goes with it.
LEFT_BEHIND = "local_storage,indexeddb,cache_storage"

type Size = tuple[int, int]


class Windows:
    """Those of one browser."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: dict[Size | None, list[BrowserContext]] = {}
        self._taken: list[tuple[BrowserContext, Size | None]] = []

    def open(self, address: str, viewport: dict[str, int], *, new: bool = False, **options: Any) -> Page:
        """A page for this server, in a window of its own; with options, or as `new`, one that has fetched nothing."""
        size = None if new or options else (viewport["width"], viewport["height"])
        free = self._free.get(size, [])
        settings: dict[str, Any] = {"viewport": viewport} | SETTLED | options
        context = free.pop() if free else self._browser.new_context(**settings)
        self._taken.append((context, size))
        page = context.new_page()
        if size:
            wire = context.new_cdp_session(page)
            wire.send("Storage.clearDataForOrigin", {"origin": address, "storageTypes": LEFT_BEHIND})
            wire.detach()
        return page

    def close(self) -> None:
        """After a test: all that it opened."""
        taken, self._taken = self._taken, []
        for context, size in taken:
            if size and _is_as_before(context):
                self._free.setdefault(size, []).append(context)
            else:
                context.close()


def _is_as_before(context: BrowserContext) -> bool:
    """True once it is; False where a test has closed it, or moved its clock, which is for good."""
    try:
        if any(page.evaluate("'__pwClock' in globalThis") for page in context.pages):
            return False
        for page in context.pages:
            page.close()
        context.clear_cookies()
        context.clear_permissions()
        context.set_offline(False)
    except Error:
        return False
    return True
