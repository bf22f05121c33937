"""Unpacks Debian packages under .services/ for a user who may not install them, with what they depend on."""

import os
import shutil
import subprocess
from pathlib import Path

from programs import TREES

# Where each program's executables are inside its tree, and which of them are started.
EXECUTABLES = {
    "postgresql": ("usr/lib/postgresql/*/bin", ("postgres", "initdb", "psql")),
    "redis-server": ("usr/bin", ("redis-server",)),
    "pgbouncer": ("usr/sbin", ("pgbouncer",)),
    "chromium": ("usr/lib/chromium", ("chromium",)),
    "chromium-headless-shell": ("usr/lib/chromium", ("chromium-headless-shell",)),
}
# The C library fits only the loader it came with, and that one is the machine's.
NEVER = ("libc6_", "libc-bin_")

START = """\
#!/bin/sh
tree=$(dirname "$(dirname "$(readlink -f "$0")")")
LD_LIBRARY_PATH={libraries}
FONTCONFIG_FILE=$tree/start/fonts.conf
export LD_LIBRARY_PATH FONTCONFIG_FILE
exec "$tree/{executable}" "$@"
"""
FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">../usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""


def unpack(name: str, packages: tuple[str, ...]) -> None:
    """Leave the tree whole or not at all: what is found there is trusted to be complete."""
    tree, partial = TREES / name, TREES / f"{name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for archive in _download(partial, packages):
        if not archive.name.startswith(NEVER):
            subprocess.run(["dpkg-deb", "--extract", archive, partial], check=True)
    shutil.rmtree(partial / "apt")
    _write_starters(name, partial)
    _set_apart(partial, "libatomic.so*")
    shutil.rmtree(tree, ignore_errors=True)
    partial.rename(tree)


def variables(program: Path) -> dict[str, str]:
    """What a command must have in its environment to use `program` through Playwright."""
    if not program.is_relative_to(TREES):
        return {}
    folders = [str(program.parents[1] / "apart"), os.environ.get("LD_LIBRARY_PATH")]
    return {"LD_LIBRARY_PATH": ":".join(folder for folder in folders if folder)}


def _download(partial: Path, packages: tuple[str, ...]) -> list[Path]:
    """Let apt itself resolve, fetch and verify, with every folder that it writes to made private."""
    state, cache = TREES / "apt", partial / "apt"
    for folder in (state / "lists" / "partial", cache / "archives" / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    apt = ["apt-get", "-qq", "-o", f"Dir::State={state}", "-o", f"Dir::Cache={cache}", "-o", "Debug::NoLocking=1"]
    # What is installed already need not be fetched again.
    apt += ["-o", "Dir::State::status=/var/lib/dpkg/status"]
    subprocess.run([*apt, "update"], stdout=subprocess.DEVNULL)
    subprocess.run(
        [*apt, "install", "--yes", "--no-install-recommends", "--download-only", *packages],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return sorted((cache / "archives").glob("*.deb"))


def _write_starters(name: str, tree: Path) -> None:
    pattern, executables = EXECUTABLES[name]
    folder = max(tree.glob(pattern)).relative_to(tree)
    libraries = ":".join(f"$tree/{path.relative_to(tree)}" for path in _library_folders(tree))
    start = tree / "start"
    start.mkdir()
    (start / "fonts.conf").write_text(FONTS.format(cache=TREES / name / "font-cache"))
    for executable in executables:
        script = start / executable
        script.write_text(START.format(libraries=libraries, executable=folder / executable))
        script.chmod(0o755)


def _set_apart(tree: Path, pattern: str) -> None:
    """For programs that are not from the tree: all of its libraries at once might be newer than they can stand."""
    (tree / "apart").mkdir()
    for folder in _library_folders(tree):
        for library in folder.glob(pattern):
            shutil.copy(library, tree / "apart")


def _library_folders(tree: Path) -> list[Path]:
    """The usual two, and their subfolders: packages that rely on Debian's alternatives hide libraries there."""
    usual = [path for base in ("lib", "usr/lib") for path in (tree / base).glob("*-linux-*")]
    below = {library.parent for path in usual for library in path.glob("*/lib*.so*")}
    return usual + sorted(below)
