"""The access log's page: narrowed by its address, and verified step by step, whatever the length of the log."""

import ast
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from conftest import World
from interventions import actions as requests
from interventions import audits
from interventions.actions import erasing
from interventions.models import Event
from interventions.tests.test_pages_team import TEAM, text
from interventions.views.team import log as page
from pilots import access_log
from pilots.access_filters import ALL_TYPES
from pilots.access_log import Party
from pilots.models import AccessEvent, Organization
from tests.corpus import TEXTS

pytestmark = pytest.mark.embedded

LOG = f"{TEAM}/log"


@pytest.fixture
def ada(world: World) -> Client:
    return world.session("ada")


@pytest.fixture
def history(world: World) -> None:
    otto, olga = (Party.of(world.memberships[name].pilot) for name in ("otto", "olga"))
    days = ["2026-03-01T10:00", "2026-03-02T23:59", "2026-03-03T00:00", "2026-03-04T12:00"]
    for number, (day, by) in enumerate(zip(days, (otto, olga, otto, olga), strict=True)):
        told = "invited" if number % 2 else "settings_changed"
        row = access_log.record(told, by, organization=world.acme, data={"number": f"n{number}"})
        AccessEvent.across_organizations.filter(pk=row.pk).update(at=datetime.fromisoformat(f"{day}:00+00:00"))
    access_log.record("role_changed", olga, otto, organization=world.acme, data={"number": "n4"})
    access_log.record("invited", otto, organization=world.globex, data={"number": "canary"})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"type": "invited"}, "31"),
        ({"who": "local:otto"}, "420"),
        ({"since": "2026-03-02", "until": "2026-03-02"}, "1"),
        ({"since": "2026-03-03"}, "432"),
        ({"until": "2026-03-03", "who": "local:olga", "type": "invited"}, "1"),
        ({"who": "local:gina"}, ""),
    ],
)
def test_it_is_narrowed_by_what_who_and_when(ada: Client, history: None, query: dict[str, str], found: str) -> None:
    access_log.log_of(Organization.objects.get(slug="acme")).filter(type="signed_in").delete()
    shown = text(ada.get(LOG, query))
    numbers = "".join(re.findall(r"number n(\d)", shown))
    assert numbers == found
    assert "canary" not in shown
    assert ("No entry is like this" in shown) == (not found)


def test_what_is_narrowed_stays_so_over_pages(ada: Client, world: World) -> None:
    for number in range(120):
        told = "invited" if number % 2 else "settings_changed"
        access_log.record(told, access_log.SYSTEM, organization=world.acme, data={"number": number})
    shown = ada.get(LOG, {"type": "invited", "who": "system"}).content.decode()
    older = re.search(r'rel="next" href="([^"]+)"', shown)
    assert older is not None
    onward = text(ada.get(LOG + older[1].replace("&amp;", "&")))
    numbers = [int(number) for number in re.findall(r"number (\d+)", text(ada.get(LOG + "?type=invited")) + onward)]
    assert sorted(numbers) == list(range(1, 120, 2))


def test_a_form_that_was_sent_leads_to_a_short_address(ada: Client) -> None:
    answer = ada.get(LOG, {"type": "", "who": " local:otto ", "since": "", "until": ""})
    assert (answer.status_code, answer["Location"]) == (302, f"{LOG}?who=local%3Aotto")


@pytest.mark.parametrize("field", ["type", "who", "since", "until"])
def test_what_cannot_be_meant_is_said_at_its_field(ada: Client, field: str) -> None:
    for value in ("x" * 300, "2026-02-30", "٣٣٣٣-٠١-٠١", *TEXTS.values()):
        answer = ada.get(LOG, {field: value})
        if field == "who" and answer.status_code == 200:
            assert "No entry is like this" in text(answer)
            continue
        assert answer.status_code == 422, value
        assert f'id="problem-{field}"' in answer.content.decode()
    assert ada.get(LOG, {field: "a\x00b"}).status_code == 400


def test_the_days_are_in_their_order(ada: Client) -> None:
    answer = ada.get(LOG, {"since": "2026-03-02", "until": "2026-03-01"})
    assert (answer.status_code, "before the first" in text(answer)) == (422, True)


def test_every_kind_of_entry_can_be_chosen() -> None:
    """What is recorded somewhere stands in the list, and nothing else does."""
    root = Path(__file__).parents[2]
    files = [*root.glob("pilots/**/*.py"), *root.glob("interventions/**/*.py"), *root.glob("chameleon/**/*.py")]
    ours = [path for path in files if not {"tests", "migrations"} & set(path.relative_to(root).parts)]
    trees = {path.relative_to(root).as_posix(): ast.parse(path.read_text()) for path in ours}
    recorded, unclear = set(), []
    for path, tree in trees.items():
        for told in types_told(tree):
            recorded |= constants(told)
            if not constants(told):
                unclear.append(f"{path}:{told.lineno}: {ast.unparse(told)}")
    # Written so that it can be read here, or this test proves nothing of it.
    assert unclear == []
    assert recorded == ALL_TYPES


