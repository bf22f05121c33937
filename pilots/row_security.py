"""The second wall: row-level security, by which PostgreSQL itself shows a statement no rows but those it was told."""

from typing import Any

from django.apps import apps
from django.db import connection
from django.db.migrations.operations.base import Operation

from pilots.statements import SETTING
from pilots.tenancy import EVERYBODY, INSTALLATION, Walled

POLICY = "organization"

# In a subselect, so that it is read once per statement and not once per row.
_TOLD = f"(SELECT current_setting('{SETTING}', true))"
_ID = f"(SELECT nullif(nullif(current_setting('{SETTING}', true), ''), '{EVERYBODY}')::bigint)"


class RowLevelSecurity(Operation):
    """Gives a model's table its policy. Every table with an `organization` needs one, in the migration that makes it.

    FORCE: it binds the table's owner too. A superuser, or a role with BYPASSRLS, passes; the doctor says so.
    """

    reversible = True
    reduces_to_sql = True

    def __init__(self, model: str) -> None:
        self.model = model

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Changes nothing that Django knows of."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            for statement in _statements(to_state.apps.get_model(app_label, self.model)):
                schema_editor.execute(statement)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            table = schema_editor.quote_name(from_state.apps.get_model(app_label, self.model)._meta.db_table)
            schema_editor.execute(f"DROP POLICY IF EXISTS {POLICY} ON {table}")
            schema_editor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY")

    def describe(self) -> str:
        return f"Row-level security for {self.model}"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.model.lower()}_row_level_security"


def _statements(model: Any) -> list[str]:
    table, field = f'"{model._meta.db_table}"', model._meta.get_field("organization")
    column = f'"{field.column}"'
    owner = f"coalesce({column}, {INSTALLATION})" if field.null else column
    condition = f"{owner} = {_ID} OR {_TOLD} = '{EVERYBODY}'"
    return [
        f"DROP POLICY IF EXISTS {POLICY} ON {table}",
        f"CREATE POLICY {POLICY} ON {table} USING ({condition}) WITH CHECK ({condition})",
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    ]


def walled_models() -> list[type[Walled]]:
    return [model for model in apps.get_models() if issubclass(model, Walled)]


def unwalled_tables() -> list[str]:
    """Tables that hold organizations' rows and whose policy is missing or does not bind their owner."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname FROM pg_class c
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
            WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
            AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
                SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = %s AND p.polcmd = '*'
                AND p.polwithcheck IS NOT NULL))
            ORDER BY c.relname
            """,
            [POLICY],
        )
        return [name for (name,) in cursor.fetchall()]


def grant_to(role: str) -> None:
    """Lets the role that the server works as read and write rows, and nothing else; asked as the tables' owner."""
    name, everything = connection.ops.quote_name(role), "IN SCHEMA public"
    with connection.cursor() as cursor:
        for statement in (
            f"GRANT USAGE ON SCHEMA public TO {name}",
            f"REVOKE ALL ON ALL TABLES {everything} FROM {name}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES {everything} TO {name}",
            # What has been migrated is the owner's business; the server only asks whether it is all.
            f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {name}",
            f"GRANT USAGE ON ALL SEQUENCES {everything} TO {name}",
        ):
            cursor.execute(statement)


def installation() -> str:
    """What tells one PostgreSQL, with its copies, from every other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
        found: str = cursor.fetchone()[0]
        return found


def role_that_passes() -> str | None:
    """The name of the role we are connected as where no policy binds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)")
        row = cursor.fetchone()
        return row[0] if row else None


def told_beforehand() -> str:
    """What a statement is told that we tell nothing: '', unless somebody set it for the role, database or server."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true)", [SETTING])
        return cursor.fetchone()[0] or ""
