"""The application with one defect: no pilot can approve. For tests of what watches a server."""

from typing import Any

from chameleon.asgi import application as whole

ANSWER = b'{"code": "internal", "detail": "A defect."}'


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http" and scope["path"].endswith("/approve"):
        headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(ANSWER)).encode())]
        await send({"type": "http.response.start", "status": 500, "headers": headers})
        await send({"type": "http.response.body", "body": ANSWER})
    else:
        await whole(scope, receive, send)