def types_told(tree: ast.Module) -> list[ast.expr]:
    """What stands where an entry's type goes: in calls of the log, and of functions here that hand theirs on to it."""
    places = {"access_log.record": 0, "access_log.record_of_pilot": 0}
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    while True:
        told, handed_on = [], {}
        for function in functions:
            names = [argument.arg for argument in function.args.args]
            for type in _given(function, places):
                if isinstance(type, ast.Name) and type.id in names:
                    handed_on[function.name] = names.index(type.id)
                else:
                    told.append(type)
        if handed_on.items() <= places.items():
            return told
        places |= handed_on


def _given(function: ast.FunctionDef, places: dict[str, int]) -> list[ast.expr]:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    found = [(call, places.get(ast.unparse(call.func))) for call in calls]
    return [call.args[place] for call, place in found if place is not None]


def constants(told: ast.expr) -> set[str]:
    """The one type, or the two that a condition chooses from."""
    chosen = [told.body, told.orelse] if isinstance(told, ast.IfExp) else [told]
    return {each.value for each in chosen if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def test_no_kind_of_entry_is_missing(world: World, ada: Client, history: None) -> None:
    types = set(AccessEvent.across_organizations.values_list("type", flat=True))
    assert types <= ALL_TYPES


class TestVerifying:
    def verify(self, client: Client, chain: str, monkeypatch: pytest.MonkeyPatch, step: int = 20_000) -> list[str]:
        """What each of the steps says, as the page's script asks for one after the other."""
        monkeypatch.setattr(page, "STEP", step)
        said, after = [], ""
        while True:
            form = {"after": after} if after else {}
            answer = client.post(f"{LOG}/verify/{chain}", form, headers={"HX-Request": "true"})
            assert answer.status_code == 200
            said.append(text(answer))
            following = re.search(r'name="after" value="(\d+)"', answer.content.decode())
            if following is None:
                return said
            assert "load, submit" in answer.content.decode()
            after = following[1]

    @pytest.mark.parametrize("chain", ["access", "record"])
    def test_says_the_head_in_plain_words(
        self, ada: Client, world: World, ask: Any, history: None, chain: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        access_log.log_of(world.acme).update(at=AccessEvent.across_organizations.latest("seq").at)
        for number in range(5):
            ask(request_id=f"r{number}")
        head = next(anchor for anchor in audits.heads([world.acme]) if anchor.log == chain)
        if chain == "access":
            # The moments were moved about above.
            found = self.verify(ada, chain, monkeypatch)
            assert "This log is not what was written. First at entry 1" in found[0]
            return
        for step in (20_000, 2, 5):
            said = self.verify(ada, chain, monkeypatch, step)
            assert f"All {head.seq} entries verified." in said[-1]
            assert head.hash in said[-1]
            assert len(said) == {20_000: 1, 2: 3, 5: 1}[step]

    def test_finds_the_one_entry_that_was_changed(
        self, ada: Client, world: World, ask: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(7):
            ask(request_id=f"r{number}")
        assert "All 7 entries" in self.verify(ada, "record", monkeypatch, 3)[-1]
        rows = Event.objects.for_organization(world.acme.pk)
        rows.filter(seq=5).update(request_id="another")
        said = self.verify(ada, "record", monkeypatch, 3)
        assert "First at entry 5: the hash does not follow" in said[-1]
        rows.filter(seq=5).delete()
        assert "First at entry 6: expected seq 5" in self.verify(ada, "record", monkeypatch, 3)[-1]
        rows.filter(seq__gte=5).delete()
        assert "the log ends at 4, its head says 7" in self.verify(ada, "record", monkeypatch, 3)[-1]

    def test_goes_on_over_what_was_erased(
        self, ada: Client, world: World, ask: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(4):
            requests.claim(world.pilot("otto"), ask(request_id=f"r{number}").request_id)
        erasing.erase(world.memberships["otto"].pilot)
        for chain in ("record", "access"):
            assert "verified." in self.verify(ada, chain, monkeypatch)[-1]
        said = self.verify(ada, "record", monkeypatch, 3)[-1]
        assert "4 entries in which a pilot was erased are too many" in said or "verified." in said
        rows = Event.objects.for_organization(world.acme.pk).filter(salt="")
        if row := rows.exclude(data={}).first():
            rows.filter(pk=row.pk).update(data=row.data | {"from": "somebody"})
            assert "is not what the erasure left" in self.verify(ada, "record", monkeypatch)[-1]

    def test_without_script_it_is_a_page(self, ada: Client, ask: Any) -> None:
        ask()
        answer = ada.post(f"{LOG}/verify/record", {"after": ""})
        assert "All 1 entry verified." in text(answer)
        assert "Access log" in text(answer)

    @pytest.mark.parametrize("after", ["x", "-1", "²", "9" * 18, "9" * 40, "0", "'; --"])
    def test_an_odd_position_begins_at_the_beginning(self, ada: Client, ask: Any, after: str) -> None:
        ask()
        assert "All 1 entry verified." in text(ada.post(f"{LOG}/verify/record", {"after": after}))

    @pytest.mark.parametrize("chain", ["nothing", "globex", "RECORD"])
    def test_another_log_is_not_there(self, ada: Client, chain: str) -> None:
        assert ada.post(f"{LOG}/verify/{chain}")["Location"] == LOG
        assert ada.get(f"{LOG}/verify/record")["Location"] == LOG
