"""Commands that several operators, or a deployment on several machines, run at the same moment."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import call_command
from django.db import connections

from pilots.models import Membership, Organization

pytestmark = pytest.mark.django_db(transaction=True)


def run_at_once(*words: str) -> list[str]:
    def run(_number: int) -> str:
        out = io.StringIO()
        try:
            call_command(*words, stdout=out, stderr=io.StringIO())
        finally:
            connections.close_all()
        return out.getvalue()

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(run, range(8)))


def test_all_who_make_the_same_organization_succeed_and_one_made_it() -> None:
    told = run_at_once("create_org", "acme", "--name", "Acme")
    assert sum("Made" in text for text in told) == 1
    assert Organization.objects.filter(slug="acme").count() == 1


def test_all_who_make_the_same_pilot_succeed_and_one_made_it() -> None:
    Organization.objects.create(slug="acme", name="Acme")
    told = run_at_once("create_pilot", "local:dana", "--org", "acme", "--role", "VIEWER")
    assert sum("Made" in text for text in told) == 1
    assert Membership.across_organizations.filter(pilot__pilot_id="local:dana").count() == 1
