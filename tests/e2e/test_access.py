"""Whoever uses it, however they see it: no finding of axe, no sideways scroll, and the agent's text harmless."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from conftest import World
from interventions import actions
from tests.e2e.conftest import PHONE, Console

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]
type Raise = Callable[..., str]

AXE = (Path(__file__).parent.parent / "vendor" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
RULES_OF_COLOURS = ["color-contrast", "link-in-text-block"]
# Of forced colours axe reads the text's fill, which Chromium reports as it was before.
SEEN_BY_THE_SYSTEM = "color-contrast"
TINY = {"width": 320, "height": 640}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


# Of each icon: which one, and whether it stands out from what is behind it.
ICONS = """icons => icons.map(icon => {
  const behind = getComputedStyle(icon.closest(".cards")).backgroundColor;
  return [icon.firstElementChild.getAttribute("href"), getComputedStyle(icon).color !== behind && icon.clientWidth > 8];
})"""
# Buttons that nothing sets apart from text once backgrounds are gone.
BORDERLESS = """() => [...document.querySelectorAll("button, .button, select, input:not([type=hidden]), textarea")]
  .filter(element => element.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
  .filter(element => {
    const style = getComputedStyle(element);
    const isUnderlined = style.textDecorationLine.includes("underline");
    return style.appearance !== "auto" && !isUnderlined && !(parseFloat(style.borderTopWidth) >= 1);
  }).map(element => element.outerHTML.slice(0, 120))"""
# What has the focus, where no outline says so: its own, or that of what stands for it.
UNMARKED = """() => {
  const focused = document.activeElement;
  if (focused === document.body) return null;
  const marks = [[focused], [focused, "::after"], [focused.closest("label, .card, .pair")]];
  const isMarked = marks.filter(([element]) => element).some(mark => {
    const { outlineStyle, outlineWidth } = getComputedStyle(...mark);
    return outlineStyle !== "none" && (outlineStyle === "auto" || parseFloat(outlineWidth) >= 2);
  });
  return isMarked ? null : focused.outerHTML.slice(0, 120);
}"""
# Whatever is on its way, or would take time to get there.
MOVING = """() => [
  ...document.getAnimations().filter(each => each.effect.getComputedTiming().endTime > 50)
    .map(each => `${each.animationName ?? each.transitionProperty} of ${each.effect.target?.className}`),
  ...[...document.querySelectorAll("body *")]
    .filter(each => getComputedStyle(each).transitionDuration.split(", ").some(time => parseFloat(time) > 0.05))
    .map(each => `transition of ${each.localName}.${each.className}`),
]"""


def unmarked(page: Page, *, steps: int) -> list[str]:
    """The stops of the Tab key on which nobody sees where they are."""
    found = []
    for _ in range(steps):
        page.keyboard.press("Tab")
        found.append(page.evaluate(UNMARKED))
    return sorted({stop for stop in found if stop})


def run_axe(page: Page, only: Any, rules: Any = None) -> list[dict[str, Any]]:
    """What violates the rules; axe itself is half a megabyte, and given to a page once."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    # Nothing is looked for in style sheets or media, so none is fetched once more.
    options = {"runOnly": only, "rules": rules or {}, "resultTypes": ["violations"], "preload": False}
    found: list[dict[str, Any]] = page.evaluate("async options => (await axe.run(options)).violations", options)
    return found


def findings(page: Page, *, without: str = "") -> list[str]:
    return _named(run_axe(page, RULES, {without: {"enabled": False}} if without else {}))


def of_colours(page: Page) -> list[str]:
    return _named(run_axe(page, {"type": "rule", "values": RULES_OF_COLOURS}))


def _named(found: list[dict[str, Any]]) -> list[str]:
    return [f"{item['id']}: {item['nodes'][0]['html'][:200]}" for item in found]


def in_both_schemes(page: Page, look: Callable[[Page], list[str]] | None = None) -> list[str]:
    """What is found by day and by night. Only colours differ, so axe looks at the rest of a page once."""
    found = []
    for scheme, axe in (("light", findings), ("dark", of_colours)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert page.evaluate("scheme => matchMedia(`(prefers-color-scheme: ${scheme})`).matches", scheme)
        found += [f"{scheme}: {each}" for each in (look or axe)(page)]
    return found


def fill(raise_request: Raise, world: World) -> str:
    """One of everything a queue may show; the request that is returned has the fullest page."""
    for priority in ("critical", "high", "low"):
        raise_request(title=f"A {priority} matter", priority=priority, required_role="ADMIN")
    actions.claim(world.pilot("olga"), raise_request(title="Claimed", approvals_required=2))
    schema = {
        "type": "object",
        "properties": {
            "vendor": {"type": "string", "enum": ["a", "b"], "description": "Who is paid"},
            "many": {"type": "string", "enum": list("abcdefg")},
            "sum": {"type": "number"},
            "sure": {"type": "boolean"},
            "when": {"type": "string", "format": "date-time"},
            "text": {"type": "string", "maxLength": 900},
        },
        "required": ["vendor", "sum"],
    }
    context = {"total": 12, "rows": [{"a": None, "link": "https://example.com/x"}], "long": "word" * 60}
    return raise_request(
        title="Which one? " + "W" * 80, description="Line\nline", context=context, tags=["x"], response_schema=schema
    )


@pytest.mark.parametrize("viewport", [None, TINY], ids=["desk", "tiny"])
def test_axe_finds_nothing(console: Seat, raise_request: Raise, world: World, viewport: dict[str, int] | None) -> None:
    size = {"viewport": viewport} if viewport else {}
    stranger = console(None, **size)
    stranger.open("/accounts/login/")
    assert in_both_schemes(stranger.page) == []

    seat = console("ada", **size)
    seat.open()
    seat.wait_until_live()
    assert in_both_schemes(seat.page) == []
    request_id = fill(raise_request, world)
    expect(seat.page.locator(".card")).to_have_count(5)
    assert in_both_schemes(seat.page) == []
    seat.page.locator(f"#card-{request_id} a").click()
    seat.page.get_by_role("radio", name="Approve").check()
    assert in_both_schemes(seat.page) == []
    seat.page.get_by_role("button", name="Approve", exact=True).click()
    expect(seat.page.locator("#decide .error").first).to_be_visible()
    assert in_both_schemes(seat.page) == []
    seat.open()
    seat.wait_until_live()
    seat.page.get_by_role("link", name="Kill switch").click()
    expect(seat.page.get_by_role("textbox", name="Instance")).to_be_focused()
    assert in_both_schemes(seat.page) == []
    seat.page.keyboard.press("Escape")
    seat.cut()
    expect(seat.page.locator("#connection")).to_have_attribute("data-state", "offline")
    assert in_both_schemes(seat.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_lost_where_colours_are_the_systems(
    console: Seat, raise_request: Raise, world: World, scheme: str
) -> None:
    seat = console("ada", forced_colors="active", color_scheme=scheme)
    request_id = fill(raise_request, world)
    seat.open()
    seat.wait_until_live()
    assert findings(seat.page, without=SEEN_BY_THE_SYSTEM) == []
    icons = seat.page.locator(".card .priority").evaluate_all(ICONS)
    assert {shape for shape, _ in icons} == {"#i-critical", "#i-high", "#i-normal", "#i-low"}
    assert all(differs for _, differs in icons)
    assert seat.page.evaluate(BORDERLESS) == []
    assert unmarked(seat.page, steps=40) == []
    seat.open(f"/o/acme/interventions/{request_id}")
    seat.wait_until_live()
    seat.page.get_by_role("radio", name="Approve").check()
    assert findings(seat.page, without=SEEN_BY_THE_SYSTEM) == []
    assert seat.page.evaluate(BORDERLESS) == []
    assert unmarked(seat.page, steps=40) == []


def test_every_stop_of_the_keyboard_is_marked(console: Seat, raise_request: Raise, world: World) -> None:
    fill(raise_request, world)
    seat = console("ada")
    seat.open()
    seat.wait_until_live()
    assert unmarked(seat.page, steps=60) == []


def test_nothing_moves_for_whoever_wants_no_motion(console: Seat, raise_request: Raise, world: World) -> None:
    seat = console("ada")
    seat.open()
    seat.wait_until_live()
    gone = raise_request()
    for _ in range(3):
        raise_request()
    expect(seat.page.locator(".card")).to_have_count(4)
    actions.approve(world.pilot("olga"), gone)
    expect(seat.page.locator(".tombstone")).to_be_visible()
    seat.page.get_by_role("link", name="Kill switch").click()
    expect(seat.page.get_by_role("textbox", name="Instance")).to_be_focused()
    assert seat.page.evaluate(MOVING) == []


def test_axe_finds_nothing_in_a_dialog_or_after_a_decision(console: Seat, raise_request: Raise, world: World) -> None:
    request_id = raise_request()
    actions.approve(world.pilot("olga"), request_id, reason="Fine.")
    seat = console("ada")
    seat.open(f"/o/acme/interventions/{request_id}")
    seat.wait_until_live()
    assert findings(seat.page) == []
    seat.page.get_by_role("link", name="Kill switch").click()
    expect(seat.page.get_by_role("textbox", name="Instance")).to_be_focused()
    assert findings(seat.page) == []
    seat.open("/o/nowhere/")
    assert findings(seat.page) == []


def test_nothing_scrolls_sideways_on_the_smallest_screen(console: Seat, raise_request: Raise, world: World) -> None:
    request_id = fill(raise_request, world)
    seat = console("ada", viewport=TINY)
    for path in ("/o/acme/", f"/o/acme/interventions/{request_id}", "/accounts/logout/"):
        seat.open(path)
        assert seat.page.evaluate("document.documentElement.scrollWidth") <= TINY["width"], path


def test_the_two_verdicts_stand_apart_under_a_thumb(console: Seat, raise_request: Raise) -> None:
    seat = console("otto", viewport=PHONE, has_touch=True, is_mobile=True)
    seat.open(f"/o/acme/interventions/{raise_request()}")
    reject, approve = (seat.page.locator(f".verdicts .{name}").bounding_box() for name in ("no", "ok"))
    assert reject is not None
    assert approve is not None
    assert min(reject["height"], approve["height"]) >= 48
    assert approve["x"] - (reject["x"] + reject["width"]) >= 16


def test_the_agents_text_is_text(console: Seat, raise_request: Raise) -> None:
    nasty = '<img src=x onerror="document.title=1"><button hx-post="/x" hx-trigger="load">Go</button>{{ 7 }}'
    request_id = raise_request(
        title=nasty, description=nasty, context={nasty: nasty, "hx-get": ["\u202eevil"]}, tags=["\u200bx"]
    )
    seat = console("otto")
    seat.open()
    seat.wait_until_live()
    expect(seat.page.locator(f"#card-{request_id} h3")).to_contain_text(nasty)
    seat.page.locator(f"#card-{request_id} a").click()
    expect(seat.page.locator("#detail-title")).to_contain_text(nasty)
    expect(seat.page.locator(".tree")).to_contain_text("U+202E")
    expect(seat.page.locator(".tags")).to_contain_text("U+200B")
    assert seat.page.locator("main img").count() == 0


def test_the_theme_is_remembered(console: Seat) -> None:
    seat = console("otto", color_scheme="light")
    seat.open()
    seat.page.locator(".account summary").click()
    seat.page.get_by_role("radio", name="Dark").check(force=True)
    seat.page.reload()
    assert seat.page.locator("html").get_attribute("data-theme") == "dark"
