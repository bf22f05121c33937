"""What a validation has found, as one document for programs and as a page for people; and whether it passes."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from interventions.validation.histogram import ERROR
from interventions.validation.plan import Plan
from interventions.validation.record import EXPIRY, STEPS, Record, Step
from interventions.validation.watch import Watch

type Document = dict[str, Any]


def document(plan: Plan, record: Record, watch: Watch, **facts: Any) -> Document:
    """Everything, as JSON has it: seconds and shares. `facts` tell of the run: `state`, `organization`, `seconds`, …"""
    told: Document = dict(facts) | {"urls": list(plan.urls), "planned_seconds": plan.seconds, "interval": plan.interval}
    told["probes"] = record.probes
    told["steps"] = {name: _figures(step) for name, step in record.steps.items()}
    told["availability"] = _availability(plan, record)
    told["p95_target"], told["expiry_target"] = plan.p95, plan.expiry
    told["error_of_times"] = round(ERROR, 4)
    told["looks"] = {
        url: {"asked": asked, "unhealthy": unhealthy, "unready": unready}
        for url, (asked, unhealthy, unready) in record.looks.items()
    }
    told["invariants"] = {
        "looks": watch.looks,
        "entries": watch.entries,
        "whole": watch.is_whole,
        "findings": watch.count,
        "examples": list(watch.findings),
    }
    told["broken"] = {"count": record.broken_count, "examples": list(record.broken)}
    told["failures"] = [asdict(failure) for failure in record.failures]
    told["failed_because"] = list(_reasons(told))
    told["passed"] = told["state"] == "finished" and not told["failed_because"]
    return told


def write(plan: Plan, told: Document) -> None:
    """Both files, each whole at any moment. Raises OSError."""
    _replace(plan.document, json.dumps(told, indent=2) + "\n")
    _replace(plan.report, page(told))


def page(told: Document) -> str:
    """The report as Markdown."""
    return "\n".join([*_head(told), *_table(told), *_rest(told)]) + "\n"


def _replace(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    os.replace(new, path)


def _figures(step: Step) -> dict[str, Any]:
    times = {f"p{percent}": step.times.quantile(percent / 100) for percent in (50, 95, 99)}
    return {"done": step.done, "repeated": step.repeated, "failed": step.failed} | times | {"max": step.times.most}


def _availability(plan: Plan, record: Record) -> dict[str, Any]:
    done = sum(step.done for step in record.steps.values())
    failed = sum(step.failed for step in record.steps.values())
    repeated = sum(step.repeated for step in record.steps.values())
    allowed = done * (1 - plan.target)
    return {
        "target": plan.target,
        "operations": done,
        "at_once": 1 - repeated / done if done else None,
        "after_repetition": 1 - failed / done if done else None,
        "failed": failed,
        "budget": {
            "operations": allowed,
            "spent": failed / allowed if allowed else 0.0,
            "seconds": plan.seconds * (1 - plan.target),
        },
    }


def _reasons(told: Document) -> Iterator[str]:
    """Why it does not pass."""
    available = told["availability"]
    if not available["operations"]:
        yield "nothing was probed"
    elif available["after_repetition"] < available["target"]:
        yield (
            f"availability {_percent(available['after_repetition'])} is below {_percent(available['target'])}: "
            f"{available['failed']} of {available['operations']} operations failed"
        )
    for name in STEPS:
        p95 = told["steps"][name]["p95"]
        if p95 is not None and p95 > told["p95_target"]:
            yield f"p95 of {name}, {_milliseconds(p95)}, is above {_milliseconds(told['p95_target'])}"
    late = told["steps"][EXPIRY]["p95"]
    if late is not None and late > told["expiry_target"]:
        yield f"of 100 expiries 95 are marked within {late:.2f} s, and not within {told['expiry_target']:g} s"
    if told["invariants"]["findings"]:
        yield f"{told['invariants']['findings']} findings in what is stored"
    if told["broken"]["count"]:
        yield f"{told['broken']['count']} answers contradict what was acknowledged"
    if told["state"] == "finished" and not told["invariants"]["whole"]:
        yield "what is stored could not be checked at the end"


def _head(told: Document) -> Iterator[str]:
    verdict = "**passed**" if told["passed"] else "still running" if told["state"] == "running" else "**not passed**"
    yield f"# Validation of {', '.join(told['urls'])}"
    yield ""
    yield (
        f"{verdict}: {told['state']} after {_duration(told['seconds'])} of {_duration(told['planned_seconds'])}, "
        f"begun {told['begun']}, a probe every {told['interval']:g} s in the organization {told['organization']}."
    )
    yield ""
    yield from (f"- {reason}" for reason in told["failed_because"])
    if told["failed_because"]:
        yield ""
    available = told["availability"]
    if available["operations"]:
        budget = available["budget"]
        yield (
            f"Availability **{_percent(available['after_repetition'])}** after repetition, "
            f"{_percent(available['at_once'])} at once; promised {_percent(available['target'])}. "
            f"Of the error budget, {budget['operations']:.1f} of {available['operations']} operations "
            f"(as much as {budget['seconds']:.1f} s), {available['failed']} failed: {budget['spent']:.0%} is spent."
        )
        yield ""


def _table(told: Document) -> Iterator[str]:
    yield "| step | what is timed | done | repeated | failed | p50 | p95 | p99 | most |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, step in told["steps"].items():
        what = STEPS.get(name, "a request runs out → marked, by the database's clock")
        times = " | ".join(_milliseconds(step[key]) for key in ("p50", "p95", "p99", "max"))
        yield f"| {name} | {what} | {step['done']} | {step['repeated']} | {step['failed']} | {times} |"
    yield ""
    yield (
        f"Times are off by {told['error_of_times']:.1%} at most, `most` by nothing; they hold a step's repetitions. "
        "Repeated: not answered at the first try, or heard over a socket that had come back meanwhile."
    )
    yield ""


def _rest(told: Document) -> Iterator[str]:
    held = told["invariants"]
    checked = "all of it at the end" if held["whole"] else "the whole not (yet) checked"
    found = f"{held['findings']} findings in {held['looks']} looks at {held['entries']} new entries"
    yield f"What is stored: {found}; {checked}."
    yield from (f"- {finding}" for finding in held["examples"])
    yield ""
    yield f"Answers that contradict what was acknowledged: {told['broken']['count']}."
    yield from (f"- {text}" for text in told["broken"]["examples"])
    yield ""
    for url, looks in told["looks"].items():
        yield f"- {url}: asked {looks['asked']} ×, {looks['unhealthy']} × not healthy, {looks['unready']} × not ready"
    for note in told.get("notes", []):
        yield f"- {note}"
    if told["failures"]:
        yield from ("", "The last failures:", "")
        yield from (f"- {each['at']} {each['step']}: {each['problem']}" for each in told["failures"])


def _percent(share: float) -> str:
    return f"{share * 100:.3f} %"


def _milliseconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:.0f} ms"


def _duration(seconds: float) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
