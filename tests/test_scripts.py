"""The console's scripts: fetched at once, found where they are imported from, and pointing one way where it matters."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "static" / "js"
IMPORT = re.compile(r'(?:from |import )"(\./|\.\./)([^"]+)"')


def imports(script: Path) -> set[Path]:
    return {(script.parent / up / name).resolve() for up, name in IMPORT.findall(script.read_text())}


def reached_from(script: Path) -> set[Path]:
    found, waiting = {script}, [script]
    while waiting:
        for other in imports(waiting.pop()) - found:
            found.add(other)
            waiting.append(other)
    return found


def test_every_import_is_there() -> None:
    missing = [(script, other) for script in SCRIPTS.rglob("*.js") for other in imports(script) if not other.is_file()]
    assert missing == []


def test_the_frame_asks_at_once_for_all_that_the_console_imports() -> None:
    frame = (ROOT / "templates" / "frame.html").read_text()
    asked = set(re.findall(r'modulepreload"\s+fetchpriority="low"\s+href="{% static \'js/([^\']+)\'', frame))
    entry = SCRIPTS / "console.js"
    assert asked == {path.relative_to(SCRIPTS).as_posix() for path in reached_from(entry) - {entry}}


def test_what_every_part_uses_uses_no_part() -> None:
    outside = [(script, other) for script in (SCRIPTS / "page").iterdir() for other in imports(script)]
    assert [pair for pair in outside if pair[1].parent != SCRIPTS / "page"] == []


def test_no_script_is_left_over() -> None:
    naming = [*(ROOT / "templates").rglob("*.html"), ROOT / "chameleon" / "offline.py"]
    named = "".join(path.read_text() for path in naming)
    entries = [script for script in SCRIPTS.rglob("*.js") if f"js/{script.relative_to(SCRIPTS).as_posix()}" in named]
    used = set().union(*(reached_from(script) for script in entries))
    assert set(SCRIPTS.rglob("*.js")) - used == set()
