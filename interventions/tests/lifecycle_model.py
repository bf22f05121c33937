"""The lifecycle once more, as small as it can be said: what the property test holds the real one against."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

OPEN = ("PENDING", "IN_PROGRESS")
RANK = {"VIEWER": 0, "OPERATOR": 1, "ADMIN": 2}
ROLE = {"ada": "ADMIN", "otto": "OPERATOR", "olga": "OPERATOR", "vera": "VIEWER", "gina": "ADMIN"}
HOME = {"gina": "globex", "globex-agent": "globex"}
GRAVE = ("kill_switch", "waive_violation")
LEASE = timedelta(minutes=10)
OK = "ok"


def home_of(who: str) -> str:
    return HOME.get(who, "acme")


def effective(asked: dict[str, Any]) -> dict[str, Any]:
    """As it counts: what is grave needs an admin, whatever was asked."""
    return asked | {"required_role": "ADMIN"} if asked["intervention_type"] in GRAVE else asked


@dataclass
class Request:
    organization: str
    request_id: str
    asked: dict[str, Any]
    deadline: timedelta | None
    status: str = "PENDING"
    version: int = 1
    assigned: str | None = None
    lease: timedelta | None = None
    approvals: list[str] = field(default_factory=list)
    response: dict[str, Any] | None = None
    decided_by: str | None = None
    reason: str | None = None
    outcome: dict[str, Any] | None = None

    @property
    def kind(self) -> str:
        return str(self.asked["intervention_type"])

    @property
    def role(self) -> str:
        return "ADMIN" if self.kind in GRAVE else str(self.asked.get("required_role", "OPERATOR"))


class Model:
    """Every verb answers "ok" or the code of its refusal, and changes the requests accordingly."""

    def __init__(self) -> None:
        self.now = timedelta()
        self.requests: dict[tuple[str, str], Request] = {}

    def find(self, who: str, request_id: str) -> Request | None:
        return self.requests.get((home_of(who), request_id))

    def past(self, it: Request) -> bool:
        return it.deadline is not None and it.deadline <= self.now

    def claimant(self, it: Request) -> str | None:
        return it.assigned if it.status == "IN_PROGRESS" and it.lease is not None and it.lease > self.now else None

    def assignee(self, it: Request) -> str | None:
        return None if it.lease is not None and it.lease <= self.now else it.assigned

    def closed(self, it: Request) -> str | None:
        if it.status == "EXPIRED" or (it.status in OPEN and self.past(it)):
            return "expired"
        return None if it.status in OPEN else "already_decided"

    def change(self, it: Request, **changes: Any) -> str:
        it.version += 1
        for name, value in changes.items():
            setattr(it, name, value)
        return OK

    def create(self, who: str, asked: dict[str, Any]) -> str:
        if who in ROLE:
            return "forbidden"
        first = self.find(who, asked["request_id"])
        if first is not None:
            return OK if effective(first.asked) == effective(asked) else "request_id_reused"
        seconds = asked["expires_in_seconds"]
        deadline = None if seconds is None else self.now + timedelta(seconds=seconds)
        key = (home_of(who), asked["request_id"])
        self.requests[key] = Request(*key, asked, deadline)
        return OK

    def claim(self, who: str, it: Request, take_over: bool) -> str:
        if refusal := self.closed(it):
            return refusal
        if it.status == "IN_PROGRESS" and it.assigned == who:
            it.lease = self.now + LEASE
            return OK
        if self.claimant(it) not in (None, who) and not take_over:
            return "claimed"
        return self.change(it, status="IN_PROGRESS", assigned=who, lease=self.now + LEASE)

    def release(self, who: str, it: Request) -> str:
        if refusal := self.closed(it) or self.claimed(who, it):
            return refusal
        if it.status == "PENDING" and it.assigned != who:
            return "illegal_transition"
        return self.change(it, status="PENDING", assigned=None, lease=None)

    def assign(self, who: str, it: Request, to: str) -> str:
        if home_of(to) != home_of(who) or ROLE[to] == "VIEWER":
            return "invalid"
        if refusal := self.closed(it) or self.claimed(who, it):
            return refusal
        if self.assignee(it) == to:
            return OK
        return self.change(it, status="PENDING", assigned=to, lease=None)

    def comment(self, _who: str, _it: Request) -> str:
        return OK

    def extend(self, _who: str, it: Request, seconds: int | None) -> str:
        if refusal := self.closed(it):
            return refusal
        return self.change(it, deadline=None if seconds is None else self.now + timedelta(seconds=seconds))

    def claimed(self, who: str, it: Request) -> str | None:
        return "claimed" if self.claimant(it) not in (None, who) else None

    def approve(
        self, who: str, it: Request, reason: str | None, response: dict[str, Any] | None, version: int | None
    ) -> str:
        if reason is None and it.kind in GRAVE:
            return "reason_required"
        # As text: for Python true is 1.
        differs = response is not None and it.response is not None and str(response) != str(it.response)
        counts = it.status in ("APPROVED", "COMPLETED") or (it.status in OPEN and not self.past(it))
        if who in it.approvals and counts:
            return "response_differs" if differs else OK
        if refusal := self.closed(it) or self.claimed(who, it):
            return refusal
        if version not in (None, it.version):
            return "version_mismatch"
        if response is None:
            if it.asked["response_schema"] and it.response is None:
                return "response_required"
        elif it.asked["response_schema"] is None or type(response.get("n")) is not int:
            return "invalid_response"
        elif differs:
            return "response_differs"
        it.approvals.append(who)
        it.response = it.response if response is None else response
        if len(it.approvals) < it.asked["approvals_required"]:
            return self.change(it)
        return self.decide(who, it, "APPROVED", reason)

    def reject(self, who: str, it: Request, reason: str | None, version: int | None) -> str:
        if reason is None:
            return "reason_required"
        if it.status == "REJECTED" and it.decided_by == who:
            return OK
        if refusal := self.closed(it) or self.claimed(who, it):
            return refusal
        if version not in (None, it.version):
            return "version_mismatch"
        return self.decide(who, it, "REJECTED", reason)

    def decide(self, who: str | None, it: Request, status: str, reason: str | None) -> str:
        return self.change(it, status=status, decided_by=who, reason=reason, assigned=self.assignee(it), lease=None)

    def cancel(self, _who: str, it: Request, reason: str | None) -> str:
        if it.status == "CANCELLED" and it.reason == reason:
            return OK
        return self.closed(it) or self.decide(None, it, "CANCELLED", reason)

    def complete(self, _who: str, it: Request, outcome: dict[str, Any] | None) -> str:
        if it.status == "COMPLETED" and str(it.outcome) == str(outcome):
            return OK
        if it.status != "APPROVED":
            return "illegal_transition"
        return self.change(it, status="COMPLETED", outcome=outcome)

    def expire(self) -> int:
        due = [it for it in self.requests.values() if it.status in OPEN and self.past(it)]
        for it in due:
            self.decide(None, it, "EXPIRED", it.reason)
        return len(due)

    def lapse(self) -> int:
        due = [it for it in self.requests.values() if it.status == "IN_PROGRESS" and it.lease and it.lease <= self.now]
        for it in due:
            self.change(it, status="PENDING", assigned=None, lease=None)
        return len(due)

    def oldest_open(self, who: str, kind: str, uow_id: str) -> Request | None:
        mine = [it for it in self.requests.values() if it.organization == home_of(who) and it.status in OPEN]
        fitting = [it for it in mine if it.kind == kind and it.asked["uow_id"] == uow_id and not self.past(it)]
        return fitting[0] if fitting else None

    def refused(self, who: str, verb: str, it: Request | None) -> str | None:
        """Roles and scopes, before anything else is looked at; who may do it to nothing learns nothing."""
        if verb in ("cancel", "complete"):
            return "forbidden" if who in ROLE else None if it else "not_found"
        if who not in ROLE or ROLE[who] == "VIEWER":
            return "forbidden"
        if it is None:
            return "not_found"
        least = it.role if verb in ("approve", "reject") else "OPERATOR"
        return None if RANK[ROLE[who]] >= RANK[least] else "forbidden"
