"""Where the servers and the browser are: on this machine, or unpacked earlier under .services/."""

import shutil
from pathlib import Path

OLDEST_POSTGRESQL = 15
# One folder per program, each with the libraries that the machine lacks; see unpack.py.
TREES = Path(__file__).resolve().parents[2] / ".services" / "debian"

NAMES = {
    "postgresql": ("postgres",),
    "redis-server": ("redis-server", "valkey-server"),
    "pgbouncer": ("pgbouncer",),
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "chromium-headless-shell": ("chromium-headless-shell",),
}


class Unavailable(Exception):
    """Something is missing that this program cannot get by itself."""


def find(name: str) -> Path | None:
    """Return the program's path; what belongs to it, as initdb to postgres, lies in the same folder."""
    candidates = _postgresql() if name == "postgresql" else [_which(each) for each in NAMES[name]]
    candidates += [str(TREES / name / "start" / NAMES[name][0])]
    return next((Path(path) for path in candidates if path and shutil.which(path)), None)


def _which(program: str) -> str | None:
    # Not everybody has the folder of servers in their PATH.
    return shutil.which(program) or shutil.which(program, path="/usr/sbin")


def _postgresql() -> list[str | None]:
    # Debian keeps the server off PATH, in a folder per version.
    versions = [
        (float(folder.parent.name), str(folder / "postgres"))
        for folder in Path("/usr/lib/postgresql").glob("[0-9]*/bin")
        if float(folder.parent.name) >= OLDEST_POSTGRESQL
    ]
    return [path for _, path in sorted(versions, reverse=True)] + [shutil.which("postgres")]
