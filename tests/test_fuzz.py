"""Whatever a client sends that the OpenAPI allows, or forbids, the answer is one that the OpenAPI declares.

Each role in turn sends generated requests to every operation that it may use. Half of them name things that exist, so
that they reach the rules behind the schemas; the market they change is forgotten afterwards.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import schemathesis
import sqlalchemy as sa
import time_machine
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.api import PROBLEM_JSON
from market.db import Database
from market.identity.rules import POLICY, OrganisationKind, Permission, Role
from market.lots.rules import LotStatus
from tests import factories
from tests.stalls import NOON, TODAY, Stalls

EXAMPLES = 40
QUIET = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
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


class Minds:
    """Turns generated input into input that names what exists."""

    def __init__(self, session: orm.Session) -> None:
        """Read what exists."""
        self._ids = {
            name: [str(found) for found in session.scalars(sa.text(f"SELECT id FROM {table} ORDER BY id LIMIT 20"))]
            for name, table in TABLES.items()
        }

    def mend(self, value: Any, draw: Any, name: str = "") -> Any:
        """Return the value with real ids, printable text and days on which things happened."""
        match value:
            case dict():
                return {key: self.mend(item, draw, key) for key, item in value.items()}
            case list():
                return [self.mend(item, draw, name) for item in value]
            case str() if _is_id(value) and self._ids.get(name):
                return draw(st.sampled_from(self._ids[name]))
            case str() if name.endswith(("_on", "_from", "_to")):
                return draw(st.sampled_from([TODAY, "2026-03-01", "2020-01-01", value]))
            case str() if not value.isprintable():
                return "".join(filter(str.isprintable, value)) or "文本"
        return value


def _is_id(value: str) -> bool:
    try:
        return bool(UUID(value))
    except ValueError:
        return False


@pytest.fixture
def stalls(client: TestClient, session: orm.Session) -> Iterator[Stalls]:
    with time_machine.travel(NOON, tick=False):
        stalls = Stalls(client, session)
        stalls.placed()
        stalls.shipped()
        order = stalls.accepted(stalls.line(stalls.dates), stalls.line(stalls.dates, "5"))
        stalls.clerk.made("/receipts", stalls.money(order, 5_000))
        stalls.clerk.made("/disbursements", stalls.payment(2_000))
        factories.lot(session, stalls.dates, status=LotStatus.DRAFT)
        yield stalls


@pytest.fixture(scope="session")
def document() -> Any:
    ...


ROLES = (Role.BUYER_CLERK, Role.SUPPLIER_MANAGER, Role.COUNTY_REVIEWER, Role.AUDITOR, Role.OPERATOR)


@pytest.mark.parametrize("role", ROLES)
def test_no_generated_request_gets_an_answer_that_is_not_declared(
    stalls: Stalls, client: TestClient, session: orm.Session, role: Role
) -> None:
    desk = {
        Role.BUYER_CLERK: stalls.orderer,
        Role.SUPPLIER_MANAGER: stalls.desk(stalls.supplier, Role.SUPPLIER_MANAGER),
        Role.COUNTY_REVIEWER: stalls.county,
        Role.AUDITOR: stalls.auditor,
        Role.OPERATOR: stalls.operator,
    }[role]
    schema = schemathesis.openapi.from_dict(client.app.openapi())  # type: ignore[attr-defined]
    minds = Minds(session)
    for found in schema.get_all_operations():
        operation = found.ok()
        permission = operation.definition.raw.get("x-permission")
        if permission is None or role not in POLICY[Permission(permission)]:
            continue
        if operation.path.endswith("/tokens/current"):
            continue
        declared = set(operation.definition.raw["responses"])

        for mode in GenerationMode:
            @QUIET
            @given(case=operation.as_strategy(mode), data=st.data())
            def ask(case, data):
                if mode is GenerationMode.POSITIVE and data.draw(st.booleans()):
                    case.body = minds.mend(case.body, data.draw)
                    case.path_parameters = minds.mend(dict(case.path_parameters or {}), data.draw)
                    case.query = minds.mend(dict(case.query or {}), data.draw)
                sent = case.as_transport_kwargs()
                headers = {k: v for k, v in sent.pop("headers").items() if k.lower() in {"content-type", "if-match"}} | desk.bearer | {"Idempotency-Key": uuid4().hex}
                sent.pop("cookies", None)
                if "data" in sent: sent["content"] = sent.pop("data")
                answer = client.request(headers=headers, **sent)
                seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
                if answer.status_code >= 500 or str(answer.status_code) not in declared:
                    bad.append((role, operation.method, operation.path, answer.status_code, sent, answer.text[:300]))
            seen = {}
            bad = []
            try:
                ask()
            except Exception as e:
                bad.append((operation.method, operation.path, mode, repr(e)[:300]))
            print("FZ", role, operation.method, operation.path, mode.value, seen)
            for b in bad[:2]: print("BAD", b)
