"""Rows that belong to one organization, and the manager that refuses to read them without naming it."""

from typing import TYPE_CHECKING, Any, Self

from django.db import models

if TYPE_CHECKING:
    from pilots.caller import Caller


class UnscopedQueryError(RuntimeError):
    """A query over an organization's rows was about to run without saying whose."""


class ScopedQuerySet[Row: models.Model](models.QuerySet[Row]):
    """Refuses to run until `for_caller` or `for_organization` has named the organization."""

    _scoped = False

    def for_organization(self, organization_id: int) -> Self:
        scoped = self.filter(organization_id=organization_id)
        scoped._scoped = True
        return scoped

    def for_caller(self, caller: "Caller") -> Self:
        return self.for_organization(caller.organization.pk)

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]
        clone._scoped = self._scoped
        return clone

    def _require_scope(self) -> None:
        if not self._scoped:
            raise UnscopedQueryError(f"{self.model.__name__}.objects needs for_caller(…) or for_organization(…)")

    def _fetch_all(self) -> None:
        if self._result_cache is None:
            self._require_scope()
        super()._fetch_all()

    def iterator(self, *args: Any, **kwargs: Any) -> Any:
        self._require_scope()
        return super().iterator(*args, **kwargs)

    def aiterator(self, *args: Any, **kwargs: Any) -> Any:
        self._require_scope()
        return super().aiterator(*args, **kwargs)

    def count(self) -> int:
        self._require_scope()
        return super().count()

    def exists(self) -> bool:
        self._require_scope()
        return super().exists()

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self._require_scope()
        return super().aggregate(*args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        self._require_scope()
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        self._require_scope()
        return super().delete()


class OrganizationOwned(models.Model):
    """A row of one organization.

    `across_organizations` stands first: Django's own machinery (admin, reverse relations, validation) uses the first
    manager. Code of ours that uses it is listed, with a reason, in `tests/test_architecture.py`.
    """

    organization = models.ForeignKey("pilots.Organization", on_delete=models.CASCADE, related_name="+")

    across_organizations = models.Manager()
    objects = ScopedQuerySet.as_manager()

    class Meta:
        abstract = True
