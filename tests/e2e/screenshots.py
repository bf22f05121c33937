"""Pictures of the pages with demo data, for the documentation and for whoever changes how they look.

python -m tests.e2e.screenshots [FOLDER [PICTURE...]]

A new picture is a function that brings a page to what is to be seen, with `@picture` before it. Each starts anew in a
window of its own, signed in as Ada unless it says otherwise.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e import server

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
SIZES = {1440: 900, 390: 844}
ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a picture is taken: a page, the server's address, and how wide the window is."""

    page: Page
    address: str
    width: int

    @property
    def is_phone(self) -> bool:
        return self.width < 700

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)


type Bring = Callable[[Stand], None]


@dataclass(frozen=True, slots=True)
class Picture:
    bring: Bring
    signed_in: bool
    widths: tuple[int, ...]


PICTURES: dict[str, Picture] = {}


def picture(name: str, *, signed_in: bool = True, widths: tuple[int, ...] = tuple(SIZES)) -> Callable[[Bring], Bring]:
    def remember(bring: Bring) -> Bring:
        PICTURES[name] = Picture(bring, signed_in, widths)
        return bring

    return remember


@picture("sign-in", signed_in=False)
def _sign_in_page(stand: Stand) -> None:
    stand.open("/accounts/login/")


@picture("queue")
def _queue(stand: Stand) -> None:
    stand.open("/o/acme/")
    stand.page.wait_for_selector("#connection[data-state=live]")
    if not stand.is_phone:
        stand.page.locator(".card-title a").first.click()
        stand.page.wait_for_selector("#detail")


@picture("detail", widths=(390,))
def _detail(stand: Stand) -> None:
    stand.open("/o/acme/")
    stand.open(str(stand.page.locator(".card-title a").first.get_attribute("href")))
    stand.page.wait_for_selector("#connection[data-state=live]")


@picture("decide")
def _decide(stand: Stand) -> None:
    _queue(stand)
    if stand.is_phone:
        _detail(stand)
    stand.page.locator("[name=verdict]").first.check()


@picture("narrowed")
def _narrowed(stand: Stand) -> None:
    stand.open("/o/acme/?tag=invoices&q=vendor")
    stand.page.wait_for_selector("#connection[data-state=live]")


@picture("many", widths=(1440,))
def _many(stand: Stand) -> None:
    stand.open("/o/acme/")
    stand.page.wait_for_selector("#connection[data-state=live]")
    for key in "jxjxjjx":
        stand.page.keyboard.press(key)
    stand.page.locator("#bulk [value=approve]").click()
    stand.page.wait_for_selector("#bulk-form")


@picture("palette", widths=(1440,))
def _palette(stand: Stand) -> None:
    _queue(stand)
    stand.page.keyboard.press("Control+k")
    stand.page.keyboard.type("re")


@picture("keys", widths=(1440,))
def _keys(stand: Stand) -> None:
    _queue(stand)
    stand.page.keyboard.press("?")


@picture("alerts")
def _alerts(stand: Stand) -> None:
    stand.open("/o/acme/")
    stand.page.wait_for_selector("#connection[data-state=live]")
    stand.page.locator("#bell").click()


@picture("empty")
def _empty(stand: Stand) -> None:
    stand.open("/o/fresh/")


def main(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        database = f"sqlite:///{scratch}/pictures.sqlite3"
        os.environ |= {"DEBUG": "1", "DJANGO_SETTINGS_MODULE": "chameleon.settings"}
        environment = {"DATABASE_URL": database}
        _manage(environment, "migrate", "-v0")
        password = re.findall(r"local:ada .*password: (.+)", _manage(environment, "demo"))[0]
        _manage(environment, "create_org", "fresh", "--name", "Fresh Fruit")
        _manage(environment, "set_role", "local:ada", "ADMIN", "--org", "fresh")
        with server.running(database) as address, sync_playwright() as playwright:
            path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
            session = _sign_in(browser, address, password)
            for width in SIZES:
                for scheme in ("light", "dark"):
                    for name in names or PICTURES:
                        if width in PICTURES[name].widths:
                            file = folder / f"{name}-{width}-{scheme}.png"
                            _take(browser, PICTURES[name], address, session, file, width, scheme)
            browser.close()


def _take(browser: Browser, wanted: Picture, address: str, session: str, file: Path, width: int, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": SIZES[width]},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        is_mobile=width < 700,
        has_touch=width < 700,
    )
    if wanted.signed_in:
        context.add_cookies([{"name": "sessionid", "value": session, "url": address}])
    page = context.new_page()
    wanted.bring(Stand(page, address, width))
    page.mouse.move(2, 2)
    page.wait_for_timeout(300)
    page.screenshot(path=file)
    context.close()


def _sign_in(browser: Browser, address: str, password: str) -> str:
    """The session of whoever signs in as Ada."""
    page = browser.new_page()
    page.goto(f"{address}/accounts/login/")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/o/**")
    session = next(cookie["value"] for cookie in page.context.cookies() if cookie.get("name") == "sessionid")
    page.close()
    return str(session)


def _manage(environment: dict[str, str], *command: str) -> str:
    """What the command prints."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, ROOT / "manage.py", *command],
        env=os.environ | environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots", sys.argv[2:])
