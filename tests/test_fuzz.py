"""Whatever a client sends that the OpenAPI allows, or forbids, the answer is one that the OpenAPI declares.

The roles that may use an operation take turns in sending generated requests to it, such as are allowed or such as are
forbidden; in the soak each sends many of both. Half of those that are allowed name what exists, so that they reach the
rules behind the schemas; the market they change is forgotten afterwards.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import cache
from http import HTTPStatus
from itertools import cycle, islice
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
import sqlalchemy as sa
import time_machine
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.api import PROBLEM_JSON
from market.app import create_app
from market.db import Database
from market.identity.rules import POLICY, Permission, Role
from market.lots.rules import LotStatus
from market.openapi import KEY_PARAMETER
from market.payments.gateway import Gateway
from tests import factories
from tests.conftest import RolledBackDatabase
from tests.stalls import NOON, TODAY, Desk, Stalls
from tests.stripe_emulator.server import running
from tests.test_openapi import COMMITTED

MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
ROLES = (
    Role.BUYER_CLERK,
    Role.BUYER_RECEIVER,
    Role.SUPPLIER_MANAGER,
    Role.VILLAGE_CLERK,
    Role.COUNTY_REVIEWER,
    Role.AUDITOR,
    Role.OPERATOR,
)
TABLES = {
    "product_id": "products",
    "plan_id": "plans",
    "version_id": "plan_versions",
    "lot_id": "lots",
    "household_id": "households",
    "household_ids": "households",
    "order_id": "orders",
    "order_line_id": "order_lines",
    "price_cut_id": "price_cuts",
    "group_id": "order_groups",
    "refund_id": "refunds",
    "account_id": "bank_accounts",
    "receipt_id": "receipts",
    "payment_ids": "payments",
    "contribution_id": "contributions",
    "payee_id": "households",
    "supplier_id": "organisations",
    "buyer_id": "organisations",
    "organisation_id": "organisations",
    "member_id": "members",
    "certificate_id": "certificates",
    "application_id": "applications",
}
USUAL = {"channel_code": "canteen", "unit": "kg", "quantity": "10", "if-match": '"2"'}
LEAST = 40
"""Requests of a role; who may do little asks it more often, so that some come through."""
Draw = Callable[[st.SearchStrategy[Any]], Any]


class Mending:
    """Turns generated input into input that names what exists."""

    def __init__(self, session: orm.Session) -> None:
        """Read what exists."""
        self._known = {
            name: [str(found) for found in session.scalars(sa.text(f"SELECT id FROM {table} ORDER BY id LIMIT 20"))]
            for name, table in TABLES.items()
        }

    def mend(self, value: Any, draw: Draw, name: str = "") -> Any:
        """Return the value with known ids, printable text, and days on which things happened."""
        match value:
            case dict():
                return {key: self.mend(item, draw, key.lower()) for key, item in value.items()}
            case list():
                return [self.mend(item, draw, name) for item in value]
            case str():
                return draw(st.sampled_from(self._instead(value, name)))
        return value

    def _instead(self, value: str, name: str) -> list[str]:
        if name in self._known:
            return self._known[name] or [value]
        if name.endswith(("_on", "_from", "_to")):
            return [TODAY, "2026-03-01", "2020-01-01", value]
        return [USUAL.get(name, value), "".join(filter(str.isprintable, value)) or "文本"]


def fault_of(answer: Any, declared: Mapping[str, Any]) -> str | None:
    """Tell what is wrong with an answer: a failure, a status that is not declared, or a refusal of another form."""
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or str(answer.status_code) not in declared:
        return f"{answer.status_code}: {answer.text}"
    if answer.status_code >= HTTPStatus.BAD_REQUEST and answer.headers["content-type"] != PROBLEM_JSON:
        return f"{answer.status_code} as {answer.headers['content-type']}"
    return None


@cache
def operations() -> list[Any]:
    """Return every operation of the market's OpenAPI, as it is written down: reading it is sooner than making it.

    Not its Idempotency-Key, of which each request gets a new one: as the only thing wrong, it would be mended.
    """
    document = json.loads(COMMITTED.read_text(encoding="utf-8"))
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        operation["parameters"] = [each for each in operation.get("parameters", ()) if each != KEY_PARAMETER]
    return [made.ok() for made in schemathesis.openapi.from_dict(document).get_all_operations() if isinstance(made, Ok)]


def askers(number: int, operation: Any, most: int) -> set[Role]:
    """Return who of those that may asks the operation of this number, at most so many, in turn."""
    permission = operation.definition.raw.get("x-permission")
    if permission is None or operation.label.endswith("current"):
        return set()  # public, or it would sign them out
    allowed = [role for role in ROLES if role in POLICY[Permission(permission)]]
    return {allowed[(number + turn) % len(allowed)] for turn in range(min(most, len(allowed)))}


def exchange(operation: Any, mode: GenerationMode, desk: Desk, mending: Mending, examples: int) -> Counter[int]:
    """Send generated requests to an operation; return how often it gave which status, all of them declared."""
    seen: Counter[int] = Counter()
    declared = operation.definition.raw["responses"]

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode), data=st.data())
    def ask(case: Any, data: st.DataObject) -> None:
        if mode is GenerationMode.POSITIVE and data.draw(st.booleans()):
            for part in ("body", "path_parameters", "query", "headers"):
                given_ = getattr(case, part)
                setattr(case, part, mending.mend(dict(given_) if part == "headers" else given_, data.draw))
        sent = case.as_transport_kwargs()
        asked = {name.lower(): value for name, value in sent["headers"].items()}
        kept = {name: asked[name] for name in ("content-type", "if-match") if name in asked}
        answer = desk.client.request(
            sent["method"],
            sent["url"],
            params=sent.get("params"),
            json=sent.get("json"),
            content=sent.get("data"),
            headers=kept | desk.bearer | {"Idempotency-Key": uuid4().hex},
        )
        seen[answer.status_code] += 1
        fault = fault_of(answer, declared)
        assert fault is None, f"{operation.method} {sent['url']} {sent.get('params')} {sent.get('json')}: {fault}"

    ask()
    return seen


@pytest.fixture(scope="module")
def market(worker_db: Database) -> Iterator[RolledBackDatabase]:
    database = RolledBackDatabase(worker_db)
    yield database
    database.close()


@pytest.fixture(scope="module")
def filled(market: RolledBackDatabase) -> Iterator[Stalls]:
    with (
        time_machine.travel(NOON, tick=False),
        running() as emulator,
        closing(Gateway(emulator.key, webhook_secret=emulator.webhook_secret, base_url=emulator.url)) as gateway,
        market.transaction() as session,
        TestClient(create_app(market, vault=factories.VAULT, gateway=gateway)) as client,
    ):
        stalls = Stalls(client, session)
        stalls.operator.made("/provider-account")
        stalls.placed()
        stalls.shipped()
        order = stalls.accepted(stalls.line(stalls.dates), stalls.line(stalls.dates, "5"))
        stalls.clerk.made("/receipts", stalls.money(order, 5_000))
        stalls.clerk.made("/disbursements", stalls.payment(2_000))
        given_up = stalls.placed()
        stalls.clerk.made("/receipts", stalls.money(given_up, 1_000))
        stalls.orderer.made(f"/orders/{given_up['id']}/cancellation", {"reason": "无需"})
        stalls.orderer.made(f"/orders/{given_up['id']}/refunds", {"reason": "无需", "amount_fen": 100})
        factories.lot(session, stalls.dates, status=LotStatus.DRAFT)
        session.flush()
        yield stalls


@pytest.fixture
def stalls(market: RolledBackDatabase, filled: Stalls) -> Iterator[Stalls]:
    with market.connection.begin_nested() as savepoint:
        yield filled
        savepoint.rollback()


def asked_by(role: Role, stalls: Stalls, *, most: int, modes: int, examples: int) -> Counter[int]:
    """Let a role ask each operation that is its turn, in one mode in turn or both; return how often it got what."""
    desk = {
        Role.BUYER_CLERK: stalls.orderer,
        Role.BUYER_RECEIVER: stalls.receiver,
        Role.SUPPLIER_MANAGER: stalls.desk(stalls.supplier, Role.SUPPLIER_MANAGER),
        Role.VILLAGE_CLERK: stalls.village,
        Role.COUNTY_REVIEWER: stalls.county,
        Role.AUDITOR: stalls.auditor,
        Role.OPERATOR: stalls.operator,
    }[role]
    mending = Mending(stalls.session)
    seen: Counter[int] = Counter()
    own = [operation for number, operation in enumerate(operations()) if role in askers(number, operation, most)]
    for turn, operation in enumerate(own):
        for mode in islice(cycle(MODES), turn, turn + modes):
            seen += exchange(operation, mode, desk, mending, max(examples, LEAST // len(own)))
    return seen


@pytest.mark.parametrize("role", ROLES)
def test_no_generated_request_gets_an_answer_that_is_not_declared(stalls: Stalls, role: Role) -> None:
    seen = asked_by(role, stalls, most=1, modes=1, examples=2)
    assert seen.keys() >= {200, 404, 422}, "some requests came through"


@pytest.mark.soak
@pytest.mark.parametrize("role", ROLES)
def test_none_of_many_generated_requests_gets_an_answer_that_is_not_declared(stalls: Stalls, role: Role) -> None:
    assert asked_by(role, stalls, most=len(ROLES), modes=len(MODES), examples=15).total() > 500


def test_every_operation_has_somebody_to_ask_it() -> None:
    alone = [operation.label for number, operation in enumerate(operations()) if not askers(number, operation, 1)]
    public = {operation.label for operation in operations() if "x-permission" not in operation.definition.raw}
    assert {label for label in alone if not label.endswith("current")} == public


def test_an_answer_that_is_not_declared_is_seen(client: TestClient) -> None:
    refused = client.get("/v1/orders")
    assert fault_of(refused, {"401": {}}) is None
    assert fault_of(refused, {"200": {}})
    assert fault_of(client.get("/healthz"), {"404": {}})
