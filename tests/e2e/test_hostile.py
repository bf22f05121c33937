"""Whatever agents and people write is shown as text: it makes no element, loads nothing, asks nothing, moves nothing.

What the page is made of with plain texts in all places is the measure: with hostile ones it is made of the same.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect

from conftest import World
from interventions import actions
from interventions.content import draft_of
from pilots import actions as pilots_actions
from pilots import api_keys
from pilots.caller import Caller
from pilots.errors import InvalidInput
from pilots.models import Organization
from pilots.roles import Role
from tests.corpus import LONG, TEXTS, as_uow, seen
from tests.e2e.conftest import DESK, Console

pytestmark = [pytest.mark.long, pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]

PLAIN = "plain"
ALL = {PLAIN: "Nothing special"} | TEXTS
HIGHEST_CARD = 220
WIDTHS = (1440, 390, 320)
BOTH_SCOPES = ["interventions:read", "interventions:write"]

# Every element below a root with the names of its attributes, and where its addresses lead. Marks of invisible
# characters are ours; neighbours in the queue and earlier requests differ from one request to the next.
OTHERS = ".control, [rel=prev], [rel=prev] *, [rel=next], [rel=next] *, .precedents, .precedents *"
SKELETON = """root => [...root.querySelectorAll("*")].filter(element => !element.matches("OTHERS")).map(element => {
  // While something is fetched, htmx says so in a class, and leaves the attribute.
  const isFetched = element.hasAttribute("class") && [...element.classList].every(name => name.startsWith("htmx-"));
  const names = [...element.attributes].map(({ name }) => name).filter(name => !isFetched || name !== "class").sort();
  const leads = names.filter(name => /^(href|src|action|formaction|hx-get|hx-post|hx-put|hx-delete)$/.test(name))
    .map(name => new URL(element.getAttribute(name), location).origin === location.origin ? "here" : "elsewhere");
  return `${element.localName} ${names} ${leads}`;
})""".replace("OTHERS", OTHERS)
# How wide the page is, and what reaches farthest.
WIDEST = """() => {
  const right = element => element.getBoundingClientRect().right;
  const width = document.documentElement.scrollWidth;
  if (width <= innerWidth) return [width];
  const leaves = [...document.querySelectorAll("main :not(:has(*))")].sort((one, other) => right(other) - right(one));
  return [width, ...leaves.slice(0, 4).map(element => element.outerHTML.slice(0, 120))];
}"""
PLACES = {"title": "#detail-title", "description": ".ask", "context": ".context", "tags": ".tags", "form": "#decide"}
PLACES |= {"decision": "#decision", "trail": "#trail"}
PAGES = """async ([asked, places]) => {
  const found = {};
  for (const [name, requestId] of Object.entries(asked)) {
    const answer = await fetch(`/o/acme/interventions/${requestId}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const detail = page.getElementById("detail");
    const texts = {};
    for (const [place, selector] of Object.entries(places)) texts[place] = detail.querySelector(selector)?.textContent;
    found[name] = { made: (SKELETON)(detail), texts, title: page.title };
  }
  return found;
}"""
# Opened for what shows only when the page lives, and for what may not fit.
OPENED = ("script", "image", "htmx", "htmx data", "closing", "one long word", "zalgo", "hebrew", "a long word")
# Tombstones stay for four seconds: what each was made of is noted as it comes.
WATCH = """
  addEventListener("securitypolicyviolation", event => console.error(`violates ${event.violatedDirective}`));
  window.tombstones = {};
  document.addEventListener("DOMContentLoaded", () => new MutationObserver(records => {
    for (const row of records.flatMap(record => [...record.addedNodes])) {
      if (!row.matches?.(".tombstone")) continue;
      window.tombstones[row.dataset.requestId] = { made: (SKELETON)(row), text: row.textContent };
    }
  }).observe(document.body, { childList: true, subtree: true }));
""".replace("SKELETON", SKELETON)


@pytest.fixture
def watched(console: Seat) -> Iterator[Seat]:
    """As `console`; a dialog or a request to elsewhere fails the test besides."""
    strange: list[str] = []

    def ask(request: Request, address: str) -> None:
        if not request.url.startswith((address, "data:image/svg+xml")):
            strange.append(request.url)

    def watched(name: str, **options: Any) -> Console:
        seat = console(name, **options)
        seat.page.add_init_script(WATCH)
        seat.page.on("dialog", lambda dialog: (strange.append(dialog.message), dialog.dismiss()))
        seat.page.on("request", lambda request: ask(request, seat.address))
        return seat

    yield watched
    assert strange == []


def draft(number: int, text: str) -> dict[str, Any]:
    """One request with the text in every place that an agent fills."""
    short, choices = text[:100], [f"{text[:90]} {place}" for place in range(7)]
    return {
        "request_id": f"hostile-{number}",
        "uow_id": as_uow(f"{number} {text}"),
        "intervention_type": "clarification",
        "title": text[:255],
        "description": text,
        "context": {f"key {short}": text, "list": [text, {f"inner {short}": [text]}]},
        "tags": [text[:50]],
        "response_schema": {
            "type": "object",
            "title": text[:1000],
            "description": text[:1000],
            "properties": {
                f"few {short}": {
                    "type": "string",
                    "title": text[:1000],
                    "description": text[:1000],
                    "enum": ["a", "b"],
                    "enumNames": [text[:1000], "b"],
                },
                "many": {"type": "string", "title": text[:1000], "enum": choices, "default": choices[2]},
                "typed": {"type": "string", "title": text[:1000], "default": text[:100]},
                "yes": {"type": "boolean", "title": text[:1000], "description": text[:1000]},
            },
        },
    }


def ask_by_keys_of_that_name(world: World, texts: dict[str, str]) -> dict[str, str]:
    """A request for each text, from a key that is called so where a key may be; by name, its request_id."""
    asked = {}
    for number, (name, text) in enumerate(texts.items()):
        try:
            agent = Caller.of_key(api_keys.make(world.acme, text[:100], BOTH_SCOPES)[0])
        except InvalidInput:
            agent = world.key()
        asked[name] = actions.create(agent, draft_of(draft(number, text))).row.request_id
    return asked


def answer(world: World, request_id: str, number: int, text: str) -> None:
    """Decided and acted on, with the text in every place that people and agents fill on the way."""
    actions.comment(world.pilot("otto"), request_id, text=text[:2000])
    asked = draft(number, text)["response_schema"]["properties"]
    response = {next(iter(asked)): "a", "many": asked["many"]["enum"][0], "typed": text[:100], "yes": True}
    actions.approve(world.pilot("olga"), request_id, reason=text[:2000], response=response)
    actions.complete(world.key(), request_id, outcome={f"key {text[:100]}": [text]})


def test_cards_and_tombstones_that_arrive_are_made_of_the_same(watched: Seat, world: World) -> None:
    seat = watched("ada")
    seat.open()
    seat.wait_until_live()
    asked = ask_by_keys_of_that_name(world, ALL)
    cards = {name: seat.page.locator(f"#card-{request_id}") for name, request_id in asked.items()}
    for card in cards.values():
        card.wait_for()
    plain = cards[PLAIN].evaluate(SKELETON)
    for number, (name, card) in enumerate(cards.items()):
        text = ALL[name][:255]
        assert card.evaluate(SKELETON) == plain, name
        assert seen(text) in str(card.locator(".card-title").text_content()), name
        assert card.locator(".uow").text_content() == seen(as_uow(f"{number} {text}")), name
    assert too_high(seat.page) == []
    nothing_scrolls_sideways(seat.page)
    seat.page.set_viewport_size(DESK)

    for request_id, text in zip(asked.values(), ALL.values(), strict=True):
        # Of a reason of white space alone there is nothing to say.
        actions.reject(world.pilot("olga"), request_id, reason=f"No. {text[:2000]}")
    expect(seat.page.locator(".card")).to_have_count(0)
    stones = seat.page.evaluate("window.tombstones")
    for name, request_id in asked.items():
        assert stones[request_id]["made"] == stones[asked[PLAIN]]["made"], name
        assert seen(ALL[name][:100]) in stones[request_id]["text"], name


def test_the_page_of_a_request_is_made_of_the_same(watched: Seat, world: World) -> None:
    texts = ALL | {name: text[:10_000] for name, text in LONG.items()}
    asked = ask_by_keys_of_that_name(world, texts)
    seat = watched("ada")
    seat.open()
    shown = ["title", "description", "context", "tags"]
    is_made_of_the_same(pages(seat, asked), texts, [*shown, "form"])
    for name in OPENED:
        open_and_compare(seat, asked, name)
    for number, (name, request_id) in enumerate(asked.items()):
        answer(world, request_id, number, texts[name])
    is_made_of_the_same(pages(seat, asked), texts, [*shown, "decision", "trail"])
    for name in OPENED:
        open_and_compare(seat, asked, name)
    # The similar decisions beside the last one bear hostile titles and reasons.
    seat.page.locator(".precedent .said").first.wait_for()
    made = seat.page.locator(".precedents *").evaluate_all(
        "all => [...new Set(all.map(each => each.localName))].sort()"
    )
    assert set(made) <= {"h4", "ul", "li", "a", "span", "time", "bdi", "p"}


def test_entries_of_the_timeline_that_arrive_are_made_of_the_same(watched: Seat, world: World, ask: Any) -> None:
    request_id = ask().request_id
    seat = watched("ada")
    seat.open(f"/o/acme/interventions/{request_id}")
    seat.wait_until_live()
    for text in ALL.values():
        actions.comment(world.pilot("olga"), request_id, text=text)
    entries = seat.page.locator(".entry.commented")
    expect(entries).to_have_count(len(ALL))
    plain = entries.first.evaluate(SKELETON)
    for place, (name, text) in enumerate(ALL.items()):
        assert entries.nth(place).evaluate(SKELETON) == plain, name
        assert entries.nth(place).locator(".said").text_content() == seen(text), name
    nothing_scrolls_sideways(seat.page)


def test_names_are_text_wherever_they_stand(watched: Seat, world: World, ask: Any) -> None:
    ada = world.memberships["ada"].pilot
    claims = {}
    for name, text in ALL.items():
        pilot_id = f"local:{as_pilot(text)}"
        joined = pilots_actions.create_pilot(pilot_id, world.acme, Role.OPERATOR, name=text[:255])
        lane = ("critical", "high", "normal", "low")[len(claims) % 4]
        claims[name] = ask(title=name, request_id=f"claimed-{len(claims)}", priority=lane).request_id
        actions.claim(Caller.of_pilot(joined.membership), claims[name])
        organization = Organization.objects.create(slug=f"other-{len(claims)}", name=text[:255])
        pilots_actions.join(ada, organization, Role.VIEWER)
    seat = watched("ada")
    seat.open()
    seat.wait_until_live()
    made = {name: seat.page.locator(f"#card-{claims[name]}").evaluate(SKELETON) for name in ALL}
    assert {name for name in ALL if made[name] != made[PLAIN]} == set()
    menu = seat.page.locator(".account .menu-body").text_content() or ""
    assert {name for name, text in ALL.items() if seen(text[:255]) not in menu} == set()
    assert too_high(seat.page) == []
    nothing_scrolls_sideways(seat.page)
    # Otto's own request: the menu of colleagues is there, with everybody's name.
    seat.open(f"/o/acme/interventions/{ask(request_id='free').request_id}")
    options = seat.page.locator("#assignee option").all_text_contents()
    # A browser folds the white space of an option.
    names = {" ".join(option.rpartition(" (")[0].split()) for option in options}
    assert {name for name, text in ALL.items() if " ".join(seen(text[:255]).split()) not in names} == set()
    nothing_scrolls_sideways(seat.page)


def test_the_team_pages_show_names_as_text(watched: Seat, world: World) -> None:
    ask_by_keys_of_that_name(world, ALL)
    for name, text in ALL.items():
        pilots_actions.create_pilot(f"local:n{len(name)}{name[:3].strip()}", world.acme, Role.VIEWER, name=text[:255])
    Organization.objects.filter(pk=world.acme.pk).update(name=TEXTS["script"])
    seat = watched("ada")
    for path in ("/o/acme/team", "/o/acme/team/keys", "/o/acme/team/settings", "/o/acme/team/log", "/o/acme/settings"):
        seat.open(path)
        main = seat.page.locator("main").text_content() or ""
        if path in ("/o/acme/team", "/o/acme/team/keys"):
            # As many as are on one page.
            assert sum(seen(text[:100]) in main for text in ALL.values()) > 20, (path, main[:300])
        assert seat.page.locator("main :is(img, iframe, object, embed, style, base, script)").count() == 0, path
        assert seat.page.title() != "x", path
        nothing_scrolls_sideways(seat.page, path)


def as_pilot(text: str) -> str:
    """The text as the second half of a pilot_id may be: printable, without white space and colons."""
    return "".join(letter for letter in as_uow(text) if letter.isprintable() and letter not in " :")[:200] or "x"


def pages(seat: Console, asked: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What the page of each request is made of, and its texts by place: read as a browser reads it, not yet alive."""
    found: dict[str, dict[str, Any]] = seat.page.evaluate(PAGES.replace("SKELETON", SKELETON), [asked, PLACES])
    return found


def open_and_compare(seat: Console, asked: dict[str, str], name: str) -> None:
    """Alive, with scripts and styles, it is made of the same too, and fits each width."""
    made = []
    for request_id in (asked["a long description" if name in LONG else PLAIN], asked[name]):
        seat.open(f"/o/acme/interventions/{request_id}")
        seat.wait_until_live()
        # Fetched when everything else is there.
        seat.page.locator("#precedents").wait_for()
        made.append(seat.page.locator("#detail").evaluate(SKELETON))
    assert made[0] == made[1], name
    nothing_scrolls_sideways(seat.page, name)
    seat.page.set_viewport_size(DESK)


def is_made_of_the_same(found: dict[str, dict[str, Any]], texts: dict[str, str], places: list[str]) -> None:
    for name, page in found.items():
        # Of a long text the context shows the beginning, and says so.
        measure = "a long description" if name in LONG else PLAIN
        assert page["made"] == found[measure]["made"], name
        assert page["title"].endswith("· Chameleon"), name
        for place in places:
            # A tag may be fifty characters long, and an optional title is cut nowhere shorter.
            assert seen(texts[name][:50]) in (page["texts"][place] or ""), (name, place)
        assert seen(texts[name][:10_000]) in page["texts"]["description"], name


def nothing_scrolls_sideways(page: Page, what: str = "") -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        found = page.evaluate(WIDEST)
        assert found[0] <= width, (what, width, found)


def too_high(page: Page) -> list[str]:
    script = "(cards, most) => cards.filter(card => card.offsetHeight > most).map(card => card.textContent.trim())"
    found: list[str] = page.locator(".card").evaluate_all(script, HIGHEST_CARD)
    return found
