"""An organization to look at: pilots of each role and a few days of interventions, written by the rules themselves."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from operator import attrgetter
from random import Random

from django.conf import settings

from interventions import actions
from interventions.content import draft_of
from interventions.lifecycle import Type
from interventions.models import Intervention
from interventions.simulation import company
from interventions.simulation.company import Matter
from pilots import actions as pilots_actions
from pilots import api_keys, database
from pilots.caller import Caller
from pilots.errors import NotAuthenticated
from pilots.models import ApiKey, Membership, Organization
from pilots.roles import Role

# Known to everybody, and therefore only given where DEBUG says that this is a trial.
PASSWORD = "chameleon demo"  # noqa: S105
PEOPLE = {
    "local:ada": ("Ada Lindgren", Role.ADMIN),
    "local:olga": ("Olga Petrenko", Role.OPERATOR),
    "local:otto": ("Otto Berger", Role.OPERATOR),
    "local:vera": ("Vera Costa", Role.VIEWER),
}
KEY_NAME = "company-agents"
KEY_FILE = "agents.key"
PAST_MATTERS = 60
MARK = "demonstration"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to sign in as; `password` is None where it is not the demonstration's."""

    membership: Membership
    password: str | None


@dataclass(frozen=True, slots=True)
class Demo:
    organization: Organization
    people: list[Person]
    added: int

    @property
    def is_demonstration(self) -> bool:
        """False for an organization at work, into which no simulated agent may speak."""
        return bool(self.organization.settings.get(MARK))


def set_up(slug: str, name: str) -> Demo:
    """The organization with its pilots, its agents' key and its history. One that has interventions is left alone."""
    with database.writing():
        organization, _ = pilots_actions.create_organization(slug, name=name)
        # Two who set it up at once: the second waits here, and finds it done.
        organization = Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
        if Intervention.objects.for_organization(organization.pk).exists():
            return Demo(organization, _people_there(organization), 0)
        people = [_person(organization, pilot_id) for pilot_id in PEOPLE]
        key, _ = agents_key(organization)
        members = {person.membership.pilot.pilot_id: Caller.of_pilot(person.membership) for person in people}
        History(organization, Caller.of_key(key), members).write()
        pilots_actions.change_settings(organization, {MARK: True})
        return Demo(organization, people, Intervention.objects.for_organization(organization.pk).count())


