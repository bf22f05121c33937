"""Verifies an export of `manage.py export_org` without Chameleon: python examples/verify_export.py acme.jsonl

Needs `pip install rfc8785`. Prints what it verified; exits with 1 where the export is not whole or a log was changed.
"""

import hashlib
import json
import sys

import rfc8785

# What each hash covers, after the hash before it.
COVERED = {
    "event": ["seq", "type", "request_id", "at", "actor_reference", "data_digest"],
    "access_event": ["seq", "type", "at", "actor_reference", "subject_reference", "data_digest"],
}
NAMES = {"event": "record", "access_event": "access"}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def verify(lines: list[bytes]) -> list[str]:
    """What is wrong with the export; nothing, where it is whole and both chains hold."""
    rows = [json.loads(line) for line in lines]
    heading, end = rows[0], rows[-1]
    if end["kind"] != "end" or end["sha256"] != sha256(b"".join(lines[:-1])):
        return ["the export is not whole, or was changed"]
    problems = []
    for kind, log in NAMES.items():
        entries = [row for row in rows if row["kind"] == kind]
        # The access log says how far the record was pruned.
        pruned = newest(rows, "seq", "record_pruned") if log == "record" else None
        pruned = pruned or {"seq": 0, "hash": ""}
        problems += [f"{log}: {text}" for text in broken(entries, heading[log], COVERED[kind], pruned)]
        # Where a pilot was erased, the newest voucher vouches for what was left.
        voucher = (newest(rows, log, "pilot_erased", "erasures_vouched") or {}).get(log)
        left = [row for row in entries if row["data"] and not row["salt"] and row["seq"] > pruned["seq"]]
        if voucher is None and left or voucher is not None and not vouched(left, voucher):
            problems.append(f"{log}: what stands where a pilot was erased is not what the erasure left")
    return problems


def newest(rows: list[dict], key: str, *types: str) -> dict | None:
    """The data of the newest such entry of the access log that has this key."""
    told = [row["data"] for row in rows if row["kind"] == "access_event" and row["type"] in types]
    return next((data for data in reversed(told) if key in data), None)


def broken(entries: list[dict], head: dict, covered: list[str], pruned: dict) -> list[str]:
    problems, previous, expected = [], head.get("base", ""), head["first_seq"]
    if expected > pruned["seq"] + 1 or (expected == pruned["seq"] + 1 and previous != pruned["hash"]):
        problems.append(f"it begins at {expected}, but was pruned up to {pruned['seq']}")
    for entry in entries:
        if entry["seq"] != expected:
            problems.append(f"seq {expected} is missing")
        data = entry["salt"].encode() + rfc8785.dumps(entry["data"])
        if entry["salt"] and sha256(data) != entry["data_digest"]:
            problems.append(f"the data of seq {entry['seq']} was changed")
        follows = sha256(rfc8785.dumps([previous, *(entry[name] for name in covered)]))
        if follows != entry["hash"] or (entry["seq"] == pruned["seq"] and entry["hash"] != pruned["hash"]):
            problems.append(f"the hash of seq {entry['seq']} does not follow")
        previous, expected = entry["hash"], entry["seq"] + 1
    if (head["last_seq"], head["hash"]) != (expected - 1, previous):
        problems.append(f"it ends at {expected - 1}, its head says {head['last_seq']}")
    return problems


def vouched(left: list[dict], voucher: dict) -> bool:
    written = b"".join(rfc8785.dumps([row["seq"], row["data"]]) for row in left)
    return voucher["entries"] == len(left) and voucher["digest"] == sha256(voucher["salt"].encode() + written)


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        export = file.readlines()
    found = verify(export)
    print("\n".join(found) or f"{len(export)} lines: whole, and both logs hold.")
    sys.exit(1 if found else 0)
