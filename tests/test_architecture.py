"""The house rules that no linter knows, each read from the source itself. docs/architecture.md says why they hold."""

import ast
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("chameleon", "interventions", "pilots")

# (rank, door, modules): imports go down. A module takes the first line that fits it; modules of one door may import
# each other, two doors may not.
LAYERS: list[tuple[int, str, tuple[str, ...]]] = [
    (9, "wiring", ("chameleon.*", "interventions.apps", "pilots.apps")),
    (8, "commands", ("interventions.management.*", "pilots.management.*")),
    (7, "worker", ("interventions.worker", "interventions.servers")),
    (7, "demonstration", ("interventions.demo", "interventions.trial", "interventions.simulation.*")),
    (7, "validation", ("interventions.validation.*",)),
    (8, "admin", ("interventions.admin", "pilots.admin", "pilots.admin_*", "pilots.back_office")),
    (8, "pages", ("interventions.views.*", "interventions.urls", "interventions.templatetags.*")),
    (8, "api", ("interventions.api.*",)),
    (
        7,
        "listeners",
        tuple(f"interventions.live.{name}" for name in ("hub", "feed", "broadcast", "layer", "news", "database")),
    ),
    (7, "listeners", ("interventions.insight.*", "interventions.delivery.*")),
    (7, "store", ("interventions.store.*", "interventions.phase2.*")),
    (8, "sockets", ("interventions.live.*",)),
    (6, "", ("interventions.related",)),
    (6, "", ("interventions.history", "interventions.history_filters", "interventions.history_export")),
    (
        6,
        "",
        tuple(f"interventions.{name}" for name in ("fragments", "figures", "facets", "lanes", "listing", "keymap")),
    ),
    (5, "", ("interventions.actions.*", "interventions.events", "interventions.inserting", "interventions.tallies")),
    (5, "", ("interventions.entering",)),
    (
        5,
        "",
        (
            "interventions.exporting",
            "interventions.invariants",
            "interventions.audits",
            "interventions.retelling",
            "interventions.diagnosis",
            "interventions.archive_file",
            "interventions.backup.*",
        ),
    ),
    (4, "", ("interventions.models", "interventions.queries", "interventions.fields", "interventions.wire")),
    (4, "", ("interventions.search_index",)),
    (
        3,
        "",
        tuple(f"interventions.{name}" for name in ("lifecycle", "policy", "answers", "content", "errors", "cursors")),
    ),
    (3, "", ("interventions.limits", "interventions.canned", "interventions.similar", "interventions.lost_claims")),
    (3, "", ("interventions.spelling", "interventions.trust", "interventions.likeness", "interventions.search")),
    (3, "", ("interventions.retention",)),
    (2, "people's pages", ("pilots.views", "pilots.urls", "pilots.api")),
    (2, "people's pages", ("pilots.sign_in.account_adapter", "pilots.sign_in.forms")),
    (2, "people's pages", ("pilots.sign_in.account_pages", "pilots.sign_in.account_urls", "pilots.checks")),
    (2, "people's pages", ("pilots.templatetags.*",)),
    (1, "", ("pilots.operations", "pilots.authentication", "pilots.sign_in.password", "pilots.profile")),
    (0, "", ("pilots.*",)),
]
PURE = (
    "interventions.lifecycle",
    "interventions.policy",
    "interventions.limits",
    "interventions.answers",
    "interventions.content",
    "interventions.canned",
    "interventions.likeness",
    "interventions.lost_claims",
    "interventions.retention",
    "interventions.search",
    "interventions.similar",
    "interventions.spelling",
    "interventions.trust",
)

