"""Pictures of the pages with demo data, for the documentation and for whoever changes how they look.

python -m tests.e2e.screenshots [FOLDER]
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e import server

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
SIZES = {1440: 900, 390: 844}
ROOT = Path(__file__).parent.parent.parent


def main(folder: Path) -> None:
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
            for width in SIZES:
                for scheme in ("light", "dark"):
                    _take(browser, address, password, folder, width, scheme)
            browser.close()


def _take(browser: Browser, address: str, password: str, folder: Path, width: int, scheme: str) -> None:
    is_phone = width < 700
    context = browser.new_context(
        viewport={"width": width, "height": SIZES[width]},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        is_mobile=is_phone,
        has_touch=is_phone,
    )
    page = context.new_page()

    def picture(name: str) -> None:
        page.mouse.move(2, 2)
        page.wait_for_timeout(300)
        page.screenshot(path=folder / f"{name}-{width}-{scheme}.png")

    page.goto(f"{address}/accounts/login/")
    picture("sign-in")
    _sign_in(page, password)
    page.wait_for_selector("#connection[data-state=live]")
    if is_phone:
        picture("queue")
    page.locator(".card-title a").first.click()
    page.wait_for_selector("#detail")
    picture("detail" if is_phone else "queue")
    page.locator("[name=verdict]").first.check()
    picture("decide")
    page.goto(f"{address}/o/fresh/")
    picture("empty")
    context.close()


def _sign_in(page: Page, password: str) -> None:
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/o/**")


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
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots")
