"""A column for JSON that gives back exactly what was stored."""

import json
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.expressions import Expression

if TYPE_CHECKING:
    # What goes in and comes out is a JSON value, not a string; the class takes parameters for type checkers only.
    TextField = models.TextField[Any, Any]
else:
    TextField = models.TextField

type Compiled = tuple[str, list[Any] | tuple[Any, ...]]


class ExactJSONField(TextField):
    """JSON kept as its text.

    PostgreSQL's jsonb would reorder keys and write 1e300 as an integer of 301 digits: the content hash over a request
    read back would differ from the one over the request as sent.
    """

    # For type checkers: what goes in and comes out is a JSON value, not a string.
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, _expression: Expression, _connection: Any) -> Any:
        return None if value is None else json.loads(value)

    def to_python(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def value_to_string(self, obj: models.Model) -> str:
        return self.get_prep_value(self.value_from_object(obj)) or "null"


class WordsField(TextField):
    """Words in one text, with spaces between: what `search.entry` gives. PostgreSQL keeps them as a set."""

    def db_type(self, connection: Any) -> str:
        return "tsvector" if connection.vendor == "postgresql" else "text"


@ExactJSONField.register_lookup
class HasElement(models.Lookup):
    """`tags__has="refund"`: the stored list holds exactly this string."""

    lookup_name = "has"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: str | int, _connection: Any) -> tuple[str, tuple[str | int, ...]]:
        return "%s", (value,)

    def as_postgresql(self, compiler: Any, connection: Any) -> Compiled:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"jsonb_exists(({left})::jsonb, {right})", [*left_params, *right_params]

    def as_sqlite(self, compiler: Any, connection: Any) -> Compiled:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        # Both sides are SQL that the compiler wrote; the value is a parameter.
        sql = f"EXISTS (SELECT 1 FROM json_each({left}) WHERE value = {right})"  # noqa: S608
        return sql, [*left_params, *right_params]


@ExactJSONField.register_lookup
class HasAnyElement(models.Lookup):
    """`tags__has_any=("refund", "fraud")`: the stored list holds at least one of these strings."""

    lookup_name = "has_any"
    prepare_rhs = False
    rhs: Any

    def as_postgresql(self, compiler: Any, connection: Any) -> Compiled:
        left, left_params = self.process_lhs(compiler, connection)
        return f"jsonb_exists_any(({left})::jsonb, %s::text[])", [*left_params, list(self.rhs)]

    def as_sqlite(self, compiler: Any, connection: Any) -> Compiled:
        left, left_params = self.process_lhs(compiler, connection)
        # The left side is SQL that the compiler wrote; the values are one parameter.
        wanted = "SELECT value FROM json_each(%s)"
        sql = f"EXISTS (SELECT 1 FROM json_each({left}) WHERE value IN ({wanted}))"  # noqa: S608
        return sql, [*left_params, json.dumps(list(self.rhs))]


@models.CharField.register_lookup
class Among(models.Lookup):
    """`status__among={…}`: one of these constants, in words that let each database use a partial index over them.

    SQLite takes one only for a condition that stands in the query as it stands in the index, so without parameters.
    """

    lookup_name = "among"
    prepare_rhs = False
    rhs: Any

    @property
    def names(self) -> list[str]:
        return sorted(str(item) for item in self.rhs)

    def as_postgresql(self, compiler: Any, connection: Any) -> Compiled:
        left, left_params = self.process_lhs(compiler, connection)
        return f"{left} IN ({', '.join(['%s'] * len(self.names))})", [*left_params, *self.names]

    def as_sqlite(self, compiler: Any, connection: Any) -> Compiled:
        left, left_params = self.process_lhs(compiler, connection)
        if not all(name.isidentifier() for name in self.names):
            raise ValueError("only names of constants may stand in a query")
        return f"{left} IN ({', '.join(f"'{name}'" for name in self.names)})", left_params
