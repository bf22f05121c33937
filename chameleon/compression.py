"""What travels compressed: pages and lists that are read, where that saves the network a packet.

An answer to a POST stays as it is, for it may hold a secret made for it. What is left is padded at random, so that
lengths tell nothing (BREACH), and Django masks the CSRF token anew each time.
"""

import gzip
import secrets

import brotli
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers
from servestatic.utils import parse_accept_encoding

from chameleon.middleware import AroundResponse

KINDS = ("text/html", "application/json")
# What fits into one packet arrives no sooner for being smaller.
ONE_PACKET = 1400
# As Django pads what it compresses itself.
MOST_PADDING = 100
# Brotli takes no longer than gzip here and leaves a fifth less; browsers offer it over HTTPS and on this machine only.
QUALITY, LEVEL = 7, 6
# The last step takes seconds for a large file.
LARGE = 256 * 1024


class Compressed(AroundResponse):
    """Looks first and takes a thread only where there is work: a long poll that ends with little needs none."""

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = await self.get_response(request)
        return await sync_to_async(self.after)(request, response) if _gains(request, response) else response

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not _gains(request, response):
            return response
        patch_vary_headers(response, ["Accept-Encoding"])
        accepted = parse_accept_encoding(request.headers.get("Accept-Encoding", ""))
        encoding = next((name for name in ("br", "gzip") if name in accepted), None)
        if encoding:
            response.content = packed(response.content, encoding)
            response.headers["Content-Encoding"] = encoding
            response.headers["Content-Length"] = str(len(response.content))
            response.headers["X-Padding"] = "0" * secrets.randbelow(MOST_PADDING)
        return response


def packed(content: bytes, encoding: str, *, for_good: bool = False) -> bytes:
    """`content` as "br" or "gzip"; with more care where it is kept."""
    if encoding == "br":
        best = 9 if len(content) > LARGE else 11
        return bytes(brotli.compress(content, quality=best if for_good else QUALITY))
    return gzip.compress(content, 9 if for_good else LEVEL, mtime=0)


def _gains(request: HttpRequest, response: HttpResponseBase) -> bool:
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    if request.method != "GET" or kind not in KINDS or response.headers.get("Content-Encoding"):
        return False
    # What is streamed is sent as it comes.
    return not response.streaming and len(response.content) > ONE_PACKET
