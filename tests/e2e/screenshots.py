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
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e import server

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
DEFECTIVE = "tests.e2e.defective_asgi:application"
SIZES = {1440: 900, 390: 844}
ROOT = Path(__file__).parent.parent.parent
# As in production, so that the pages for what goes wrong are those that pilots see.
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "chameleon.settings",
    "DEBUG": "off",
    "SECRET_KEY": "pictures-only-" + "0" * 50,
    "ALLOWED_HOSTS": "127.0.0.1",
    "SECURE_SSL_REDIRECT": "off",
    "SESSION_COOKIE_SECURE": "off",
    "FEEDBACK_URL": "mailto:desk@example.com",
    "EMAIL_URL": "console://",
    "PUBLIC_URL": "https://chameleon.example.com",
    "ALLOW_PRIVATE_TARGETS": "127.0.0.1",
}


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a picture is taken: a page, the addresses of the server, of one without a database and of one that breaks,
    and the width."""

    page: Page
    address: str
    away: str
    broken: str
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
    # Looked at as it comes out of a printer.
    on_paper: bool
    # Signed in as a superuser, who is in no organization.
    as_root: bool


PICTURES: dict[str, Picture] = {}


def picture(
    name: str,
    *,
    signed_in: bool = True,
    widths: tuple[int, ...] = tuple(SIZES),
    on_paper: bool = False,
    as_root: bool = False,
) -> Callable[[Bring], Bring]:
    def remember(bring: Bring) -> Bring:
        PICTURES[name] = Picture(bring, signed_in, widths, on_paper, as_root)
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


@picture("settings-display")
def _settings_display(stand: Stand) -> None:
    stand.open("/o/acme/settings/display")


@picture("settings-profile")
def _settings_profile(stand: Stand) -> None:
    stand.open("/o/acme/settings")
    stand.page.get_by_label("Add tags").fill("invoices, refunds, payroll,")
    with stand.page.expect_navigation():
        stand.page.get_by_label("Add tags").press("Enter")


@picture("settings-keys")
def _settings_keys(stand: Stand) -> None:
    stand.open("/o/acme/settings/keys")
    stand.page.get_by_label("Next in the list", exact=True).fill("n")
    stand.page.get_by_role("button", name="Save").click()
    stand.page.wait_for_selector(".error")


@picture("expertise")
def _expertise(stand: Stand) -> None:
    """Saved once for all pictures; of the others only the queue's show it."""
    _settings_profile(stand)
    stand.open("/o/acme/?expertise=mine")
    stand.page.wait_for_selector("#connection[data-state=live]")


@picture("settings-duty")
def _settings_duty(stand: Stand) -> None:
    stand.open("/o/acme/settings/duty")
    for day in ("Monday", "Tuesday", "Wednesday", "Thursday"):
        stand.page.get_by_label(f"{day} from").fill("09:00")
        stand.page.get_by_label(f"{day} to").fill("17:30")
    stand.page.get_by_label("Quiet from").fill("22:00")
    stand.page.get_by_label("Quiet to").fill("07:00")


@picture("settings-notifications")
def _settings_notifications(stand: Stand) -> None:
    stand.open("/o/acme/settings/notifications")
    stand.page.get_by_role("button", name="Test E-mail").click()
    stand.page.wait_for_selector(".notice")


@picture("settings-devices")
def _settings_devices(stand: Stand) -> None:
    # A subscription as a browser's own push service would have given it.
    keys = {"p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"}
    sent = keys | {"auth": "BTBZMqHH6r4Tts7J_aSIgg", "endpoint": "https://127.0.0.1:9443/push/one"}
    stand.open("/o/acme/settings/devices")
    stand.page.evaluate(
        """(sent) => {
          const body = new URLSearchParams(new FormData(document.querySelector("form[data-push]")));
          for (const [name, value] of Object.entries(sent)) body.set(name, value);
          return fetch("", { method: "POST", body });
        }""",
        sent,
    )
    stand.page.reload()
    stand.page.wait_for_selector("#devices li")


