"""Runs a command with a throw-away PostgreSQL and Redis, a PgBouncer and a Chromium, and leaves nothing behind.

    python tests/services -- .venv/bin/python -m pytest
    python tests/services --embedded -- .venv/bin/python -m pytest -m embedded

The command finds DATABASE_URL, REDIS_URL, and the programs PGBOUNCER and CHROMIUM in its environment; those already set
are used as they are. Beside a CHROMIUM that was not, CHROMIUM_SHELL is its shell without windows, where there is one to
be had. With --embedded it gets the browser only, and neither of the two URLs. The exit code is the command's.
"""

import argparse
import os
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import command
import debian
import interrupts
import postgresql
import programs
import redis_server
import unpack

PROGRAMS = {
    "DATABASE_URL": "postgresql",
    "REDIS_URL": "redis-server",
    "PGBOUNCER": "pgbouncer",
    "CHROMIUM": "chromium",
}
SHELL = "chromium-headless-shell"


def main() -> int:
    options = parse(sys.argv[1:])
    interrupts.install()
    stack = ExitStack()
    try:
        code = command.run(options.command, environment(stack, embedded=options.embedded))
        return 0 if code == options.tolerate else code
    except interrupts.Stopped as stopped:
        return 128 + stopped.number
    except programs.Unavailable as reason:
        print(f"tests/services: {reason}", file=sys.stderr)
        return 1
    finally:
        interrupts.hold_for_good()
        stack.close()


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/services", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--embedded", action="store_true", help="no PostgreSQL and no Redis, only the browser")
    parser.add_argument("--tolerate", type=int, metavar="CODE", help="an exit code that is a success too")
    parser.add_argument("command", nargs="+", help="what to run, after --")
    return parser.parse_args(arguments)


def environment(stack: ExitStack, *, embedded: bool) -> dict[str, str]:
    """Start what is not given and return the environment for the command; `stack` undoes it."""
    variables = dict(os.environ)
    if embedded:
        for name in ("DATABASE_URL", "REDIS_URL"):
            variables.pop(name, None)
    missing = [name for name in (["CHROMIUM"] if embedded else PROGRAMS) if not variables.get(name)]

    paths = provide([PROGRAMS[name] for name in missing])
    if "DATABASE_URL" in missing:
        variables["DATABASE_URL"] = postgresql.start(stack, paths["postgresql"])
    if "REDIS_URL" in missing:
        variables["REDIS_URL"] = redis_server.start(stack, paths["redis-server"])
    if "PGBOUNCER" in missing:
        # Tests start it themselves, before whatever database they use.
        variables["PGBOUNCER"] = str(paths["pgbouncer"])
    if "CHROMIUM" in missing:
        variables |= {"CHROMIUM": str(paths["chromium"])} | unpack.variables(paths["chromium"])
        if shell := provide_if_possible(SHELL):
            variables.setdefault("CHROMIUM_SHELL", str(shell))
    return variables


def provide(names: list[str]) -> dict[str, Path]:
    absent = [name for name in names if not programs.find(name)]
    if absent:
        debian.get(absent)
    paths = {name: path for name in names if (path := programs.find(name))}
    if len(paths) < len(names):
        raise programs.Unavailable(f"still missing after the installation: {set(names) - set(paths)}")
    return paths


def provide_if_possible(name: str) -> Path | None:
    """What only saves time need not be there."""
    if not programs.find(name):
        with suppress(programs.Unavailable):
            debian.get([name])
    return programs.find(name)


if __name__ == "__main__":
    sys.exit(main())
