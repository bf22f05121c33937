"""Are the vendored files the ones that their licence notes name?"""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = [ROOT / "static" / "vendor", ROOT / "tests" / "vendor"]
# First and last cell of a row: the file and its checksum.
ROW = re.compile(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", re.MULTILINE)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_each_vendored_file_has_the_checksum_noted(folder: Path) -> None:
    noted = dict(ROW.findall((folder / "LICENSES.md").read_text()))
    present = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != "LICENSES.md"
    }
    assert present == noted
