"""docs/alerts.yml is what Prometheus takes, and asks for series that there are."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from conftest import World

pytestmark = pytest.mark.embedded

FILE = Path(__file__).resolve().parent.parent / "docs" / "alerts.yml"
DURATION = re.compile(r"(\d+(ms|[smhdwy]))+")
FUNCTIONS = {"sum", "rate", "max", "absent"}
WORDS = {"and", "or", "unless", "by", "on", "ignoring"}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(FILE.read_text())["groups"]
    assert all(set(group) == {"name", "rules"} for group in groups)
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_is_whole(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"[A-Z]\w+", rule["alert"])
    assert DURATION.fullmatch(rule.get("for", "0s"))
    assert rule["labels"] == {"severity": rule["labels"]["severity"]}
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert set(rule["annotations"]) == {"summary", "description"}
    assert all(isinstance(text, str) and text.count("{{") == text.count("}}") for text in rule["annotations"].values())


def test_no_alert_has_the_name_of_another() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_asks_for_what_there_is(rule: dict[str, Any], world: World) -> None:
    Client(REMOTE_ADDR="127.0.0.1").post("/health")
    text = Client(REMOTE_ADDR="127.0.0.1").get("/metrics").content.decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    labels = {sample.name: set(sample.labels) | {"job", "instance"} for sample in samples} | {"up": {"job", "instance"}}
    expression = rule["expr"]
    for opening, closing in ("()", "{}", "[]"):
        assert expression.count(opening) == expression.count(closing)
    assert all(DURATION.fullmatch(span) for span in re.findall(r"\[(.*?)\]", expression))
    asked = re.findall(r"([a-z_]+)\{(.*?)\}", expression)
    assert asked
    for name, matchers in asked:
        assert name in labels, f"there is no series {name}"
        assert set(re.findall(r'(\w+)=~?"', matchers)) <= labels[name]
    bare = re.sub(r"\{.*?\}|\[.*?\]", "", expression)
    assert set(re.findall(r"[a-z_]+", bare)) <= {name for name, _ in asked} | FUNCTIONS | WORDS
