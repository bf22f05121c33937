"""What travels compressed and what does not, as a browser and an agent meet it."""

import gzip
from typing import Any

import brotli
import pytest

from chameleon.asgi import django_application
from chameleon.static_files import static_files
from conftest import World
from interventions.tests.sockets import run
from interventions.tests.test_asgi import get
from tests.crowd import crowd

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

UNPACK = {"br": brotli.decompress, "gzip": gzip.decompress}


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_page_travels_compressed_where_the_browser_takes_it(world: World, encoding: str) -> None:
    crowd(world.key(), 40)
    browser = world.session("ada")
    plain = browser.get("/o/acme/")
    assert "Content-Encoding" not in plain.headers
    packed = browser.get("/o/acme/", headers={"Accept-Encoding": f"deflate, {encoding}"})
    assert packed.headers["Content-Encoding"] == encoding
    assert int(packed.headers["Content-Length"]) == len(packed.content)
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert len(packed.content) < len(plain.content) / 5
    assert UNPACK[encoding](packed.content).count(b'<li class="card"') == 40


def test_a_coding_that_is_refused_is_not_used(world: World) -> None:
    page = world.session("ada").get("/o/acme/", headers={"Accept-Encoding": "br;q=0, gzip;q=0, zstd"})
    assert "Content-Encoding" not in page.headers
    assert b"<title>" in page.content


def test_lengths_tell_nothing(world: World) -> None:
    browser = world.session("ada")
    pages = [browser.get("/o/acme/", headers={"Accept-Encoding": "gzip"}) for _ in range(20)]
    assert len({len(page.headers["X-Padding"]) for page in pages}) > 1


def test_what_is_small_and_what_may_hold_a_secret_stays_as_it_is(world: World, api: Any) -> None:
    accepting = {"Accept-Encoding": "br, gzip"}
    small = api("agent").client.get("/health", headers=accepting)
    form = {"name": "new", "scopes": ["interventions:read"], "lifetime": "90"}
    secret = world.session("ada").post("/o/acme/team/keys", form, headers=accepting)
    assert b"chm_" in secret.content
    for answer in (small, secret):
        assert "Content-Encoding" not in answer.headers


def test_lists_of_the_api_travel_compressed(world: World, api: Any) -> None:
    crowd(world.key(), 20)
    agent = api("agent")
    packed = agent.client.get("/api/interventions/pending", headers=agent.headers | {"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == agent.get("/api/interventions/pending").content


def test_a_file_is_kept_for_ever_under_the_release_and_travels_compressed(settings: Any, world: World) -> None:
    page = world.session("ada").get("/o/acme/").content.decode()
    address = page.partition("css/tokens.css")[0].rpartition('"')[2] + "css/tokens.css"
    plain_name, other_release = "/static/css/tokens.css", "/static/0123456789ab/css/tokens.css"
    app = static_files(django_application)

    async def test() -> None:
        _, headers, body = await get(address, app)
        assert "immutable" in headers["cache-control"]
        assert headers["vary"] == "Accept-Encoding"
        for encoding, unpack in UNPACK.items():
            _, headers, packed = await get(address, app, **{"accept-encoding": f"{encoding}, identity"})
            assert (headers["content-encoding"], int(headers["content-length"])) == (encoding, len(packed))
            assert unpack(packed) == body
            # Nobody asks again for what is kept for ever; elsewhere it is compared by its tag.
            assert "etag" not in headers
            _, headers, _ = await get(plain_name, app, **{"accept-encoding": encoding})
            status, again, _ = await get(
                plain_name, app, **{"accept-encoding": encoding, "if-none-match": headers["etag"]}
            )
            assert (status, "content-encoding" in again) == (304, False)
        # As after an update, by a page that was loaded before it, or from a server that has it still before it.
        for name in (plain_name, other_release):
            status, headers, same = await get(name, app)
            assert (status, "immutable" in headers["cache-control"], same == body) == (200, False, True)

    run(test)
