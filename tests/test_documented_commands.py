"""Every command and every variable of the environment has its place in docs/operations.md."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "operations.md").read_text()
COMMANDS = [
    path.stem
    for path in ROOT.glob("*/management/commands/*.py")
    if path.stem != "__init__" and path.relative_to(ROOT).parts[0] in ("pilots", "interventions")
]
VARIABLES = re.findall(r'env\.\w+\(\s*"(\w+)"', (ROOT / "chameleon" / "settings.py").read_text())

pytestmark = pytest.mark.embedded


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_its_heading(command: str) -> None:
    assert f"\n### {command}\n" in TEXT


@pytest.mark.parametrize("variable", sorted(set(VARIABLES)))
def test_every_variable_has_its_row(variable: str) -> None:
    assert f"\n| `{variable}` |" in TEXT


def test_what_is_read_is_found() -> None:
    assert len(COMMANDS) > 10
    assert {"DEBUG", "SECRET_KEY", "DATABASE_URL"} <= set(VARIABLES)