def agents_key(organization: Organization) -> tuple[ApiKey, str]:
    """The key of the simulated agents: the one in the file beside the data where it still opens, else a new one."""
    path = settings.VAR_DIR / KEY_FILE
    if path.exists():
        text = path.read_text().strip()
        try:
            row = api_keys.match(text)
        except NotAuthenticated:
            row = None
        if row is not None and row.organization_id == organization.pk:
            return row, text
    taken = set(ApiKey.objects.for_organization(organization.pk).values_list("name", flat=True))
    names = (KEY_NAME if number == 1 else f"{KEY_NAME}-{number}" for number in count(1))
    name = next(name for name in names if name not in taken)
    row, text = api_keys.make(organization, name, ["interventions:read", "interventions:write"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(f"{text}\n")
    return row, text


def _person(organization: Organization, pilot_id: str) -> Person:
    name, role = PEOPLE[pilot_id]
    password = PASSWORD if settings.DEBUG else secrets.token_urlsafe(12)
    joined = pilots_actions.create_pilot(pilot_id, organization, role, name=name, password=password)
    known = joined.made or joined.membership.pilot.check_password(password)
    return Person(joined.membership, password if known else None)


def _people_there(organization: Organization) -> list[Person]:
    rows = Membership.objects.for_organization(organization.pk).select_related("pilot", "organization")
    there = rows.filter(pilot__pilot_id__in=PEOPLE).order_by("pilot__pilot_id")
    return [Person(row, PASSWORD if row.pilot.check_password(PASSWORD) else None) for row in there]


@dataclass(frozen=True, slots=True)
class Step:
    """Something somebody did, and when."""

    at: datetime
    do: Callable[[], object]


@dataclass(slots=True)
class History:
    """What happened over the last days, told in order: each step is an ordinary action under the clock of its time."""

    organization: Organization
    agents: Caller
    members: dict[str, Caller]
    random: Random = field(default_factory=lambda: Random(2026))  # noqa: S311 -- a story, not a secret
    now: datetime = field(default_factory=database.now)

    def write(self) -> None:
        steps = [step for past in range(PAST_MATTERS) for step in self._past(self._some_time_ago(past))]
        steps += self._present()
        for step in sorted(steps, key=attrgetter("at")):
            with database.telling_of(step.at):
                step.do()

    def _some_time_ago(self, number: int) -> datetime:
        """The later the denser: most of what a newcomer looks at happened today."""
        share = (number + self.random.random()) / PAST_MATTERS
        return self.now - timedelta(minutes=40) - timedelta(days=5) * share**2

    def _past(self, asked_at: datetime) -> Iterator[Step]:
        matter, random = company.next_matter(self.random), self.random
        request_id = matter.request["request_id"]
        pilot = self._decider(matter)
        yield self._ask(matter, asked_at)
        seen_at = asked_at + timedelta(seconds=random.uniform(4, 60))
        if random.random() < 0.4:
            yield Step(seen_at, partial(actions.claim, pilot, request_id))
        if random.random() < 0.2:
            remarked_at = seen_at + timedelta(seconds=20)
            yield Step(remarked_at, partial(actions.comment, pilot, request_id, text=matter.remark))
        ended_at = seen_at + timedelta(seconds=random.uniform(25, 180))
        fate = random.choices(["approve", "reject", "expire", "withdraw"], [70, 15, 9, 6])[0]
        if fate == "approve":
            yield from self._approve(matter, ended_at, pilot)
        elif fate == "reject":
            yield Step(ended_at, partial(actions.reject, pilot, request_id, reason=matter.rejection))
            yield self._deliver(matter, ended_at)
        elif fate == "withdraw":
            yield Step(ended_at, partial(actions.cancel, self.agents, request_id, reason=matter.withdrawal))
        else:
            ended_at = asked_at + timedelta(seconds=matter.request["expires_in_seconds"] + 0.2)
            yield Step(ended_at, partial(actions.expire_due, self.organization))
            yield self._deliver(matter, ended_at)

    def _approve(self, matter: Matter, at: datetime, pilot: Caller) -> Iterator[Step]:
        request_id = matter.request["request_id"]
        reason = matter.approval
        if matter.request.get("approvals_required", 1) > 1:
            second = self.members["local:ada" if pilot.name != "local:ada" else "local:olga"]
            at_second = at + timedelta(seconds=25)
            # The claim of the first, where there is one, is theirs: the second decides when it was given back.
            yield Step(at, partial(actions.approve, pilot, request_id, reason=reason, response=matter.answer))
            yield Step(at_second, partial(self._decide_with, second, request_id, "I agree."))
            at = at_second
        else:
            yield Step(at, partial(actions.approve, pilot, request_id, reason=reason, response=matter.answer))
        yield self._deliver(matter, at)
        acted_at = at + timedelta(seconds=self.random.uniform(3, 40))
        yield Step(acted_at, partial(actions.complete, self.agents, request_id, outcome=matter.outcome))

    @staticmethod
    def _decide_with(pilot: Caller, request_id: str, reason: str) -> None:
        actions.claim(pilot, request_id, take_over=True)
        actions.approve(pilot, request_id, reason=reason)

    def _present(self) -> Iterator[Step]:
        """What waits now: each lane has something, and two have little time left."""
        make, random = company, self.random
        day = 24 * 3600
        yield self._ask(make.crawler(random), self._ago(minutes=2))
        yield self._ask(make.deployment(random), self._ago(minutes=5))
        for minutes, lifetime in ((3, 900), (11, 900), (50, day), (170, 3 * day)):
            yield self._ask(make.invoice(random), self._ago(minutes=minutes), lifetime)
        for minutes, lifetime in ((1, 600), (70, day)):
            yield self._ask(make.refund(random), self._ago(minutes=minutes), lifetime)
        yield self._ask(make.transfer(random), self._ago(minutes=95), None)
        yield from self._half_approved(make.refund(random))
        yield from self._in_hands(make.deletion(random))

    def _half_approved(self, matter: Matter) -> Iterator[Step]:
        matter.request["approvals_required"] = 2
        yield self._ask(matter, self._ago(minutes=6), 4 * 3600)
        olga = self.members["local:olga"]
        agree = partial(actions.approve, olga, matter.request["request_id"], reason="Fine with me, two must sign.")
        yield Step(self._ago(minutes=4), agree)

    def _in_hands(self, matter: Matter) -> Iterator[Step]:
        request_id, ada = matter.request["request_id"], self.members["local:ada"]
        yield self._ask(matter, self._ago(minutes=9), 2 * 3600)
        yield Step(self._ago(minutes=4), partial(actions.claim, ada, request_id))
        yield Step(self._ago(minutes=3), partial(actions.comment, ada, request_id, text=matter.remark))

    def _ask(self, matter: Matter, at: datetime, *lifetime: int | None) -> Step:
        body = matter.request | ({"expires_in_seconds": lifetime[0]} if lifetime else {})
        return Step(at, partial(actions.create, self.agents, draft_of(body)))

    def _deliver(self, matter: Matter, at: datetime) -> Step:
        moment = at + timedelta(seconds=0.05)
        return Step(moment, partial(actions.record_delivery, self.agents, [matter.request["request_id"]]))

    def _decider(self, matter: Matter) -> Caller:
        grave = matter.request["intervention_type"] in (Type.KILL_SWITCH, Type.WAIVE_VIOLATION)
        names = ["local:ada"] if grave else ["local:olga", "local:otto", "local:otto", "local:ada"]
        return self.members[self.random.choice(names)]

    def _ago(self, minutes: float) -> datetime:
        return self.now - timedelta(minutes=minutes, seconds=self.random.uniform(0, 20))
