"""What the browser is given for the time without a network: the same for everybody, under a policy of its own."""

import json
import re

import pytest
from django.conf import settings
from django.test import Client

from chameleon.static_files import release
from conftest import World

pytestmark = pytest.mark.embedded


def test_the_worker_is_asked_for_anew_and_may_do_little() -> None:
    answer = Client().get("/sw.js")
    assert answer["Content-Type"].startswith("text/javascript")
    assert answer["Cache-Control"] == "no-cache"
    policy = "; ".join(sorted(part.strip() for part in answer["Content-Security-Policy"].split(";")))
    assert (
        policy == "base-uri 'none'; connect-src 'self'; default-src 'none'; frame-ancestors 'none'; "
        "img-src 'self'; script-src 'self'"
    )


def test_the_worker_knows_its_release_and_every_file_the_shell_needs() -> None:
    kept = json.loads(re.findall(r"^const KEPT = (.+);$", Client().get("/sw.js").text, re.MULTILINE)[0])
    shell = Client().get(kept["shell"]).text
    assert kept["release"] == release()
    assert f'data-release="{release()}"' in shell
    needed = set(re.findall(r'<(?:script|link)[^>]*?(?:src|href)="(/static/[^"]+)"', shell))
    # How the app is installed: nothing that is shown.
    for name in ("app.webmanifest", "icons/apple-touch.png"):
        needed.remove(f"/static/{release()}/{name}")
    assert set(kept["files"]) == needed


def test_the_shell_is_the_same_for_everybody(world: World) -> None:
    answers = [client.get("/offline") for client in (Client(), world.session("ada"), world.session("gina"))]
    assert len({answer.content for answer in answers}) == 1
    for answer in answers:
        assert answer["Cache-Control"] == "no-cache"
        assert "Cookie" not in answer.get("Vary", "")
        assert not answer.cookies


def test_the_manifest_names_files_that_are_there() -> None:
    folder = settings.BASE_DIR / "static"
    manifest = json.loads((folder / "app.webmanifest").read_text())
    icons = manifest["icons"] + [icon for shortcut in manifest["shortcuts"] for icon in shortcut["icons"]]
    assert [icon["src"] for icon in icons if not (folder / icon["src"]).is_file()] == []
    assert {icon.get("purpose", "any") for icon in icons} == {"any", "maskable"}
    assert (manifest["display"], manifest["scope"]) == ("standalone", "/")


@pytest.mark.parametrize("query", ["", "?tab=mine", "?priority=critical"])
def test_a_shortcut_leads_into_the_organization_last_used(world: World, query: str) -> None:
    assert world.session("otto").get(f"/{query}")["Location"] == f"/o/acme/{query}"
