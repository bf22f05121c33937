"""Lighthouse as pinned beside this file, and what of its report we look at."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PINS = Path(__file__).parent
HOME = PINS.parent.parent / ".services" / "lighthouse"
CATEGORIES = ("performance", "accessibility", "best-practices")
OLDEST_NODE = 20
# On a busy machine it now and then misses the beginning of a page load, and says so.
TRIES = 3


class Unavailable(Exception):
    """Something is missing that this program cannot get by itself."""


@dataclass(frozen=True, slots=True)
class Report:
    """Scores of 100; milliseconds; a share without unit; bytes over the network, headers included."""

    scores: dict[str, float]
    lcp: float
    cls: float
    tbt: float
    transferred: int
    # What keeps a score from being full, worst first.
    findings: list[str]


def install() -> None:
    """Put what package-lock.json names where `run` finds it; at once where it is there already."""
    if not shutil.which("npm") or not shutil.which("node"):
        raise Unavailable(
            f"Lighthouse needs Node {OLDEST_NODE} or newer with npm. "
            "Install it: 'apt-get install nodejs npm' (Debian), or from https://nodejs.org/."
        )
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S607
    if int(version.lstrip("v").partition(".")[0]) < OLDEST_NODE:
        raise Unavailable(f"Lighthouse needs Node {OLDEST_NODE} or newer, and this is {version}.")
    lock = "package-lock.json"
    done = HOME / "installed.json"
    if done.exists() and done.read_bytes() == (PINS / lock).read_bytes():
        return
    print("Installing Lighthouse (once, until its pin changes) ...", flush=True)
    HOME.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", lock):
        shutil.copy(PINS / name, HOME / name)
    # Its packages need no scripts of their own to work.
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if subprocess.run(command, cwd=HOME, check=False).returncode:  # noqa: S603
        raise Unavailable("npm could not install Lighthouse.")
    shutil.copy(PINS / lock, done)


def run(address: str, port: int, *, desktop: bool, again: bool = False) -> Report:
    """Audit the page in the Chromium that listens on `port`, as it is signed in there. `again` keeps its cache."""
    program = HOME / "node_modules" / "lighthouse" / "cli" / "index.js"
    command = ["node", str(program), address, f"--port={port}", "--output=json", "--quiet"]
    command += [f"--only-categories={','.join(CATEGORIES)}", "--enable-error-reporting=false"]
    command += ["--preset=desktop"] if desktop else []
    command += ["--disable-storage-reset"] if again else []
    for _ in range(TRIES):
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode == 0:
            return _read(json.loads(done.stdout))
    raise Unavailable(f"Lighthouse failed on {address}:\n{done.stderr[-2000:]}")


def _read(result: dict[str, Any]) -> Report:
    audits = result["audits"]
    if result.get("runtimeError"):
        raise Unavailable(f"Lighthouse: {result['runtimeError']['message']}")
    requests = audits["network-requests"]["details"]["items"]
    scores = {name: round((result["categories"][name]["score"] or 0) * 100) for name in CATEGORIES}
    return Report(
        scores=scores,
        lcp=audits["largest-contentful-paint"]["numericValue"],
        cls=audits["cumulative-layout-shift"]["numericValue"],
        tbt=audits["total-blocking-time"]["numericValue"],
        transferred=sum(int(request.get("transferSize") or 0) for request in requests),
        findings=_findings(result),
    )


def _findings(result: dict[str, Any]) -> list[str]:
    weighed = [part for name in CATEGORIES for part in result["categories"][name]["auditRefs"] if part["weight"]]
    failed = [(result["audits"][part["id"]], part) for part in weighed]
    lacking = [(audit["score"], audit["title"], audit) for audit, _ in failed if (audit["score"] or 0) < 0.98]
    lacking = [each for each in lacking if each[0] is not None]
    return [f"{title} ({score:.2f}) {_where(audit)}".rstrip() for score, title, audit in sorted(lacking, key=_score)]


def _score(each: tuple[float, str, Any]) -> float:
    return each[0]


def _where(audit: dict[str, Any]) -> str:
    """The first thing it names, to know where to look."""
    items = (audit.get("details") or {}).get("items") or []
    first = items[0] if items else {}
    node = first.get("node") or {}
    if audit.get("details", {}).get("type") == "debugdata":
        return ""
    return str(node.get("snippet") or first.get("description") or first.get("url") or "")[:160]