@picture("team-chat")
def _team_chat(stand: Stand) -> None:
    for kind, name in (("Slack", "#on-call"), ("Microsoft Teams", "Finance desk")):
        stand.open("/o/acme/team/chat")
        # The second picture finds what the first one added.
        if stand.page.locator(".key").get_by_text(name, exact=True).count():
            continue
        if not stand.page.locator(".key-maker[open]").count():
            stand.page.get_by_text("New channel…").click()
        stand.page.get_by_label(kind).check()
        stand.page.get_by_label("Channel").fill(name)
        stand.page.get_by_label("Address").fill("https://127.0.0.1:9443/hooks/one")
        stand.page.get_by_role("button", name="Add the channel").click()
        stand.page.wait_for_selector(f".key >> text={name}")
    stand.open("/o/acme/team/chat")


@picture("empty")
def _empty(stand: Stand) -> None:
    stand.open("/o/fresh/")


@picture("offline")
def _offline(stand: Stand) -> None:
    _queue(stand)
    stand.page.evaluate("navigator.serviceWorker.ready")
    stand.page.context.set_offline(True)
    stand.open("/o/acme/")
    stand.page.wait_for_selector("#next:not(:empty)")


@picture("404")
def _nothing_here(stand: Stand) -> None:
    stand.open("/o/nowhere/")


@picture("403")
def _not_allowed(stand: Stand) -> None:
    stand.open("/o/watched/team")


@picture("500")
def _broken(stand: Stand) -> None:
    stand.page.goto(f"{stand.broken}/accounts/login/")


@picture("503")
def _away(stand: Stand) -> None:
    stand.page.goto(f"{stand.away}/accounts/login/")


@picture("print-queue", widths=(1440,), on_paper=True)
def _printed_queue(stand: Stand) -> None:
    stand.open("/o/acme/")
    stand.page.wait_for_selector("#connection[data-state=live]")


@picture("print-detail", widths=(1440,), on_paper=True)
def _printed_detail(stand: Stand) -> None:
    _detail(stand)
    stand.page.locator(".related h3").scroll_into_view_if_needed()


@picture("history")
def _history(stand: Stand) -> None:
    stand.open("/o/acme/history")
    stand.page.wait_for_selector("#connection[data-state=live]")


@picture("history-narrowed")
def _history_narrowed(stand: Stand) -> None:
    stand.open("/o/acme/history?last=7d&outcome=rejected&actor=local:olga")
    stand.page.wait_for_selector("#connection[data-state=live]")


@picture("history-empty")
def _history_empty(stand: Stand) -> None:
    stand.open("/o/fresh/history")
    stand.page.wait_for_selector("#connection[data-state=live]")


@picture("history-error")
def _history_error(stand: Stand) -> None:
    stand.open("/o/acme/history?since=2026-11-20&until=2026-11-02")
    stand.page.wait_for_selector("#connection[data-state=live]")


@picture("team")
def _team(stand: Stand) -> None:
    stand.open("/o/acme/team")


@picture("team-settings")
def _team_settings(stand: Stand) -> None:
    stand.open("/o/acme/team/settings")
    stand.page.get_by_role("button", name="Save").scroll_into_view_if_needed()


@picture("team-deactivate")
def _team_deactivate(stand: Stand) -> None:
    stand.open("/o/acme/team/members/local:otto/deactivate")


@picture("team-log")
def _team_log(stand: Stand) -> None:
    stand.open("/o/acme/team/log?type=signed_in")


@picture("team-verified")
def _team_verified(stand: Stand) -> None:
    stand.open("/o/acme/team/log?type=signed_out")
    for chain in ("access", "record"):
        stand.page.locator(f"#chain-{chain} button").click()
        stand.page.locator(f"#chain-{chain} .head-facts").wait_for()
    stand.page.locator("#chain-record").scroll_into_view_if_needed()


