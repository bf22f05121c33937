"""Lists of the back office over tables of any size: what is counted, sorted and narrowed, and never read whole."""

from collections.abc import Iterable
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from pilots import database
from pilots.access_filters import ALL_TYPES

MOST_COUNTED = 10_000
_SPANS = {"day": ("24 hours", 1), "week": ("7 days", 7), "month": ("30 days", 30), "year": ("365 days", 365)}


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than anybody turns pages: whoever seeks something older narrows the list."""

    @cached_property
    def count(self) -> int:
        return min(self._counted, MOST_COUNTED)

    @cached_property
    def is_capped(self) -> bool:
        return self._counted > MOST_COUNTED

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        found: int = rows.order_by()[: MOST_COUNTED + 1].count()
        return found


class Listed:
    """For every page of the back office: bounded lists, and a 404 for what is not there, or not for this eye."""

    paginator: Any = CappedPaginator
    # An exact count of millions of rows would be the slowest part of the page.
    show_full_result_count = False

    def _get_obj_does_not_exist_redirect(self, _request: HttpRequest, _opts: Any, _object_id: str) -> Any:
        raise Http404


class _Choice(admin.SimpleListFilter):
    """One of the values that are known beforehand; Django would ask the whole table which there are."""

    choices_known: ClassVar[Iterable[str]] = ()

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        return [(value, value.replace("_", " ")) for value in sorted(self.choices_known)]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


def one_of(column: str, values: Iterable[str]) -> type[admin.SimpleListFilter]:
    """A filter by a column that holds one of these."""
    return type("OneOf", (_Choice,), {"title": column, "parameter_name": column, "choices_known": list(values)})


class _Within(admin.SimpleListFilter):
    title = "when"
    parameter_name = "within"
    column: ClassVar[str] = "at"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        return [(name, f"The last {words}") for name, (words, _) in _SPANS.items()]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in _SPANS:
            return queryset
        _, days = _SPANS[str(self.value())]
        return queryset.filter(**{f"{self.column}__gte": database.now() - timedelta(days=days)})


def within(column: str) -> type[admin.SimpleListFilter]:
    """A filter by how long ago it was."""
    return type("Within", (_Within,), {"column": column})


ACCESS_TYPE = one_of("type", ALL_TYPES)
