"""An agent that asks a human before it acts. Standard library only; run it beside `make run`:

    CHAMELEON_API_KEY=chm_... python examples/agent.py

A key comes from: manage.py create_api_key --org acme --name example --scopes interventions:read,interventions:write
"""

import hashlib
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

URL = os.environ.get("CHAMELEON_URL", "http://127.0.0.1:8000")
KEY = os.environ.get("CHAMELEON_API_KEY", "")


def call(method, path, body=None):
    """One request. Each of ours is safe to repeat, so a lost connection or a busy server is simply tried again."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    while True:
        request = urllib.request.Request(URL + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=75) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            if error.code != 429 and error.code < 500:
                sys.exit(f"{error.code}: {json.load(error)['detail']}")
            time.sleep(int(error.headers.get("Retry-After", 2)))
        except OSError as error:
            print(f"no answer ({error}), trying again")
            time.sleep(2)


def content_hash(request):
    """What the pilot saw. Sorted keys, no spaces: canonical JSON. With fractions in it use the package rfc8785."""
    names = ["request_id", "uow_id", "intervention_type", "title", "description", "context", "response_schema"]
    seen = {name: request[name] for name in names}
    text = json.dumps(seen, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


# 1. Ask. The id is ours: asking again with it, after a crash, finds the same request.
request = {
    "request_id": f"refund-{uuid.uuid4()}",
    "uow_id": "order-4711",
    "intervention_type": "resume",
    "title": "Refund 89 euros for order 4711?",
    "description": "It arrived broken; photos are attached to the order.",
    "context": {"order": 4711, "amount": 89, "currency": "EUR"},
    "response_schema": None,
}
call("POST", "/api/interventions", request)
print("asked:", request["title"])

# 2. Wait. Each call answers the moment a pilot decides, or after 60 seconds; then wait on.
path = f"/api/interventions/{request['request_id']}"
decision = {"status": "PENDING"}
while decision["status"] in ("PENDING", "IN_PROGRESS"):
    decision = call("GET", f"{path}/decision?wait=60")
print("answer:", decision["status"], "by", decision["decided_by"], "-", decision["action_reason"] or "no reason given")

# 3. Check that this is what the pilot saw, and act.
if decision["status"] != "APPROVED":
    sys.exit("not approved: the refund is not paid")
if decision["content_hash"] != content_hash(request):
    sys.exit("the pilot saw something else than what was asked: the refund is not paid")
print("paying the refund ...")

# 4. Report what was done.
call("POST", f"{path}/complete", {"outcome": {"paid": 89, "currency": "EUR"}})
print("done")

# ruff: noqa: S310 -- the address is ours
