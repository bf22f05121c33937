"""Whose rows are meant: named by every query, held for a whole request, and told to the database with each statement.

There are two walls. The managers here refuse to read an organization's rows without naming it; PostgreSQL's row-level
security (`pilots.row_security`) shows no others, whatever a query says. What the database is told is the organization
that the request acts in, else the one the query names. So a query that names another's finds nothing.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar, Token
from functools import wraps
from typing import TYPE_CHECKING, Any, Self

from django.db import models

if TYPE_CHECKING:
    from pilots.caller import Caller

# What the database is told, as its text: an organization's id, or one of these.
NOBODY = ""
EVERYBODY = "*"
# Rows that belong to no organization but to the installation itself.
INSTALLATION = "0"

_acting: ContextVar[str | None] = ContextVar("acting_in", default=None)
_speaking: ContextVar[str] = ContextVar("speaking_for", default=NOBODY)


class UnscopedQueryError(RuntimeError):
    """A query over an organization's rows was about to run without saying whose."""


class _Set[Value]:
    """Sets a context variable for the length of a block: `contextlib`'s way costs more than the block itself."""

    __slots__ = ("_token", "_value", "_variable")

    def __init__(self, variable: ContextVar[Value], value: Value) -> None:
        self._variable, self._value = variable, value

    def __enter__(self) -> None:
        self._token: Token[Value] = self._variable.set(self._value)

    def __exit__(self, *_error: object) -> None:
        self._variable.reset(self._token)


def acting_in(organization_id: int | None) -> _Set[str | None]:
    """Everything inside happens in this organization, whichever a query names; None: the installation's own log.

    For the doors, which know their caller; what they call stays inside.
    """
    return _Set(_acting, _text(organization_id))


def across() -> _Set[str | None]:
    """Everything inside sees all organizations: for migrations, the back office of superusers, and whoever says why in
    `tests/test_architecture.py`."""
    return _Set(_acting, EVERYBODY)


def speaking_for(organization_id: int | None) -> _Set[str]:
    """Statements inside are about this organization, unless the request acts in one: then about that one.

    Querysets do this by themselves; SQL written by hand needs it.
    """
    return _speaking_as(_text(organization_id))


def told() -> str:
    """What the database is to be told with the statement at hand."""
    speaking = _speaking.get()
    acting = _acting.get()
    return speaking if acting is None or speaking == EVERYBODY else acting


def _text(organization_id: int | None) -> str:
    # A number and nothing else: the text becomes part of a statement.
    return INSTALLATION if organization_id is None else str(int(organization_id))


def _speaking_as(text: str) -> _Set[str]:
    outer = _speaking.get()
    # What is done on the way, as prefetching, is done for whoever asked.
    return _Set(_speaking, outer if text == NOBODY or outer == EVERYBODY else text)


def _told(name: str) -> Callable[..., Any]:
    """Django's own method, run inside `_telling`."""
    method = getattr(models.QuerySet, name)

    @wraps(method)
    def telling(self: "_TellingQuerySet[Any]", *args: Any, **kwargs: Any) -> Any:
        with self._telling():
            return method(self, *args, **kwargs)

    return telling


class _TellingQuerySet[Row: models.Model](models.QuerySet[Row]):
    """Runs each of its statements for the organization that `_whose` gives."""

    _scope: str | None = None
    _prefetch_related_lookups: Any
    _prefetch_done: bool

    def _whose(self) -> str:
        return self._scope or NOBODY

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]
        clone._scope = self._scope
        return clone

    def _telling(self) -> _Set[str]:
        return _speaking_as(self._whose())

    def _fetch_all(self) -> None:
        if self._result_cache is None or (self._prefetch_related_lookups and not self._prefetch_done):
            with self._telling():
                super()._fetch_all()

    def iterator(self, *args: Any, **kwargs: Any) -> Iterator[Row]:
        # Not around the whole: between two rows the caller asks other things.
        whose, rows = self._whose(), super().iterator(*args, **kwargs)
        return _each(whose, rows)

    def aiterator(self, *args: Any, **kwargs: Any) -> AsyncIterator[Row]:
        whose, rows = self._whose(), super().aiterator(*args, **kwargs)
        return _aeach(whose, rows)

    if not TYPE_CHECKING:  # whose signatures are those of Django
        count = _told("count")
        exists = _told("exists")
        aggregate = _told("aggregate")
        explain = _told("explain")
        update = _told("update")
        delete = _told("delete")
        get_or_create = _told("get_or_create")
        update_or_create = _told("update_or_create")

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[Row]:
        objs = list(objs)
        with _speaking_as(_owner_of(objs)):
            return super().bulk_create(objs, *args, **kwargs)


