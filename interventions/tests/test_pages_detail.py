"""One request's page and its forms: what they do, what they refuse, and what they keep."""

from typing import Any

import pytest
from django.test import Client

from conftest import Clock, World
from interventions import actions
from interventions.models import Event, Intervention

pytestmark = pytest.mark.embedded

PART = {"HX-Request": "true"}
SCHEMA = {
    "type": "object",
    "properties": {
        "vendor": {"type": "string", "title": "Vendor", "minLength": 2},
        "amount": {"type": "number", "maximum": 10},
        "count": {"type": "integer"},
        "sure": {"type": "boolean"},
        "when": {"type": "string", "format": "date-time"},
        "mail": {"type": "string", "format": "email"},
    },
    "required": ["vendor"],
}


def path(row: Intervention, verb: str = "") -> str:
    return f"/o/acme/interventions/{row.request_id}{verb}"


def decision(row: Intervention, verdict: str, **more: str) -> dict[str, str]:
    return {"verdict": verdict, "version": str(row.version), "content_hash": row.content_hash} | more


def fresh(row: Intervention) -> Intervention:
    return Intervention.across_organizations.get(pk=row.pk)


def test_a_decision_leads_back_to_the_page_that_tells_it(world: World, ask: Any) -> None:
    row, otto = ask(), world.session("otto")
    answer = otto.post(path(row, "/decide"), decision(row, "approve", action_reason="Fine"), follow=True)
    assert answer.redirect_chain == [(path(row), 302)]
    assert b"Approved" in answer.content
    assert fresh(row).action_reason == "Fine"


def test_a_part_is_answered_with_the_part(world: World, ask: Any) -> None:
    row = ask()
    answer = world.session("otto").post(path(row, "/decide"), decision(row, "approve"), headers=PART)
    assert answer.status_code == 200
    assert b'id="detail"' in answer.content
    assert b"<html" not in answer.content


def test_a_rejection_without_a_reason_is_asked_for_one(world: World, ask: Any) -> None:
    row = ask()
    answer = world.session("otto").post(path(row, "/decide"), decision(row, "reject", action_reason=" "))
    assert answer.status_code == 422
    assert b'id="reason-error"' in answer.content
    assert fresh(row).status == "PENDING"


def test_every_wrong_field_is_named_at_once_and_keeps_what_was_typed(world: World, ask: Any) -> None:
    row = ask(response_schema=SCHEMA)
    typed = {"answer-1": "much", "answer-2": "1.5", "action_reason": "Kept <b>"}
    answer = world.session("otto").post(path(row, "/decide"), decision(row, "approve", **typed))
    html = answer.content.decode()
    assert answer.status_code == 422
    for name in ("answer-0-error", "answer-1-error", "answer-2-error"):
        assert f'id="{name}"' in html
    assert 'value="much"' in html
    assert "Kept &lt;b&gt;" in html


def test_what_the_schema_forbids_is_said_at_its_field(world: World, ask: Any) -> None:
    row = ask(response_schema=SCHEMA)
    typed = {"answer-0": "V", "answer-1": "11", "answer-5": "nobody"}
    html = world.session("otto").post(path(row, "/decide"), decision(row, "approve", **typed)).content.decode()
    for name in ("answer-0-error", "answer-1-error", "answer-5-error"):
        assert f'id="{name}"' in html


def test_an_answer_has_the_types_the_schema_asks_for(world: World, ask: Any) -> None:
    row = ask(response_schema=SCHEMA)
    typed = {"answer-0": "V-1", "answer-1": "2.5", "answer-2": "3", "answer-3": "on", "answer-4": "2026-11-22T10:30"}
    answer = world.session("otto").post(path(row, "/decide"), decision(row, "approve", **typed))
    assert answer.status_code == 302
    assert fresh(row).response == {
        "vendor": "V-1",
        "amount": 2.5,
        "count": 3,
        "sure": True,
        "when": "2026-11-22T10:30:00Z",
    }


@pytest.mark.parametrize("text", ["nan", "inf", "1e400", "9" * 30])
def test_a_number_is_a_number(world: World, ask: Any, text: str) -> None:
    row = ask(response_schema=SCHEMA)
    typed = decision(row, "approve", **{"answer-0": "V-1", "answer-1": text, "answer-2": text})
    assert world.session("otto").post(path(row, "/decide"), typed).status_code == 422
    assert fresh(row).status == "PENDING"


def test_the_late_one_gets_the_decision_that_stands_and_keeps_the_reason(world: World, ask: Any) -> None:
    row = ask()
    actions.approve(world.pilot("olga"), row.request_id, reason="I was first")
    answer = world.session("otto").post(path(row, "/decide"), decision(row, "reject", action_reason="My words"))
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "I was first" in html
    assert "My words" in html


