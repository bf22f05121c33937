"""One verb on many requests, each for itself: one that cannot be done does not hold up the others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from interventions import policy
from interventions.actions.claiming import claim
from interventions.actions.deciding import UNSEEN, Seen, decide
from interventions.errors import Conflict
from interventions.models import Intervention
from pilots.caller import Caller
from pilots.errors import DomainError, NotFound


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one of many: the status it has now (None: there is no such request) and why not, if not."""

    request_id: str
    status: str | None
    code: str | None = None


def decide_many(
    caller: Caller,
    request_ids: list[str],
    verdict: str,
    *,
    reason: str | None,
    seen: Mapping[str, Seen] | None = None,
) -> list[Result]:
    """The same verdict on each; `seen` by request_id. Raises NotAllowed where the caller could decide none at all."""
    policy.require(caller, verdict)
    seen = seen or {}

    def act(request_id: str) -> Intervention:
        return decide(caller, request_id, verdict, reason=reason, seen=seen.get(request_id, UNSEEN))

    return [_do(caller, request_id, act) for request_id in request_ids]


def claim_many(caller: Caller, request_ids: list[str]) -> list[Result]:
    """A claim on each, over nobody else's. Raises NotAllowed where the caller may claim nothing."""
    policy.require(caller, "claim")
    return [_do(caller, request_id, lambda one: claim(caller, one)) for request_id in request_ids]


def _do(caller: Caller, request_id: str, act: Callable[[str], Intervention]) -> Result:
    try:
        row = act(request_id)
    except NotFound as error:
        return Result(request_id, None, error.code)
    except Conflict as error:
        return Result(request_id, error.intervention.status if error.intervention else None, error.code)
    except DomainError as error:
        rows = Intervention.objects.for_caller(caller).filter(request_id=request_id)
        return Result(request_id, rows.values_list("status", flat=True).first(), error.code)
    return Result(request_id, row.status)