class ScopedQuerySet[Row: models.Model](_TellingQuerySet[Row]):
    """Refuses to run until `for_caller` or `for_organization` has named the organization."""

    def for_organization(self, organization_id: int | None) -> Self:
        scoped = self.filter(organization_id=organization_id)
        scoped._scope = _text(organization_id)
        return scoped

    def for_caller(self, caller: "Caller") -> Self:
        return self.for_organization(caller.organization.pk)

    def _whose(self) -> str:
        if self._scope is None:
            raise UnscopedQueryError(f"{self.model.__name__}.objects needs for_caller(…) or for_organization(…)")
        return self._scope


class CrossingQuerySet[Row: models.Model](_TellingQuerySet[Row]):
    """Its own statements, and no others, see every organization."""

    def _whose(self) -> str:
        return EVERYBODY

    def create(self, **kwargs: Any) -> Row:
        with self._telling():
            return super().create(**kwargs)

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[Row]:
        with self._telling():
            return super().bulk_create(objs, *args, **kwargs)


class AmbientQuerySet[Row: models.Model](_TellingQuerySet[Row]):
    """For Django's own machinery: forms, the back office, reverse relations. Sees what the request acts in, and
    follows a relation where the row it starts from says whose it is."""

    _hints: dict[str, Any]

    def _whose(self) -> str:
        start = self._hints.get("instance")
        return _owner_of([start]) if isinstance(start, Walled) else NOBODY


class Walled(models.Model):
    """A row behind the walls: it has an `organization`, and None there is the installation's own.

    `ambient` stands first, for Django's own machinery uses the first manager; nothing of ours does. Code that uses
    `across_organizations` is listed, with a reason, in `tests/test_architecture.py`. A migration must give the table
    its policy: see `pilots.row_security.RowLevelSecurity`.
    """

    ambient = AmbientQuerySet.as_manager()
    across_organizations = CrossingQuerySet.as_manager()
    objects = ScopedQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        with _speaking_as(_owner_of([self])):
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with _speaking_as(_owner_of([self])):
            return super().delete(*args, **kwargs)

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        # What is in memory says whose; a row whose organization was not loaded is found by the request's alone.
        known = "organization_id" in self.__dict__
        with _speaking_as(_owner_of([self]) if known else NOBODY):
            super().refresh_from_db(*args, **kwargs)


class OrganizationOwned(Walled):
    """A row of one organization."""

    organization = models.ForeignKey("pilots.Organization", on_delete=models.CASCADE, related_name="+")

    class Meta:
        abstract = True


def _owner_of(rows: list[Any]) -> str:
    owners = {_text(row.organization_id) for row in rows}
    if len(owners) > 1:
        raise ValueError("these rows belong to several organizations; write each one's by itself")
    return owners.pop() if owners else NOBODY


def _each[Item](whose: str, rows: Iterator[Item]) -> Iterator[Item]:
    while True:
        with _speaking_as(whose):
            try:
                row = next(rows)
            except StopIteration:
                return
        yield row


async def _aeach[Item](whose: str, rows: AsyncIterator[Item]) -> AsyncIterator[Item]:
    while True:
        with _speaking_as(whose):
            try:
                row = await anext(rows)
            except StopAsyncIteration:
                return
        yield row
