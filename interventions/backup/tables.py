"""Which tables are in a backup, in which order, and which are left out for what reason?"""

from functools import cache
from graphlib import TopologicalSorter
from typing import Any

from django.apps import apps
from django.db.models import Field, Model

# By label. Whatever else there is, libraries' tables too, is in it: a new model is, without anybody thinking of it.
LEFT_OUT = {
    "sessions.Session": "a sign-in that was ended since would stand again",
    "usersessions.UserSession": "it tells of sessions",
    "pilots.RefreshFamily": "a token that was revoked since would work again",
    "pilots.SignInLink": "it signs somebody in, once; it may have been used since",
    "account.EmailConfirmation": "a link that works once",
    "interventions.PushSubscription": "it is a sign-in's, and ends with it",
    "interventions.SearchEntry": "each database has its own form of it; a restore makes it anew from the requests",
}


@cache
def all_models() -> tuple[type[Model], ...]:
    """Each table's model, after those it points to."""
    models = [
        each for each in apps.get_models(include_auto_created=True) if each._meta.managed and not each._meta.proxy
    ]
    return tuple(TopologicalSorter({model: _pointed_to(model) for model in models}).static_order())


@cache
def carried() -> tuple[type[Model], ...]:
    """Those whose rows are in a backup, in the order in which they can be stored."""
    return tuple(model for model in all_models() if model._meta.label not in LEFT_OUT)


def fields_of(model: type[Model]) -> list["Field[Any, Any]"]:
    """Its columns."""
    return list(model._meta.concrete_fields)


def columns_of(model: type[Model]) -> list[str]:
    """Their names."""
    return [str(field.column) for field in fields_of(model)]


def _pointed_to(model: type[Model]) -> list[type[Model]]:
    related: list[Any] = [field.related_model for field in model._meta.concrete_fields if field.is_relation]
    # A row that points to its own table is told apart by nothing here; there is none.
    return [other for other in related if other is not model]
