"""How an agent talks to Chameleon: asks, waits, reports, and does not let a bad line or a busy server stop it."""

import asyncio
import hashlib
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import httpx
import rfc8785

type JSON = dict[str, Any]
type Say = Callable[[str], None]

WAIT_SECONDS = 30
LONGEST_PAUSE = 15.0
OPEN = ("PENDING", "IN_PROGRESS")
# What a pilot sees of a request, with what stands where the agent sent nothing.
SEEN: JSON = {"description": "", "context": {}, "response_schema": None}


class Refused(Exception):
    """An answer that asking again does not change."""

    def __init__(self, status: int, code: str, detail: str, intervention: JSON | None) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.http_status = status
        self.code = code
        self.intervention = intervention


class Client:
    """One API key's connection. Every call is safe to repeat, so each is repeated until it is answered."""

    def __init__(self, url: str, key: str, say: Say, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._say = say
        self._http = httpx.AsyncClient(
            base_url=url,
            trust_env=not is_local(url),
            headers={"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(10, read=WAIT_SECONDS + 15),
            limits=httpx.Limits(max_connections=200),
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def ask(self, request: JSON) -> JSON:
        """Raises the intervention; the same request_id again gives the first one."""
        return await self._call("POST", "/api/interventions", json=request)

    async def decision(self, request_id: str) -> JSON:
        """Waits for as long as it takes: each poll ends the moment it is decided, or after half a minute."""
        while True:
            path = f"/api/interventions/{request_id}/decision"
            intervention = await self._call("GET", path, params={"wait": WAIT_SECONDS})
            if intervention["status"] not in OPEN:
                return intervention

    async def complete(self, request_id: str, outcome: JSON) -> JSON:
        return await self._call("POST", f"/api/interventions/{request_id}/complete", json={"outcome": outcome})

    async def cancel(self, request_id: str, reason: str) -> JSON:
        return await self._call("POST", f"/api/interventions/{request_id}/cancel", json={"action_reason": reason})

    async def _call(self, method: str, path: str, **body: Any) -> JSON:
        pause = 0.5
        while True:
            try:
                response = await self._http.request(method, path, **body)
            except httpx.TransportError as error:
                trouble, wait = str(error) or type(error).__name__, pause
            else:
                if response.status_code not in (408, 425, 429) and response.status_code < 500:
                    return _answer(response)
                trouble, wait = f"{response.status_code}", retry_after(response, pause)
            self._say(
                f"{method} {path}: {trouble}; again in {wait:.0f} s" if wait >= 1 else f"{method} {path}: {trouble}"
            )
            await asyncio.sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE)


def content_hash(request: JSON) -> str:
    """What the pilot saw, as the agent knows it: SHA-256 of the canonical JSON (RFC 8785) of these seven fields."""
    names = ("request_id", "uow_id", "intervention_type", "title", "description", "context", "response_schema")
    seen = {name: request.get(name, SEEN.get(name)) for name in names}
    return hashlib.sha256(rfc8785.dumps(seen)).hexdigest()


def differences(request: JSON, intervention: JSON) -> list[str]:
    """The fields in which what was decided is not what was asked; empty where the agent may act."""
    wrong = [name for name in ("request_id", "uow_id", "title") if intervention.get(name) != request[name]]
    return wrong if intervention.get("content_hash") == content_hash(request) else [*wrong, "content_hash"]


def _answer(response: httpx.Response) -> JSON:
    try:
        document: JSON = response.json()
    except ValueError:
        document = {"code": "no_json", "detail": "Something that is not Chameleon answers at this address."}
    else:
        if response.is_success:
            return document
    raise Refused(
        response.status_code, document.get("code", ""), document.get("detail", ""), document.get("intervention")
    )


def is_local(url: str) -> bool:
    """True for this machine's own addresses, which a proxy of the surroundings does not reach."""
    return httpx.URL(url).host in ("127.0.0.1", "localhost", "::1")


def retry_after(response: httpx.Response, otherwise: float) -> float:
    """After how many seconds to ask again, as the server says, or `otherwise`."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else otherwise
