"""The committed OpenAPI document is what the application says, whole and exemplified."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from market.api import PROBLEM_JSON
from market.app import create_app
from market.db import Database

COMMITTED = Path(__file__).parent.parent / "openapi" / "openapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    database = Database("postgresql://nowhere", threads=1)
    return create_app(database).openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


ECHOES = {
    "BaselineOut.unit_price_fen",
    "CapitalOut.public_fen",
    "CapitalOut.whole_fen",
    "ContributionOut.unit_price_fen",
    "LineOut.jump_fen",
    "LineOut.line_fen",
    "LineOut.unchecked_fen",
    "PriceTermsOut.least_fen",
    "PriceTermsOut.most_fen",
    "PriceTierOut.price_fen",
    "PublishedOut.amount_fen",
}
"""Amounts that are answered as they were given: no sums."""


def schemas_in(part: Any, schemas: dict[str, Any]) -> set[str]:
    """Return the schemas that a part of the document refers to, directly or by others."""
    found: set[str] = set()
    waiting = [part]
    while waiting:
        text = json.dumps(waiting.pop())
        new = set(re.findall(r'#/components/schemas/([^"]+)', text)) - found
        found |= new
        waiting += [schemas[name] for name in new]
    return found


def test_the_committed_document_is_current(document: dict[str, Any]) -> None:
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == json.loads(json.dumps(document)), "run make openapi"


def unexemplified(document: dict[str, Any]) -> list[str]:
    return [
        f"{method} {path}"
        for method, path, operation in operations(document)
        for body in [operation.get("requestBody", {}), *operation["responses"].values()]
        for kind, media in body.get("content", {}).items()
        if "json" in kind and not media.keys() & {"example", "examples"}
    ]


def test_every_operation_has_examples(document: dict[str, Any]) -> None:
    assert unexemplified(document) == []


def test_a_missing_example_is_noticed(document: dict[str, Any]) -> None:
    stripped = json.loads(json.dumps(document))
    del stripped["paths"]["/v1/order-groups"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert unexemplified(stripped) == ["post /v1/order-groups"]


def test_every_operation_declares_its_refusals_as_problems(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        expected = {"401", "403"} if operation["security"] else set()
        assert expected <= refusals.keys(), f"{method} {path}"
        assert all(PROBLEM_JSON in answer["content"] for answer in refusals.values()), f"{method} {path}"


def test_each_refusal_that_an_operation_declares_has_its_own_example(document: dict[str, Any]) -> None:
    told = document["components"]["examples"]
    assert told["not_found"]["value"]["detail"] == "There is no such order."
    assert told["payment_busy"]["summary"] == "该支付当前状态为「处理中」,暂不能确认或取消。"
    assert not any("{" in each["summary"] + each["value"]["detail"] for each in told.values())
    refused = document["paths"]["/v1/matches/{proposal_id}/decision"]["post"]["responses"]["409"]["content"]
    assert {"transition", "line_spent", "overpaid"} <= refused[PROBLEM_JSON]["examples"].keys()


@pytest.mark.parametrize("path", ["/v1/disbursements", "/v1/pay-lists"])
def test_who_pays_is_told_that_a_payment_beyond_what_was_delivered_is_refused(
    document: dict[str, Any], path: str
) -> None:
    refused = document["paths"][path]["post"]["responses"]["422"]["content"]
    assert "paid_beyond_delivery" in refused[PROBLEM_JSON]["examples"]


def test_every_operation_is_named_after_its_function_once(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)


def test_answers_have_no_defaults(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    answers = {name for name in schemas if name.endswith("Out") or name.startswith("Page")}
    assert answers
    defaulted = [
        f"{name}.{field}"
        for name in answers
        for field, schema in schemas[name].get("properties", {}).items()
        if "default" in schema
    ]
    assert defaulted == []


def test_what_is_answered_has_no_largest_amount_and_what_is_asked_has_one(document: dict[str, Any]) -> None:
    """A sum above what one amount may be is a sum still: refused in an answer, it is an error of ours for ever."""
    schemas = document["components"]["schemas"]

    def limited(operations_part: str) -> dict[str, bool]:
        parts = [operation.get(operations_part, {}) for _, _, operation in operations(document)]
        return {
            f"{name}.{field}": "maximum" in json.dumps(schema)
            for name in schemas_in(parts, schemas)
            for field, schema in schemas[name].get("properties", {}).items()
            if field.endswith("_fen")
        }

    asked, answered = limited("requestBody"), limited("responses")
    assert len(asked) > 20
    assert len(answered) > 100
    assert [field for field, is_limited in asked.items() if not is_limited] == []
    limits = {field for field, is_limited in answered.items() if is_limited} - asked.keys()
    assert {field.split("__")[-1] for field in limits} == ECHOES


def test_what_can_be_tried_says_what_it_answers_then(document: dict[str, Any]) -> None:
    tried = [
        (path, operation["responses"].keys())
        for _, path, operation in operations(document)
        if any(parameter["name"] == "dry_run" for parameter in operation.get("parameters", []))
    ]
    assert len(tried) == 12
    assert [path for path, statuses in tried if not {"200", "201"} <= statuses] == []
