"""Draws the icons of the installed app anew, from static/icon.svg: python -m tests.e2e.icons

A system that cuts icons to its own shape gets one that is filled to the edge, with the mark where no shape reaches it.
"""

import os
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

STATIC = Path(__file__).parent.parent.parent / "static"
# By file: its size, whether it is filled to the edge, and how much of it the mark takes.
ICONS = {
    "192.png": (192, False, 1.0),
    "512.png": (512, False, 1.0),
    "maskable-192.png": (192, True, 0.8),
    "maskable-512.png": (512, True, 0.8),
    "apple-touch.png": (180, True, 0.9),
}


def main() -> None:
    path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for name, (size, is_filled, scale) in ICONS.items():
            _draw(browser, STATIC / "icons" / name, size, _drawing(is_filled=is_filled, scale=scale))
        browser.close()


def _drawing(*, is_filled: bool, scale: float) -> str:
    drawing = (STATIC / "icon.svg").read_text()
    # In a tab it is a few pixels high: drawn large the same lines would run into one another.
    drawing = drawing.replace('stroke-width="2.4"', 'stroke-width="1.9"').replace('r="1" ', 'r="1.4" stroke="none" ')
    if is_filled:
        drawing = drawing.replace(' rx="8"', "")
    shift = 16 * (1 - scale)
    opening = f'<g transform="translate({shift} {shift}) scale({scale})">'
    return drawing.replace("<g ", f"{opening}<g ", 1).replace("</g>", "</g></g>", 1)


def _draw(browser: Browser, file: Path, size: int, drawing: str) -> None:
    page = browser.new_page(viewport={"width": size, "height": size})
    page.set_content(f"<style>html, body {{ margin: 0 }} svg {{ display: block }}</style>{drawing}")
    page.screenshot(path=file, omit_background=True)
    page.close()


if __name__ == "__main__":
    main()
