"""The only writer: one function per verb, each a short transaction with its event."""

from interventions.actions.archiving import Archive, clear_archived
from interventions.actions.asking import cancel, complete
from interventions.actions.claiming import assign, claim, comment, extend, release
from interventions.actions.commanding import command, count_open
from interventions.actions.creating import Asked, IdempotencyKey, create, create_many
from interventions.actions.deciding import UNSEEN, Seen, approve, decide, reject
from interventions.actions.erasing import Erased, erase
from interventions.actions.forgetting import forget_idempotency_keys
from interventions.actions.importing import Arrival, Fate, Settled, row_of, take_over
from interventions.actions.many import Result, claim_many, decide_many
from interventions.actions.pruning import Pruned, prune, prune_due, would_prune
from interventions.actions.sweeping import expire_due, next_deadline, record_delivery, release_lapsed
from interventions.actions.trusted import change_trusting

__all__ = [
    "UNSEEN",
    "Arrival",
    "Archive",
    "Asked",
    "Erased",
    "Fate",
    "IdempotencyKey",
    "Pruned",
    "Result",
    "Seen",
    "Settled",
    "approve",
    "assign",
    "cancel",
    "change_trusting",
    "claim",
    "claim_many",
    "clear_archived",
    "command",
    "comment",
    "complete",
    "count_open",
    "create",
    "create_many",
    "decide",
    "decide_many",
    "erase",
    "expire_due",
    "extend",
    "forget_idempotency_keys",
    "next_deadline",
    "prune",
    "prune_due",
    "record_delivery",
    "reject",
    "release",
    "release_lapsed",
    "row_of",
    "take_over",
    "would_prune",
]
