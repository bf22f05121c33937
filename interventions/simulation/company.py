"""What do the agents of a believable company ask their pilots? Invoices, refunds, deployments, deletions, a crawler."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

type Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing an agent asks, and what those concerned would say about it."""

    agent: str
    request: Body
    outcome: Body
    approval: str | None
    rejection: str
    remark: str
    answer: Body | None = None
    withdrawal: str = "No longer needed."
    steps: tuple[str, ...] = ()


type Kind = Callable[[Random], Matter]


def invoice(random: Random) -> Matter:
    vendors = ["Nordwind Logistik GmbH", "Nordwind Freight Ltd", "Nordwind Holding AG"]
    number, cents = random.randrange(20_000, 99_999), random.randrange(9_000, 900_000)
    return Matter(
        agent="invoices",
        request={
            "request_id": _id("invoice", number, random),
            "uow_id": f"invoice-{number}",
            "intervention_type": "clarification",
            "priority": "normal" if cents < 500_000 else "high",
            "title": f"Which vendor does invoice {number} belong to?",
            "description": (
                "The letterhead says only “Nordwind”. Three vendors in the books fit, and the bank account is new.\n\n"
                "Until this is clear the invoice is not paid; its discount ends in two days."
            ),
            "context": {
                "invoice": {"number": str(number), "total": _amount(cents), "currency": "EUR", "due_in_days": 14},
                "candidates": [{"vendor": name, "match": round(random.uniform(0.4, 0.8), 2)} for name in vendors],
                "bank_account": f"DE{random.randrange(10, 99)} 5001 0517 {random.randrange(1000, 9999)} 3149 25",
            },
            "tags": ["finance", "invoices"],
            "response_schema": {
                "type": "object",
                "properties": {
                    "vendor": {"type": "string", "title": "Vendor", "enum": vendors},
                    "remember": {"type": "boolean", "title": "Remember this bank account", "default": False},
                },
                "required": ["vendor"],
            },
            "expires_in_seconds": 900,
        },
        answer={"vendor": random.choice(vendors), "remember": random.random() < 0.5},
        outcome={"booked": True, "journal_entry": random.randrange(100_000, 999_999)},
        approval=random.choice([None, "Same account as on the delivery note.", "Checked with purchasing."]),
        rejection="Not ours: addressed to another company. Send it back.",
        remark="Called Nordwind; they look it up.",
        withdrawal="The vendor has sent a corrected invoice.",
        steps=("matches the vendor", "books the invoice"),
    )


def refund(random: Random) -> Matter:
    order = random.randrange(400_000, 499_999)
    cents = 10 * round(random.choice([499, 1_290, 2_490, 8_900, 12_400, 74_000]) * random.uniform(0.8, 1.4))
    customer = random.choice(["Müller", "Okafor", "Lindqvist", "García", "Nguyễn", "O’Brien"])
    why = random.choice(["arrived broken", "never arrived", "was charged twice", "was cancelled before it was sent"])
    large = cents >= 500_000
    return Matter(
        agent="refunds",
        request={
            "request_id": _id("refund", order, random),
            "uow_id": f"order-{order}",
            "intervention_type": "resume",
            "priority": "high" if large else "normal",
            "title": f"Refund € {_amount(cents)} for order {order}?",
            "description": (
                f"{customer}’s order {why}. The amount is above the limit that is refunded without asking (€ 40).\n"
                "Nothing in the account’s history speaks against it."
            ),
            "context": {
                "order": order,
                "amount": _amount(cents),
                "currency": "EUR",
                "customer": {"name": customer, "since": random.randrange(2014, 2026), "refunds_this_year": 0},
                "reason": why,
                "message": "Hello, I would like my money back, please. Photos are attached.",
            },
            "tags": ["finance", "refunds", "customers"],
            "approvals_required": 2 if large else 1,
            "expires_in_seconds": 600,
        },
        outcome={"refunded": _amount(cents), "currency": "EUR", "payment": f"re_{random.randrange(10**9):09d}"},
        approval=random.choice([None, "Photos show the damage.", "Good customer, pay it.", "The carrier confirms it."]),
        rejection="The tracking shows it was delivered and signed for; ask the customer first.",
        remark="Asked the carrier for the proof of delivery.",
        withdrawal="The customer takes a replacement instead.",
        steps=("pays the refund", "writes to the customer"),
    )


