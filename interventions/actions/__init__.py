"""The only writer: one function per verb, each a short transaction with its event."""

from interventions.actions.asking import cancel, complete
from interventions.actions.claiming import assign, claim, comment, extend, release
from interventions.actions.commanding import command, count_open
from interventions.actions.creating import Asked, IdempotencyKey, create, create_many
from interventions.actions.deciding import UNSEEN, Seen, approve, decide, reject
from interventions.actions.erasing import Erased, erase
from interventions.actions.forgetting import forget_idempotency_keys
from interventions.actions.many import Result, claim_many, decide_many
from interventions.actions.sweeping import expire_due, next_deadline, record_delivery, release_lapsed

__all__ = [
    "UNSEEN",
    "Asked",
    "Erased",
    "IdempotencyKey",
    "Result",
    "Seen",
    "approve",
    "assign",
    "cancel",
    "claim",
    "claim_many",
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
    "record_delivery",
    "reject",
    "release",
    "release_lapsed",
]
