"""Closing months over HTTP."""

from datetime import date

import pytest
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.identity.rules import Role
from market.ledger import service
from market.ledger.rules import AccountKey, Book, Entry, Transfer
from tests import factories


@pytest.fixture
def posted(session: orm.Session) -> None:
    """A posting in February 2025."""
    day = date(2025, 2, 3)
    keys = [AccountKey("test", factories.organisation(session).id, None, step) for step in ("accrued", "recognised")]
    debit, credit = service.account_ids(session, Book.ATTRIBUTION, keys, days=[day])
    transfer = Transfer(debit, credit, 100)
    service.post(session, Book.ATTRIBUTION, [Entry("test:1", "test", day, [transfer])])


@pytest.mark.usefixtures("posted")
def test_an_auditor_closes_months_in_order_and_lists_them(session: orm.Session, client: TestClient) -> None:
    auditor = factories.signed_in(session, Role.AUDITOR)

    def close(month: str, key: str) -> int:
        body = {"book": "attribution", "month": month}
        return client.post("/v1/periods", json=body, headers=auditor | {"Idempotency-Key": key}).status_code

    assert [close("2025-03", "1"), close("2025-02", "2"), close("2025-03", "3"), close("2025-02", "4")] == [
        409,
        201,
        201,
        409,
    ]
    first = client.get("/v1/periods?limit=1", headers=auditor).json()
    rest = client.get("/v1/periods", params={"cursor": first["next_cursor"]}, headers=auditor).json()
    assert [period["month"] for period in (*first["items"], *rest["items"])] == ["2025-03-01", "2025-02-01"]
    assert client.get("/v1/periods?cursor=eHg", headers=auditor).status_code == 422


def test_nobody_else_closes_a_month(session: orm.Session, client: TestClient) -> None:
    operator = factories.signed_in(session, Role.OPERATOR)
    body = {"book": "attribution", "month": "2025-02"}
    assert client.post("/v1/periods", json=body, headers=operator).status_code == 403