# Who may use what: module patterns by the package used.
OUTSIDE: dict[str, tuple[str, ...]] = {
    "channels": ("interventions.live.*", "chameleon.*"),
    "channels_redis": ("chameleon.*",),
    "daphne": ("chameleon.*", "interventions.management.commands.runserver"),
    # Whoever else called out by itself would go round the checks there.
    "httpcore": ("interventions.delivery.targets",),
    "httpx": (
        "interventions.delivery.targets",
        "interventions.simulation.*",
        "interventions.trial",
        "interventions.validation.*",
    ),
    "websockets": ("interventions.validation.*",),
    "rest_framework": (
        "interventions.api.*",
        "pilots.api",
        "pilots.operations",
        "pilots.authentication",
        "chameleon.*",
    ),
    "drf_spectacular": ("interventions.api.*", "pilots.api", "pilots.operations", "chameleon.*"),
    "django.http": (
        "interventions.admin",
        "pilots.admin",
        "pilots.admin_*",
        "pilots.back_office",
        "pilots.templatetags.*",
        "interventions.views.*",
        "interventions.api.*",
        "interventions.live.credentials",
        "pilots.tokens",
        "pilots.views",
        "pilots.api",
        "pilots.operations",
        "pilots.authentication",
        "pilots.sign_in.*",
        "pilots.addresses",
        "pilots.parameters",
        "pilots.bodies",
        "chameleon.*",
    ),
    "django.shortcuts": (
        "interventions.admin",
        "interventions.views.*",
        "pilots.views",
        "pilots.sign_in.*",
        "pilots.back_office",
    ),
    "django.contrib.messages": (
        "interventions.views.*",
        "pilots.views",
        "pilots.admin*",
        "pilots.back_office",
        "pilots.sign_in.*",
    ),
    "django.template": (
        "chameleon.offline",
        "chameleon.problems",
        "pilots.admin_keys",
        "pilots.templatetags.*",
        "interventions.fragments",
        "interventions.delivery.mail",
        "interventions.templatetags.*",
        "interventions.views.*",
    ),
}

# Everything that reads or writes beyond one organization, with the reason.
BEYOND_ONE_ORGANIZATION = {
    "pilots/tenancy.py": "declares the manager",
    "pilots/management/commands/migrate.py": "data migrations change everybody's rows",
    "pilots/back_office.py": "superusers stand above organizations",
    "interventions/actions/sweeping.py": "finds the organizations in which something is due",
    "interventions/actions/forgetting.py": "forgets what is old, whoever it belongs to",
    "interventions/delivery/outbox.py": "finds the organizations in which something has happened",
    "interventions/delivery/ledger.py": "finds the organizations in which a notice is due, and forgets old ones",
    "interventions/insight/report.py": "the superuser's totals of all organizations",
    "chameleon/prometheus.py": "the installation's own figures, summed over all organizations",
    "interventions/diagnosis.py": "the doctor looks at the whole installation",
    "interventions/backup/making.py": "a backup is of everybody",
    "interventions/backup/restoring.py": "so is what is put back",
    "interventions/live/news.py": "a process compares the heads of all logs it follows in one query",
    "interventions/live/standing.py": "re-checks the credentials of all open sockets in one query",
    "interventions/delivery/devices.py": "a sign-in that ends takes its device along, for whatever organization",
    "pilots/access_log.py": "a sign-in is told to each organization of the pilot",
    "pilots/actions.py": "ends a pilot's sign-ins everywhere",
    "pilots/api_keys.py": "a key is what tells the organization",
    "pilots/erasing.py": "a person is forgotten everywhere",
    "pilots/invitations.py": "an invitation is what tells the organization",
    "pilots/memberships.py": "asks in which organizations a pilot is",
    "pilots/models.py": "declares that of memberships, which shows those that stand",
    "pilots/sign_in/sessions.py": "a session is a person's; it ends with its tokens, wherever they are for",
    "pilots/tokens.py": "a token is what tells the organization",
}
# Everything that sees deactivated members too, with the reason: to whatever does not, they are not there.
WITH_DEACTIVATED_MEMBERS = {
    "pilots/models.py": "declares it",
    "pilots/actions.py": "joining makes no second place, and removing ends any",
    "pilots/deactivating.py": "reactivates",
    "pilots/memberships.py": "tells a pilot where they are not let in",
    "pilots/erasing.py": "nothing of a person stays",
    "interventions/actions/erasing.py": "nothing of a person stays",
    "interventions/exporting.py": "an export is whole",
    "interventions/views/team/members.py": "admins see them, and let them in again",
}
# Who says in which organization everything happens from there on, whatever a query names; with the reason.
ACTING = {
    "pilots/tenancy.py": "declares it",
    "pilots/operations.py": "the API, once it knows its caller",
    "pilots/back_office.py": "the back office of staff below superusers",
    "pilots/access_log.py": "what is told of a person is told to each of their organizations",
    "interventions/views/door.py": "pages",
    "interventions/api/waiting.py": "long polls",
    "interventions/live/database.py": "sockets, and what is sent to a page step by step",
    "interventions/actions/pruning.py": "the worker, organization by organization",
    "interventions/actions/sweeping.py": "the worker, organization by organization",
    "interventions/delivery/outbox.py": "the worker, organization by organization",
    "interventions/delivery/sending.py": "the worker, organization by organization",
}
# Where rows are written, besides interventions/actions.
WRITERS = {
    "interventions/events.py": "the log and its head",
    "interventions/entering.py": "the index of words",
    "interventions/backup/aftermath.py": "what must not be as it was after a restore",
    "interventions/delivery/outbox.py": "notices, which are no part of the record",
    "interventions/delivery/ledger.py": "what became of them",
    "interventions/delivery/devices.py": "what pilots are notified on",
    "interventions/delivery/hooks.py": "where an organization's chat is told",
}
IMPORTS_INSIDE_FUNCTIONS = {
    "interventions/apps.py": "models can be imported only once the apps are ready",
}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "core", "tools"}


