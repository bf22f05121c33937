"""The addresses of the API for interventions and of the pilot commands; each also with a slash at its end."""

from django.urls import URLPattern

from interventions.api import asking, commands, deciding, report, waiting
from pilots.operations import route, view

# An id that no intervention can have leads nowhere.
REQUEST_ID = r"(?P<request_id>[A-Za-z0-9._:-]{1,255})"
# U+FFFD is what a server makes of bytes that are not UTF-8: not the name anybody sent.
_NAME = r"[^/\x00-\x1f\x7f-\x9f\ufffd]{1,255}"
UOW_ID = f"(?P<uow_id>{_NAME})"
GUARD_RULE_ID = f"(?P<guard_rule_id>{_NAME})"


def _verbs() -> list[URLPattern]:
    verbs = {
        "claim": deciding.claim,
        "release": deciding.release,
        "assign": deciding.assign,
        "comment": deciding.comment,
        "extend": deciding.extend,
        "approve": deciding.approve,
        "reject": deciding.reject,
        "complete": asking.complete,
        "cancel": asking.cancel,
    }
    return [route(f"api/interventions/{REQUEST_ID}/{name}", view(post=verb)) for name, verb in verbs.items()]


urlpatterns = [
    route("api/interventions", view(get=asking.list_interventions, post=asking.create)),
    # These words stand before ids: no intervention can be called so.
    route("api/interventions/batch", view(post=asking.create_batch)),
    route("api/interventions/decide", view(post=deciding.decide)),
    route("api/interventions/pending", view(get=asking.list_pending)),
    route("api/interventions/metrics", view(get=asking.get_metrics)),
    route(f"api/interventions/{REQUEST_ID}", view(get=asking.get_intervention)),
    route(f"api/interventions/{REQUEST_ID}/events", view(get=asking.list_trail)),
    route(f"api/interventions/{REQUEST_ID}/decision", waiting.long_poll(waiting.get_decision)),
    *_verbs(),
    route("api/events", waiting.long_poll(waiting.get_events)),
    route("api/organizations/report", view(recognise=False, get=report.get_report)),
    route("pilot/kill-switch", view(post=commands.kill_switch)),
    route(f"pilot/clarification/{UOW_ID}", view(post=commands.clarify)),
    route(f"pilot/waive/{UOW_ID}/{GUARD_RULE_ID}", view(post=commands.waive)),
    route(f"pilot/resume/{UOW_ID}", view(post=commands.resume)),
    route(f"pilot/cancel/{UOW_ID}", view(post=commands.cancel_unit)),
]
