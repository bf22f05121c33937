"""Runs the command itself, and hands signals on to it."""

import os
import signal
import subprocess
import sys

import interrupts

PATIENCE = 20  # seconds: test runners tear their own servers down first


def run(arguments: list[str], environment: dict[str, str]) -> int:
    """Run to the end and return the exit code, as a shell would give it."""
    with interrupts.held():
        try:
            process = subprocess.Popen(arguments, env=environment)
        except OSError as error:
            print(f"tests/services: cannot run {arguments[0]}: {error.strerror}", file=sys.stderr)
            return 127
    try:
        code = process.wait()
    except interrupts.Stopped as stopped:
        interrupts.hold_for_good()
        _end(process, stopped.number)
        raise
    return code if code >= 0 else 128 - code


def _end(process: subprocess.Popen[bytes], number: int) -> None:
    if not (number == signal.SIGINT and _typed_at_this_terminal()):
        process.send_signal(number)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _typed_at_this_terminal() -> bool:
    """A terminal sends Ctrl-C to the whole group: a second one would make pytest skip its tear-down."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