def deployment(random: Random) -> Matter:
    service = random.choice(["checkout", "search", "accounts", "warehouse-sync"])
    version = f"{random.randrange(2, 9)}.{random.randrange(0, 30)}.{random.randrange(0, 9)}"
    rate = round(random.uniform(0.1, 1.9), 2)
    return Matter(
        agent="deployments",
        request={
            "request_id": _id(f"deploy-{service}", version, random),
            "uow_id": f"deploy-{service}-{version}",
            "intervention_type": "resume",
            "priority": "high" if service == "checkout" else "normal",
            "title": f"Go on with {service} {version}: canary errors at {rate} %",
            "description": (
                f"The canary has served 5 % of traffic for 20 minutes. Errors are at {rate} %, the limit is 0.5 %.\n"
                "All tests pass; the errors are time-outs of one downstream service.\n\n"
                "Approve to roll out to everybody, reject to roll back."
            ),
            "context": {
                "service": service,
                "version": version,
                "canary": {"traffic_percent": 5, "error_percent": rate, "p95_ms": random.randrange(120, 480)},
                "baseline": {"error_percent": 0.12, "p95_ms": 131},
                "changes": ["Cache prices for 30 s", "Retry the stock query once", "Drop support for TLS 1.1"],
                "rollback": "about 40 seconds",
            },
            "tags": ["operations", "deployments"],
            "expires_in_seconds": 480,
        },
        outcome={"deployed": version, "instances": random.choice([6, 12, 24])},
        approval=random.choice(["The time-outs were there before.", "Watching it, go on.", None]),
        rejection="Three times the baseline: roll back and look at the stock query.",
        remark="Looking at the traces of the time-outs.",
        withdrawal="A newer build replaces it.",
        steps=("rolls out to 50 %", "rolls out to everybody"),
    )


def deletion(random: Random) -> Matter:
    count, case = random.randrange(3, 900), random.randrange(1000, 9999)
    return Matter(
        agent="privacy",
        request={
            "request_id": _id("deletion", case, random),
            "uow_id": f"privacy-case-{case}",
            "intervention_type": "waive_violation",
            "priority": "high",
            "title": f"Delete the data of {count} customers before the retention period ends?",
            "description": (
                "The customers asked for deletion. Rule “tax-retention” keeps invoices for ten years; "
                "the request covers everything else.\n\nWhat is deleted cannot be brought back."
            ),
            "context": {
                "rule": "tax-retention",
                "customers": count,
                "kept": ["invoices", "payments"],
                "deleted": ["profiles", "addresses", "wish lists", "support conversations"],
                "backup_until": "30 days from now",
            },
            "tags": ["privacy", "data"],
            "expires_in_seconds": 1200,
        },
        outcome={"deleted_customers": count, "seconds": random.randrange(4, 90)},
        approval="Checked against the requests; invoices are kept.",
        rejection="Two of them have open orders. Take them out and ask again.",
        remark="Legal wants to see the list first.",
        withdrawal="The customers’ requests were withdrawn.",
        steps=("deletes profiles", "deletes conversations", "verifies that nothing is left"),
    )


def crawler(random: Random) -> Matter:
    host, pages = random.choice(["crawler-eu-3", "crawler-us-1", "crawler-ap-2"]), random.randrange(40_000, 400_000)
    return Matter(
        agent="watchdog",
        request={
            "request_id": _id("stuck", host, random),
            "uow_id": host,
            "intervention_type": "kill_switch",
            "priority": "critical",
            "title": f"{host} is stuck and hits one shop {random.randrange(40, 190)} times a second: stop it?",
            "description": (
                f"It follows a calendar without end: {pages:,} pages of one shop, all alike. "
                "The shop’s owner has written twice.\n\nStopping loses the crawl’s progress since midnight."
            ),
            "context": {
                "instance": host,
                "pages": pages,
                "distinct_pages": random.randrange(30, 90),
                "last_urls": [f"https://shop.example/calendar/{year}/02" for year in (2151, 2152, 2153)],
                "robots_txt": "Disallow: /calendar/",
            },
            "tags": ["operations", "crawler"],
            "expires_in_seconds": 300,
        },
        outcome={"stopped": host, "pages_lost": pages},
        approval="Stop it; robots.txt forbids the calendar.",
        rejection="It has left the calendar by itself, let it finish.",
        remark="Writing to the shop’s owner.",
        withdrawal="It has found its way out.",
        steps=("stops the instance", "puts the calendar on the list of traps"),
    )


def transfer(random: Random) -> Matter:
    run, employees = random.randrange(100, 999), random.randrange(12, 240)
    return Matter(
        agent="payroll",
        request={
            "request_id": _id("payroll", run, random),
            "uow_id": f"payroll-run-{run}",
            "intervention_type": "cancel",
            "priority": "low",
            "title": f"Give up payroll run {run} and start again tomorrow?",
            "description": f"The bank’s interface has answered 503 since noon; {employees} transfers wait in the run.",
            "context": {"run": run, "waiting": employees, "bank": {"status": 503, "since": "12:04"}, "attempts": 17},
            "tags": ["finance", "payroll"],
            "expires_in_seconds": 1800,
        },
        outcome={"given_up": run, "next_try": "tomorrow 07:00"},
        approval=random.choice([None, "Tomorrow is early enough."]),
        rejection="The bank is back since 15:20; try once more.",
        remark="On the phone with the bank.",
        withdrawal="The bank answers again.",
        steps=("gives the run up", "plans the next one"),
    )


# How often each is asked: refunds come all day, payroll runs hardly ever fail.
KINDS: tuple[Kind, ...] = (
    refund,
    refund,
    refund,
    invoice,
    invoice,
    deployment,
    deployment,
    deletion,
    crawler,
    transfer,
)


def next_matter(random: Random) -> Matter:
    return random.choice(KINDS)(random)


def _amount(cents: int) -> str:
    return f"{cents / 100:,.2f}"


def _id(kind: str, subject: object, random: Random) -> str:
    """Unique however often the same subject comes up."""
    return f"{kind}-{subject}-{random.getrandbits(32):08x}"