def test_a_request_that_changed_since_is_not_decided(world: World, ask: Any) -> None:
    row = ask()
    seen = decision(row, "approve")
    actions.extend(world.pilot("olga"), row.request_id, expires_in_seconds=99)
    answer = world.session("otto").post(path(row, "/decide"), seen)
    assert answer.status_code == 409
    assert b"changed while you decided" in answer.content
    assert b'name="version" value="2"' in answer.content


@pytest.mark.parametrize(
    "wrong",
    [{"version": ""}, {"version": "x"}, {"version": "9" * 40}, {"verdict": "maybe"}, {"action_reason": "x" * 2001}],
)
def test_a_form_that_was_tampered_with_decides_nothing(world: World, ask: Any, wrong: dict[str, str]) -> None:
    row = ask()
    answer = world.session("otto").post(path(row, "/decide"), decision(row, "approve") | wrong)
    assert answer.status_code == 422
    assert fresh(row).status == "PENDING"


def test_a_kill_switch_is_not_approved_without_the_word(world: World, ask: Any) -> None:
    row, ada = ask(intervention_type="kill_switch"), world.session("ada")
    typed = decision(row, "approve", action_reason="It runs wild")
    assert ada.post(path(row, "/decide"), typed).status_code == 422
    assert ada.post(path(row, "/decide"), typed | {"confirmation": " stop "}).status_code == 302
    assert fresh(row).status == "APPROVED"


@pytest.mark.parametrize("verb", ["/decide", "/claim", "/release", "/comment", "/assign", "/extend"])
def test_a_viewer_may_only_read(world: World, ask: Any, verb: str) -> None:
    row, vera = ask(), world.session("vera")
    form = decision(row, "approve", text="x", pilot_id="local:otto", more="900")
    assert vera.get(path(row)).status_code == 200
    assert vera.post(path(row, verb), form).status_code == 403
    assert fresh(row).version == 1


def test_an_operator_is_told_that_an_admin_must_decide(world: World, ask: Any) -> None:
    row = ask(required_role="ADMIN")
    otto = world.session("otto")
    assert b"needs an admin" in otto.get(path(row)).content
    assert otto.post(path(row, "/decide"), decision(row, "approve")).status_code == 403


