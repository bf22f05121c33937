"""Whom does a request concern who is not looking? Those who could decide it now, while nobody else is at it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from interventions import policy
from interventions.lifecycle import OPEN, Priority, claim_lives, is_past
from interventions.models import Intervention
from pilots.models import Membership
from pilots.roles import Role

# So long before its deadline a critical request that nobody has claimed is told of once more.
WARNING = timedelta(minutes=5)
# Of deadlines close together there is one warning.
_TOGETHER_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Standing:
    """A request as it is at one moment."""

    row: Intervention
    now: datetime

    @property
    def is_critical(self) -> bool:
        return self.row.priority == Priority.CRITICAL

    @property
    def priority(self) -> str:
        return Priority(self.row.priority).word

    @property
    def waits(self) -> bool:
        """It can be decided, and no claim binds the others."""
        row = self.row
        is_open = row.status in OPEN and not is_past(row.expires_at, self.now)
        return is_open and not claim_lives(row.status, row.claimed_until, self.now)

    @property
    def assignee(self) -> str | None:
        """Whom it was assigned to; a lapsed claim assigns it to nobody."""
        return self.row.assigned_to if self.row.claimed_until is None else None

    @property
    def warned_at(self) -> datetime | None:
        """When to tell of it once more, unless somebody has claimed it by then; None: never."""
        deadline = self.row.expires_at
        if not self.is_critical or deadline is None:
            return None
        at = deadline - WARNING
        return at - timedelta(seconds=at.timestamp() % _TOGETHER_SECONDS)

    def concerns(self, member: Membership) -> bool:
        """Whether it waits for this member: their role may decide it, and it is nobody else's."""
        row, pilot_id = self.row, member.pilot.pilot_id
        if not self.waits or self.assignee not in (None, pilot_id):
            return False
        if not Role(member.role).covers(policy.deciding_role(row.intervention_type, row.required_role)):
            return False
        return pilot_id not in {approval.pilot_id for approval in row.given_approvals()}
