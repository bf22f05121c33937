"""Gets missing programs from Debian's archive: installed where that is allowed, unpacked under .services/ elsewhere."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import interrupts
import unpack
from programs import Unavailable

PACKAGES = {
    "postgresql": ("postgresql",),
    "redis-server": ("redis-server",),
    "pgbouncer": ("pgbouncer",),
    # Playwright brings a Node of its own, and that wants libatomic.
    "chromium": ("chromium", "fonts-dejavu-core", "libatomic1"),
    "chromium-headless-shell": ("chromium-headless-shell", "fonts-dejavu-core"),
}
POLICY = Path("/usr/sbin/policy-rc.d")
NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/chameleon-tests.conf")


def get(names: list[str]) -> None:
    """Make the named programs findable, or raise Unavailable with what a person has to do."""
    if not shutil.which("apt-get"):
        raise Unavailable(_advice(names))
    try:
        if os.geteuid() == 0:
            _install(names)
        else:
            for name in names:
                _say(f"Unpacking {name} from Debian's archive under .services/ (once) ...")
                unpack.unpack(name, PACKAGES[name])
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"{' '.join(map(str, error.cmd))} failed.\n{_advice(names)}") from error


def _install(names: list[str]) -> None:
    packages = [package for name in names for package in PACKAGES[name]]
    _say(f"Installing {' '.join(packages)} ...")
    variables = dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive"}
    # dpkg that is interrupted half-way leaves the machine to be repaired by hand.
    with interrupts.held(), _without_services():
        # A source that does not answer matters only if a package is missing, which the second command tells.
        subprocess.run(["apt-get", "update", "-qq"], env=variables, capture_output=True)
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
        done = subprocess.run(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{_advice(names)}")


@contextmanager
def _without_services() -> Iterator[None]:
    """Debian starts a server on installation and makes a PostgreSQL cluster; the tests only want the programs."""
    files = {POLICY: "#!/bin/sh\nexit 101\n", NO_CLUSTER: "create_main_cluster = false\n"}
    made = [path for path in files if not path.exists()]
    try:
        for path in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path])
            path.chmod(0o755)
        yield
    finally:
        for path in made:
            path.unlink(missing_ok=True)


def _advice(names: list[str]) -> str:
    return (
        f"Missing: {', '.join(names)}. Install PostgreSQL 15 or newer, Redis 7, PgBouncer and "
        "Chromium, or set DATABASE_URL (its role must be able to create databases), REDIS_URL, PGBOUNCER and CHROMIUM."
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
