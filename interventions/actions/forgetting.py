"""What is kept for a time only: Idempotency-Keys that nobody may repeat any more."""

from datetime import timedelta

from interventions.actions.creating import IDEMPOTENCY_HOURS
from interventions.models import IdempotencyRecord
from pilots import database
from pilots.database import writing

# Rows per transaction, so that other writers get through between.
BATCH = 1000


def forget_idempotency_keys() -> int:
    """Deletes what is older than the promise holds; returns how many."""
    before = database.now() - timedelta(hours=IDEMPOTENCY_HOURS)
    old = IdempotencyRecord.across_organizations.filter(created_at__lt=before).order_by("created_at")
    done = 0
    while ids := list(old.values_list("pk", flat=True)[:BATCH]):
        with writing():
            done += IdempotencyRecord.across_organizations.filter(pk__in=ids).delete()[0]
    return done