@pytest.mark.parametrize("verb", ["/decide", "/claim", "/release", "/renew", "/comment", "/assign", "/extend"])
def test_a_verb_is_posted_with_a_token(world: World, ask: Any, verb: str) -> None:
    row = ask()
    assert world.session("otto").get(path(row, verb)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(world.memberships["otto"].pilot, "django.contrib.auth.backends.ModelBackend")
    assert strict.post(path(row, verb), decision(row, "approve")).status_code == 403
    assert fresh(row).version == 1


def test_a_claim_is_refused_taken_over_released(world: World, ask: Any) -> None:
    row, otto, olga = ask(), world.session("otto"), world.session("olga")
    assert otto.post(path(row, "/claim")).status_code == 302
    refusal = olga.post(path(row, "/claim"))
    assert refusal.status_code == 409
    assert b"is on it" in refusal.content
    assert olga.post(path(row, "/claim"), {"take_over": "1"}).status_code == 302
    assert fresh(row).assigned_to == "local:olga"
    assert otto.post(path(row, "/release")).status_code == 409
    assert olga.post(path(row, "/release")).status_code == 302
    assert fresh(row).assigned_to is None


def test_a_card_that_asks_gets_the_card(world: World, ask: Any) -> None:
    row = ask()
    headers = PART | {"HX-Target": "quick"}
    answer = world.session("otto").post(path(row, "/claim"), headers=headers)
    assert answer.content.count(b"<li") == 1
    refusal = world.session("olga").post(path(row, "/claim"), headers=headers)
    assert refusal.status_code == 409
    assert b"local:otto has claimed it" in refusal.content


def test_an_open_page_renews_only_its_own_claim(world: World, ask: Any) -> None:
    row, otto = ask(), world.session("otto")
    assert otto.post(path(row, "/renew")).status_code == 409
    claimed = actions.claim(world.pilot("otto"), row.request_id)
    assert otto.post(path(row, "/renew")).status_code == 204
    assert fresh(row).claimed_until > claimed.claimed_until
    assert world.session("olga").post(path(row, "/renew")).status_code == 409


def test_a_note_is_kept_for_the_record(world: World, ask: Any) -> None:
    row, otto = ask(), world.session("otto")
    assert otto.post(path(row, "/comment"), {"text": "  "}).status_code == 422
    assert otto.post(path(row, "/comment"), {"text": "x" * 2001}).status_code == 422
    assert b"Looked at &lt;b&gt;" in otto.post(path(row, "/comment"), {"text": "Looked at <b>"}, follow=True).content


def test_it_is_assigned_to_a_colleague_who_may_decide(world: World, ask: Any) -> None:
    row, otto = ask(), world.session("otto")
    assert otto.post(path(row, "/assign"), {"pilot_id": "local:vera"}).status_code == 422
    assert otto.post(path(row, "/assign"), {"pilot_id": "local:gina"}).status_code == 422
    assert otto.post(path(row, "/assign"), {"pilot_id": "local:olga"}).status_code == 302
    assert fresh(row).assigned_to == "local:olga"


def test_more_time_is_added_to_the_deadline_there_is(world: World, ask: Any) -> None:
    row, otto = ask(expires_in_seconds=7200), world.session("otto")
    assert otto.post(path(row, "/extend"), {"more": "3600"}).status_code == 302
    added = (fresh(row).expires_at - row.expires_at).total_seconds()
    assert 3599 <= added <= 3602
    assert b"Deadline moved" in otto.get(path(row)).content


def test_a_deadline_is_taken_away_and_set_anew(world: World, ask: Any) -> None:
    row, otto = ask(), world.session("otto")
    assert b"No deadline" in otto.get(path(row)).content
    otto.post(path(row, "/extend"), {"more": "never"})
    assert fresh(row).expires_at is None
    page = otto.get(path(row)).content.decode()
    assert "No deadline" not in page
    assert "Deadline…" in page
    otto.post(path(row, "/extend"), {"more": "900"})
    assert fresh(row).expires_at is not None


@pytest.mark.parametrize("more", ["", "12", "-900", "x"])
def test_only_the_times_that_are_offered_are_given(world: World, ask: Any, more: str) -> None:
    row = ask()
    answer = world.session("otto").post(path(row, "/extend"), {"more": more})
    assert answer.status_code == 422
    assert b"Choose how much more time" in answer.content
    assert fresh(row).expires_at == row.expires_at


def test_what_is_past_gets_no_more_time(world: World, ask: Any, clock: Clock) -> None:
    row = ask(expires_in_seconds=60)
    clock.forward(minutes=2)
    answer = world.session("otto").post(path(row, "/extend"), {"more": "900"}, headers=PART)
    assert answer.status_code == 409
    assert b"Expired undecided" in answer.content
    assert b"More time" not in answer.content
    decided = actions.approve(world.pilot("olga"), ask().request_id, reason="I was first")
    answer = world.session("otto").post(path(decided, "/extend"), {"more": "900"}, headers=PART)
    assert answer.status_code == 409
    assert b"I was first" in answer.content


def test_the_kill_switch_is_for_admins_and_asks_for_everything(world: World) -> None:
    form = {"instance_id": "crawler-7", "reason": "It loops.", "confirmation": "STOP"}
    assert world.session("otto").post("/o/acme/kill-switch", form).status_code == 403
    ada = world.session("ada")
    for name in form:
        assert ada.post("/o/acme/kill-switch", form | {name: ""}).status_code == 422
    assert ada.get("/o/acme/kill-switch").status_code == 200
    answer = ada.post("/o/acme/kill-switch", form)
    row = Intervention.across_organizations.get()
    assert (row.status, row.uow_id, answer["Location"]) == ("APPROVED", "crawler-7", path(row))


def test_the_page_tells_the_whole_way_of_a_decision(world: World, ask: Any) -> None:
    row = ask()
    actions.approve(world.pilot("otto"), row.request_id, reason="Go on")
    actions.record_delivery(world.key(), [row.request_id])
    actions.complete(world.key(), row.request_id, outcome={"paid": "SEPA-11"})
    html = world.session("otto").get(path(row)).content.decode()
    for word in ("Decided", "Delivered", "Acted", "SEPA-11", "Go on"):
        assert word in html
    assert html.count('class="entry') == Event.across_organizations.count()


def test_an_unknown_request_is_not_there(world: World, ask: Any) -> None:
    assert world.session("otto").get("/o/acme/interventions/none").status_code == 404
    assert world.session("otto").post("/o/acme/interventions/none/claim").status_code == 404
    assert world.session("gina").get(path(ask())).status_code == 404


def test_deep_and_wide_context_is_shown(world: World, ask: Any) -> None:
    deep: Any = "bottom"
    for _ in range(31):
        deep = {"level": deep}
    row = ask(context=deep | {"list": list(range(500)), "": None, "link": "https://user@evil.example:8/x"})
    html = world.session("otto").get(path(row)).content.decode()
    assert "bottom" in html
    assert "evil.example:8" in html


def test_an_approval_that_others_must_join_gives_the_claim_back(world: World, ask: Any) -> None:
    row = actions.claim(world.pilot("otto"), ask(approvals_required=2).request_id)
    world.session("otto").post(path(row, "/decide"), decision(row, "approve"))
    row = fresh(row)
    assert (row.status, row.assigned_to) == ("PENDING", None)
    world.session("olga").post(path(row, "/decide"), decision(row, "approve"))
    assert fresh(row).status == "APPROVED"


def test_the_page_a_form_came_from_may_be_no_address(world: World, ask: Any) -> None:
    address = f"/o/acme/interventions/{ask().request_id}/comment"
    headers = {"HX-Request": "true", "HX-Current-URL": "http://[?tab=mine#x"}
    assert world.session("otto").post(address, {"text": "x"}, headers=headers).status_code == 200
