"""The audit over HTTP."""

import pytest
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.audit.doctoring import INVARIANTS
from market.identity.rules import Role
from tests import factories
from tests.story import Story, open_channels


@pytest.fixture
def told(session: orm.Session) -> tuple[Story, object, object]:
    open_channels(session)
    story = Story(session, tax_bp=900)
    household = story.household()
    story.lot(20_000, {household.id: 6_000})
    order = story.sell("4", "2")
    story.pay(order, 5_000)
    story.disburse({household.id: 100})
    return story, household, order


@pytest.fixture
def headers(session: orm.Session) -> dict[str, str]:
    return factories.signed_in(session, Role.AUDITOR)


def test_an_order_is_traced(client: TestClient, told: tuple[Story, object, object], headers: dict[str, str]) -> None:
    _, household, order = told
    answer = client.get(f"/v1/audit/orders/{order.id}/trace", headers=headers)  # type: ignore[attr-defined]
    assert answer.status_code == 200
    body = answer.json()
    assert [receipt["amount_fen"] for receipt in body["receipts"]] == [5_000]
    for line in body["lines"]:
        assert sum(share["amount_fen"] for share in line["shares"]) == line["sale"]["net_fen"]
        assert len(line["plan"]["sha256"]) == 64
    shares = [share for line in body["lines"] for share in line["shares"]]
    assert {share["mechanism_name"] for share in shares} == {"订单收购", None}
    (paid,) = [share for share in shares if share["payment"]]
    assert paid["owner_name"] == household.code  # type: ignore[attr-defined]
    assert paid["contribution"]["evidence"]


def test_a_household_is_traced_page_by_page(
    client: TestClient, told: tuple[Story, object, object], headers: dict[str, str]
) -> None:
    _, household, order = told
    path = f"/v1/audit/households/{household.id}/trace"  # type: ignore[attr-defined]
    period = {"from": "2026-01-01", "to": "2026-12-31"}
    first = client.get(path, params={**period, "limit": 1}, headers=headers).json()
    second = client.get(path, params={**period, "cursor": first["next_cursor"]}, headers=headers).json()
    assert second["next_cursor"] is None
    items = first["items"] + second["items"]
    assert {item["order"]["number"] for item in items} == {order.number}  # type: ignore[attr-defined]
    assert len({item["line"]["id"] for item in items}) == 2
    assert sum(step["amount_fen"] for step in first["steps"]) == sum(
        share["amount_fen"] for item in items for share in item["line"]["shares"]
    )


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({}, 422, "invalid_input"),
        ({"from": "2026-01-01", "to": "2025-01-01"}, 422, "trace_period"),
        ({"from": "2025-01-01", "to": "2026-12-31"}, 422, "trace_period"),
        ({"from": "2026-01-01", "to": "2026-12-31", "until": "x"}, 422, "invalid_input"),
        ({"from": "2026-01-01", "to": "2026-12-31"}, 404, "not_found"),
    ],
)
def test_a_trace_that_cannot_be_is_refused(
    client: TestClient, headers: dict[str, str], params: dict[str, str], status: int, code: str
) -> None:
    path = "/v1/audit/households/00000000-0000-0000-0000-000000000000/trace"
    answer = client.get(path, params=params, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.usefixtures("told")
def test_the_book_is_verified(client: TestClient, headers: dict[str, str]) -> None:
    body = client.get("/v1/audit/verification", headers=headers).json()
    assert body["sound"]
    assert (body["lines"], body["difference_count"], body["findings"]) == (2, 0, [])
    assert body["transfers"] > 5


def test_a_difference_is_told_in_the_readers_language(
    client: TestClient, session: orm.Session, told: tuple[Story, object, object], headers: dict[str, str]
) -> None:
    story, household, order = told
    factories.contribution(session, story.lot(1_000)[0], household)  # type: ignore[arg-type]
    story.lines(order)[0].plan_sha256 = "0" * 64  # type: ignore[arg-type]
    session.flush()
    params = {"order_id": str(order.id)}  # type: ignore[attr-defined]
    body = client.get("/v1/audit/verification", params=params, headers=headers).json()
    assert not body["sound"]
    assert {finding["difference"] for finding in body["findings"]} == {"plan_pin", "facts"}
    chinese = client.get("/v1/audit/verification", params=params, headers=headers | {"Accept-Language": "zh-CN"}).json()
    assert any("订单行锁定的方案哈希与方案不符" in finding["sentence"] for finding in chinese["findings"])


@pytest.mark.usefixtures("told")
def test_the_invariants_are_examined(client: TestClient, headers: dict[str, str]) -> None:
    body = client.get("/v1/audit/invariants", headers=headers).json()
    assert body["sound"], body["symptoms"]
    assert body["invariants"] == [invariant.name for invariant in INVARIANTS]


def test_a_broken_invariant_is_told(
    client: TestClient, session: orm.Session, told: tuple[Story, object, object], headers: dict[str, str]
) -> None:
    told[2].amount_fen += 1  # type: ignore[attr-defined]
    session.flush()
    body = client.get("/v1/audit/invariants", headers=headers | {"Accept-Language": "zh"}).json()
    assert [symptom["invariant"] for symptom in body["symptoms"]] == ["order_sums_its_lines"]
    assert "订单金额等于各行之和" in body["symptoms"][0]["sentence"]


@pytest.mark.parametrize("path", ["verification", "invariants"])
def test_only_auditors_audit(client: TestClient, session: orm.Session, path: str) -> None:
    headers = factories.signed_in(session, Role.SUPPLIER_MANAGER)
    assert client.get(f"/v1/audit/{path}", headers=headers).status_code == 403
