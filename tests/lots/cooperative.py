"""A cooperative as an HTTP client sees it, as the tests of lots use it."""

from typing import Any
from uuid import uuid4

from sqlalchemy import orm
from starlette.testclient import TestClient

from market.identity.models import Member
from market.identity.rules import Role
from market.quantities import Unit
from tests import factories

LOT = {"unit": "jin", "quantity": "1000", "produced_on": "2026-01-05", "origin_code": "141122", "bought_in": "1000"}


class Cooperative:
    """富山 of Wang village as an HTTP client sees it: a clerk, a manager, a product sold by the jin."""

    def __init__(self, session: orm.Session, client: TestClient) -> None:
        self.session, self.client = session, client
        self.body = factories.organisation(session)
        flagged = factories.category(session, needs_quality_certificate=True)
        product = factories.product(session, self.body, unit=Unit.JIN, unit_milli=500, category_code=flagged.code)
        self.product_id = str(product.id)
        self.clerk = factories.member(session, self.body, Role.SUPPLIER_CLERK)
        self.manager = factories.member(session, self.body, Role.SUPPLIER_MANAGER)

    def household(self) -> str:
        row = factories.household(self.session)
        factories.enrolment(self.session, self.body, row)
        return str(row.id)

    def post(self, path: str, json: Any = None, *, by: Member | None = None, key: str | None = None) -> Any:
        headers = factories.headers(self.session, by or self.clerk, key=key)
        return self.client.post(f"/v1{path}", json=json, headers=headers)

    def put(self, path: str, json: Any, *, by: Member | None = None) -> Any:
        return self.client.put(f"/v1{path}", json=json, headers=factories.headers(self.session, by or self.clerk))

    def get(self, path: str, *, by: Member | None = None, **query: Any) -> Any:
        headers = factories.headers(self.session, by or self.clerk)
        return self.client.get(f"/v1{path}", params=query, headers=headers)

    def lot(self, **facts: Any) -> dict[str, Any]:
        answer = self.post("/lots", LOT | {"product_id": self.product_id} | facts)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def open_lot(self, **facts: Any) -> dict[str, Any]:
        lot = self.lot(**facts)
        assert self.post(f"/lots/{lot['id']}/quality-certificate", {"number": f"HGZ-{uuid4()}"}).status_code == 200
        answer = self.post(f"/lots/{lot['id']}/opening", by=self.manager)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def refused(answer: Any, status: int, code: str, pointer: str | None = None) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if pointer is not None:
        assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
