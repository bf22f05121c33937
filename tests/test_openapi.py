"""The API's description is valid, complete and readable under the pages' own security policy."""

import re

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def document() -> dict:
    return Client().get("/api/schema/").json()


def operations(document: dict) -> list[tuple[str, str, dict]]:
    return [(path, method, item) for path, methods in document["paths"].items() for method, item in methods.items()]


def test_the_document_is_openapi_3_1(document: dict) -> None:
    assert document["openapi"].startswith("3.1")
    validate_schema(document)


def test_every_schema_in_it_is_a_json_schema_and_every_reference_leads_somewhere(document: dict) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for reference in re.findall(r"'\$ref': '#/([^']+)'", str(document)):
        place = document
        for part in reference.split("/"):
            place = place[part]


def test_every_route_of_the_api_is_in_it(document: dict) -> None:
    def routes(resolver: URLResolver) -> list[str]:
        found = []
        for entry in resolver.url_patterns:
            if isinstance(entry, URLResolver):
                found += routes(entry)
            elif isinstance(entry, URLPattern):
                found.append(str(entry.pattern))
        return found

    ours = [pattern for pattern in routes(get_resolver()) if re.match(r"\^(api|pilot)/", pattern)]
    named = {re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", pattern).strip("^$").removesuffix("/?") for pattern in ours}
    assert {f"/{path}" for path in named} - {"/api/schema", "/api/docs"} == set(document["paths"])


def test_every_operation_says_who_may_what_it_takes_and_what_it_answers(document: dict) -> None:
    for path, method, item in operations(document):
        assert item["summary"], path
        assert item["operationId"], path
        assert {"400", "401", "403", "429", "503"} <= item["responses"].keys(), path
        assert any(status.startswith("2") for status in item["responses"]), path
        if not path.startswith("/api/token"):
            assert item["security"] == [{"bearer": []}, {"apiKey": []}, {"session": []}], path
        if method == "post" and "requestBody" in item:
            assert item["requestBody"]["content"]["application/json"]["schema"], path


def test_the_operations_have_names_of_their_own(document: dict) -> None:
    names = [item["operationId"] for _, _, item in operations(document)]
    assert len(names) == len(set(names))


def test_an_intervention_is_what_the_document_says(document: dict, api, ask) -> None:
    row = ask(context={"amount": 5}, response_schema={"type": "object", "properties": {"vendor": {"type": "string"}}})
    answer = api("otto").get(f"/api/interventions/{row.request_id}").json()
    schema = document["components"]["schemas"]["Intervention"]
    assert answer.keys() == schema["properties"].keys()
    Draft202012Validator(schema | {"components": document["components"]}).validate(answer)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/interventions/metrics", "Metrics"),
        ("/api/pilots/me", "Pilot"),
    ],
)
def test_what_is_read_is_what_the_document_says(document: dict, api, path: str, name: str) -> None:
    schema = document["components"]["schemas"][name]
    answer = api("otto").get(path).json()
    assert answer.keys() == schema["properties"].keys()
    Draft202012Validator(schema | {"components": document["components"]}).validate(answer)


def test_the_readable_page_has_no_script_or_style_of_its_own(client: Client) -> None:
    answer = client.get("/api/docs/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", page) == []
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address.startswith("/"), address


@pytest.mark.parametrize("path", ["/api/schema", "/api/docs"])
def test_both_are_there_without_the_last_slash_and_only_to_read(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200
    answer = client.post(path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