@picture("back-office", as_root=True)
def _back_office(stand: Stand) -> None:
    stand.open("/admin/")


@picture("back-office-list", as_root=True)
def _back_office_list(stand: Stand) -> None:
    stand.open("/admin/interventions/intervention/")


@picture("back-office-form", as_root=True)
def _back_office_form(stand: Stand) -> None:
    stand.open("/admin/pilots/pilot/")
    stand.page.get_by_role("link", name="local:otto").click()
    stand.page.wait_for_url("**/change/")


@picture("back-office-request", as_root=True)
def _back_office_request(stand: Stand) -> None:
    stand.open("/admin/interventions/intervention/")
    stand.page.locator("#result_list tbody th a").first.click()
    stand.page.wait_for_url("**/change/")


@picture("back-office-report", as_root=True)
def _back_office_report(stand: Stand) -> None:
    stand.open("/admin/report/")


def main(folder: Path, names: list[str]) -> None:
    if unknown := [name for name in names if name not in PICTURES]:
        sys.exit(f"There is no picture {', '.join(unknown)}; there are {', '.join(PICTURES)}.")
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        database = f"sqlite:///{scratch}/pictures.sqlite3"
        nowhere = f"sqlite:///{scratch}/nowhere/x.sqlite3"
        os.environ |= SETTINGS
        environment = {"DATABASE_URL": database}
        _manage(environment, "migrate", "-v0")
        password = re.findall(r"local:ada .*password: (.+)", _manage(environment, "demo"))[0]
        address = "Pilot.objects.filter(pilot_id='local:ada').update(email='ada@example.com')"
        _manage(environment, "shell", "-v0", "-c", f"from pilots.models import Pilot; {address}")
        _manage(environment, "create_org", "fresh", "--name", "Fresh Fruit")
        _manage(environment, "set_role", "local:ada", "ADMIN", "--org", "fresh")
        _manage(environment, "create_org", "watched", "--name", "Watched")
        _manage(environment, "set_role", "local:ada", "VIEWER", "--org", "watched")
        with (
            server.running(database) as address,
            server.running(nowhere) as away,
            server.running(nowhere, application=DEFECTIVE) as broken,
            sync_playwright() as playwright,
        ):
            path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
            session = _sign_in(browser, address, password)
            link = _manage(environment, "create_admin", "--link").strip().splitlines()[-1]
            root = _sign_in_by_link(browser, address, link)
            for width in SIZES:
                for scheme in ("light", "dark"):
                    for name in names or PICTURES:
                        if width in PICTURES[name].widths:
                            file = folder / f"{name}-{width}-{scheme}.png"
                            who = root if PICTURES[name].as_root else session
                            _take(browser, PICTURES[name], (address, away, broken), who, file, width, scheme)
            browser.close()


def _take(
    browser: Browser,
    wanted: Picture,
    addresses: tuple[str, str, str],
    session: str,
    file: Path,
    width: int,
    scheme: str,
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": SIZES[width]},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        is_mobile=width < 700,
        has_touch=width < 700,
    )
    if wanted.signed_in:
        context.add_cookies([{"name": "sessionid", "value": session, "url": addresses[0]}])
    page = context.new_page()
    wanted.bring(Stand(page, *addresses, width))
    if wanted.on_paper:
        # As wide as A4 between its margins.
        page.set_viewport_size({"width": 720, "height": 1040})
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.mouse.move(2, 2)
    page.wait_for_timeout(300)
    page.screenshot(path=file, full_page=wanted.on_paper)
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


def _sign_in_by_link(browser: Browser, address: str, link: str) -> str:
    """The session of the superuser whom a printed link signs in."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(address + urlsplit(link).path)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/admin/")
    session = next(cookie["value"] for cookie in context.cookies() if cookie.get("name") == "sessionid")
    context.close()
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