class Module:
    def __init__(self, path: Path) -> None:
        self.path = path.relative_to(ROOT).as_posix()
        parts = list(path.relative_to(ROOT).with_suffix("").parts)
        self.name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        self.text = path.read_text()
        self.tree = ast.parse(self.text)

    def __repr__(self) -> str:
        return self.path

    def fits(self, *patterns: str) -> bool:
        return any(fnmatchcase(self.name, pattern) or pattern == f"{self.name}.*" for pattern in patterns)

    def imports(self) -> Iterator[str]:
        """Every module named in an import, also those inside functions; `from a import b` counts as a and as a.b.

        What only the type checker imports binds nothing.
        """
        for node in _walk_what_runs(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)

    def calls(self) -> Iterator[ast.Call]:
        yield from (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        yield from (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _walk_what_runs(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from _walk_what_runs(node)


@cache
def modules() -> dict[str, Module]:
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    ours = [path for path in paths if not {"tests", "migrations"} & set(path.relative_to(ROOT).parts)]
    found = [Module(path) for path in sorted(ours)]
    return {module.name: module for module in found if module.text}


def layer_of(module: Module) -> tuple[int, str]:
    for rank, door, patterns in LAYERS:
        if module.fits(*patterns):
            return rank, door
    pytest.fail(f"{module} has no place in the table of this test; give it one")


def used(module: Module) -> Iterator[Module]:
    """The modules of ours that this one imports."""
    for name in set(module.imports()):
        if name in modules() and name != module.name:
            yield modules()[name]


def method_called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def name_called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def named(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.FunctionDef):
        return node.name
    return node.id if isinstance(node, ast.Name) else ""


def test_every_module_has_a_place() -> None:
    assert {layer_of(module)[0] for module in modules().values()} == set(range(10))


def test_every_line_of_the_table_still_means_something() -> None:
    planned = {"interventions.admin", "pilots.admin"}
    patterns = {pattern for _, _, patterns in LAYERS for pattern in patterns} - planned
    assert {pattern for pattern in patterns if not any(module.fits(pattern) for module in modules().values())} == set()


def test_imports_go_down() -> None:
    upward = [
        f"{module} imports {other}"
        for module in modules().values()
        for other in used(module)
        if layer_of(other)[0] > layer_of(module)[0]
    ]
    assert upward == []


def test_doors_do_not_import_doors() -> None:
    across = []
    for module in modules().values():
        rank, door = layer_of(module)
        for other in used(module):
            other_rank, other_door = layer_of(other)
            if rank == other_rank == 8 and door != other_door:
                across.append(f"{module} ({door}) imports {other} ({other_door})")
    assert across == []


def test_who_knows_nothing_of_what_and_nobody_knows_the_wiring() -> None:
    wrong = [
        f"{module} imports {other}"
        for module in modules().values()
        for other in used(module)
        if (module.name.startswith("pilots.") and other.name.startswith("interventions"))
        or (other.name.startswith("chameleon.") and not module.name.startswith("chameleon"))
    ]
    assert wrong == []


def test_the_rules_are_pure() -> None:
    touching = [
        f"{modules()[name]} imports {imported}"
        for name in PURE
        for imported in modules()[name].imports()
        if imported.startswith("django")
        or (imported == "interventions.models" and "TYPE_CHECKING" not in modules()[name].text)
    ]
    assert touching == []


@pytest.mark.parametrize("package", OUTSIDE)
def test_a_package_from_outside_is_used_only_where_it_belongs(package: str) -> None:
    strays = {
        module.path
        for module in modules().values()
        for imported in module.imports()
        if (imported == package or imported.startswith(f"{package}.")) and not module.fits(*OUTSIDE[package])
    }
    assert strays == set()


def writes_rows(call: ast.Call) -> bool:
    """A call that reads like the ORM's writing, or runs statements of our own; `update` and `delete` of dicts and sets
    take positional arguments."""
    if ast.unparse(call.func) == "database.run":
        return True
    method = method_called(call)
    if method in ("update", "delete"):
        return not call.args
    if method in ("create", "get_or_create", "update_or_create"):
        return not call.args and isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Attribute)
    return method in ("save", "bulk_create", "bulk_update")


def test_interventions_are_written_by_the_actions_only() -> None:
    writing = {
        module.path
        for module in modules().values()
        if module.name.startswith("interventions") and not module.fits("interventions.actions.*")
        for call in module.calls()
        if writes_rows(call)
    }
    assert writing == set(WRITERS)


def test_a_status_is_set_by_the_actions_only() -> None:
    def sets_status(node: ast.AST) -> bool:
        targets = node.targets if isinstance(node, ast.Assign) else []
        return any(isinstance(target, ast.Attribute) and target.attr == "status" for target in targets)

    setting = {
        module.path
        for module in modules().values()
        if module.name.startswith("interventions") and not module.fits("interventions.actions.*")
        for node in ast.walk(module.tree)
        if sets_status(node)
    }
    assert setting == set()


@pytest.mark.parametrize(
    ("what", "found", "home"),
    [
        ("an event is made", lambda call: name_called(call) == "Event", {"interventions/events.py"}),
        ("the layer is told", lambda call: method_called(call) == "group_send", {"interventions/live/broadcast.py"}),
    ],
)
def test_has_one_home(what: str, found: Callable[[ast.Call], bool], home: set[str]) -> None:
    assert {module.path for module in modules().values() if any(map(found, module.calls()))} == home, what


def test_beyond_one_organization_goes_only_who_has_a_reason() -> None:
    going = {
        module.path
        for module in modules().values()
        for node in ast.walk(module.tree)
        if named(node) in ("across_organizations", "across")
    }
    assert going == set(BEYOND_ONE_ORGANIZATION)


def test_whoever_was_deactivated_is_seen_only_where_there_is_a_reason() -> None:
    seeing = {
        module.path
        for module in modules().values()
        for node in ast.walk(module.tree)
        if named(node) == "and_deactivated"
    }
    assert seeing == set(WITH_DEACTIVATED_MEMBERS)


def test_only_doors_say_in_which_organization_things_happen() -> None:
    saying = {
        module.path for module in modules().values() for node in ast.walk(module.tree) if named(node) == "acting_in"
    }
    assert saying == set(ACTING)


def test_no_statement_goes_round_what_tells_it_whose_rows_it_may_touch() -> None:
    """`copy`, `stream` and `callproc` reach the database past Django's wrappers."""
    going = {
        module.path
        for module in modules().values()
        for call in module.calls()
        if method_called(call) in ("copy", "stream", "callproc") and "cursor" in ast.unparse(call.func)
    }
    assert going == set()


def test_the_manager_of_djangos_own_machinery_is_left_to_it() -> None:
    using = {module.path for module in modules().values() for node in ast.walk(module.tree) if named(node) == "ambient"}
    assert using == {"pilots/tenancy.py", "pilots/models.py", "interventions/models.py"}


def test_imports_stand_at_the_top() -> None:
    inside = {
        module.path
        for module in modules().values()
        for function in module.functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert inside == set(IMPORTS_INSIDE_FUNCTIONS)


def test_imports_are_absolute() -> None:
    relative = {
        module.path
        for module in modules().values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    }
    assert relative == set()


def test_every_module_says_in_one_line_what_question_it_answers() -> None:
    silent = {module.path for module in modules().values() if not ast.get_docstring(module.tree)}
    assert silent == set()


def test_no_module_is_a_drawer_for_everything() -> None:
    assert {name for name in modules() if name.rpartition(".")[2] in FORBIDDEN_NAMES} == set()


def test_files_and_functions_stay_readable() -> None:
    long_files = {module.path for module in modules().values() if module.text.count("\n") > 350}
    long_functions = {
        f"{module.path}: {function.name}"
        for module in modules().values()
        for function in module.functions()
        if (function.end_lineno or 0) - function.lineno >= 50
    }
    assert long_files | long_functions == set()
