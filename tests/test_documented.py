"""Whatever a client or an operator can meet is written down: a variable, a command, a code, a message, an event."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from interventions.lifecycle import EventType, Priority, Status, Type
from interventions.live import protocol
from pilots.api_keys import SCOPES

ROOT = Path(__file__).resolve().parent.parent


@cache
def documents() -> str:
    """All that a reader finds, except the decision records: those say why, not what."""
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return "\n".join(path.read_text() for path in paths)


def missing(words: set[str], where: str) -> list[str]:
    return sorted(word for word in words if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", where))


def trees(*folders: str) -> Iterator[ast.Module]:
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            if not {"tests", "migrations"} & set(path.parts):
                yield ast.parse(path.read_text())


def variables() -> set[str]:
    """The names that the settings read from the environment."""
    found = set()
    for tree in trees("chameleon"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                name, reader = node.args[0], node.func.value
                if isinstance(reader, ast.Name) and reader.id == "env" and isinstance(name, ast.Constant):
                    found.add(str(name.value))
    return found - {str(ROOT / ".env")}


def commands() -> set[str]:
    paths = [*ROOT.glob("pilots/management/commands/*.py"), *ROOT.glob("interventions/management/commands/*.py")]
    return {path.stem for path in paths if path.stem != "__init__"}


def codes() -> set[str]:
    """Every `code` a refusal can have: of its class, or given where it is raised."""
    found = set()
    for tree in trees("pilots", "interventions", "chameleon"):
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found |= {text for text in map(_code_set, node.body) if text}
            elif isinstance(node, ast.Call):
                given = [word.value for word in node.keywords if word.arg == "code"]
                found |= {
                    item.value for item in given if isinstance(item, ast.Constant) and isinstance(item.value, str)
                }
    return found - {"error"}


def _code_set(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
        names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
        return str(statement.value.value) if names == ["code"] else None
    return None


def access_events() -> set[str]:
    """The types of entries that the access log gets, as far as they are named where they are told."""
    found = set()
    for tree in trees("pilots", "interventions"):
        for node in ast.walk(tree):
            name = getattr(node.func, "attr", "") if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and name in ("record", "record_of_pilot") and node.args:
                constants = [item.value for item in ast.walk(node.args[0]) if isinstance(item, ast.Constant)]
                found |= {text for text in constants if isinstance(text, str)}
    return found


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("environment variables", variables()),
        ("commands", commands()),
        ("error codes", codes()),
        ("socket messages", set(protocol.SCHEMAS)),
        ("socket replies", {kind for kind, _ in protocol.HANDLERS.values()}),
        ("socket error codes", {code for _, code in protocol.CODES}),
        ("event types", {item.value for item in EventType}),
        ("access events", access_events()),
        ("states", {item.value for item in Status}),
        ("intervention types", {item.value for item in Type}),
        ("priorities", {item.word for item in Priority}),
        ("scopes", set(SCOPES)),
    ],
    ids=lambda value: value.replace(" ", "_") if isinstance(value, str) else "",
)
def test_is_written_down(kind: str, words: set[str]) -> None:
    assert words, f"found no {kind} in the source: this test looks in the wrong place"
    assert missing(words, documents()) == [], f"{kind} that README.md and docs/*.md do not mention"


def test_every_variable_has_a_line_in_the_example() -> None:
    assert missing(variables(), (ROOT / ".env.example").read_text()) == []


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text() if path.exists() else ""):
            if "://" not in target and not target.startswith("mailto:") and not (path.parent / target).exists():
                broken.append(f"{path.relative_to(ROOT)} → {target}")
    assert broken == []
