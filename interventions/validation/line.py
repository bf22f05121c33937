"""One credential's way to the servers: each call goes to the next of them and is repeated as docs/api.md says."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import httpx

from interventions.simulation.client import JSON, is_local, retry_after

# A client that has asked for so long gives up: the operation has failed.
PATIENCE_SECONDS = 30.0
ANSWER_SECONDS = 10.0
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
# What asking again may change: too many, and what a server or a proxy says while nobody can answer.
AGAIN = (429, 502, 503, 504)
# As the proxy says that ends TLS: servers are asked behind it, and would send us round to it.
BEHIND_PROXY = {"X-Forwarded-Proto": "https"}


class Failed(Exception):
    """The operation failed, its repetition too; says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`document` is an object, or the array of the queue; asked for and here by the monotonic clock; `at_once` where
    the first try was answered."""

    document: Any
    asked: float
    here: float
    at_once: bool

    @property
    def seconds(self) -> float:
        return self.here - self.asked


class Line:
    """HTTP to one or several servers that share their data. `bearer` may be changed at any time."""

    def __init__(
        self, urls: Sequence[str], bearer: str, transport: httpx.AsyncBaseTransport | None = None, patience: float = 0
    ) -> None:
        self.bearer = bearer
        self._urls = itertools.cycle(urls)
        self._patience = patience or PATIENCE_SECONDS
        self._http = httpx.AsyncClient(
            headers=BEHIND_PROXY, timeout=ANSWER_SECONDS, transport=transport, trust_env=not all(map(is_local, urls))
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def call(self, method: str, path: str, body: JSON | None = None, wait: float = 0) -> Answer:
        """The answer, once there is one; raises Failed. `wait` is how long the server may wait by itself."""
        begun, pause, at_once = monotonic(), FIRST_PAUSE, True
        while True:
            again, trouble = pause, ""
            try:
                response = await self._try(method, path, body, wait)
            except httpx.TransportError as error:
                trouble = f"{type(error).__name__} {error}".strip()
            else:
                if response.status_code not in AGAIN:
                    return Answer(_document(response), begun, monotonic(), at_once)
                trouble, again = str(response.status_code), retry_after(response, pause)
            at_once, pause = False, min(pause * 2, LONGEST_PAUSE)
            if monotonic() - begun + again > self._patience + wait:
                raise Failed(f"{method} {path.partition('?')[0]}: {trouble} for {monotonic() - begun:.0f} s")
            await asyncio.sleep(again)

    async def status(self, url: str, path: str) -> int:
        """What one server answers to one try; 0 where it does not."""
        try:
            return (await self._http.get(f"{url}{path}")).status_code
        except httpx.TransportError:
            return 0

    async def _try(self, method: str, path: str, body: JSON | None, wait: float) -> httpx.Response:
        return await self._http.request(
            method,
            f"{next(self._urls)}{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.bearer}"},
            timeout=httpx.Timeout(ANSWER_SECONDS, read=ANSWER_SECONDS + wait),
        )


def _document(response: httpx.Response) -> Any:
    where = f"{response.request.method} {response.request.url.path}"
    try:
        document = response.json()
    except ValueError:
        raise Failed(f"{where}: {response.status_code} without JSON") from None
    if not response.is_success:
        told = document if isinstance(document, dict) else {}
        raise Failed(f"{where}: {response.status_code} {told.get('code', '')}: {told.get('detail', '')}")
    return document
