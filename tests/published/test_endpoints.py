"""What others printed is kept as it was printed: overlapping figures have no sum, and no report holds them."""

from itertools import combinations
from typing import Any

from sqlalchemy import orm
from starlette.testclient import TestClient

from market.identity.rules import Role
from market.published.rules import WHY_NO_TOTAL
from market.reports.rules import Dimension
from tests import factories

QINGYANG = {
    "天津社会采购": ("press", 19_000_000_000),
    "专馆、体验馆、特产馆、爱心专柜销售": ("press", 3_984_000_000),
    "线上农产品零售额": ("press", 26_000_000_000),
    "帮扶单位和干部购买": ("press", 1_565_430_000),
    "民营企业农产品收购协议": ("agreement", 591_000_000),
}


def figure(title: str, kind: str, fen: int) -> dict[str, Any]:
    return {
        "kind": kind,
        "title": title,
        "amount_fen": fen,
        "region_code": "6210",
        "scope": "庆阳市",
        "period_from": "2020-01-01",
        "period_to": "2020-12-31",
        "source": "庆阳市脱贫攻坚总结(2020)",
    }


def publish(client: TestClient, session: orm.Session) -> None:
    factories.region(session, code="6210")
    for title, (kind, fen) in QINGYANG.items():
        operator = factories.signed_in(session, Role.OPERATOR)
        answer = client.post("/v1/published-figures", json=figure(title, kind, fen), headers=operator)
        assert answer.status_code == 201, answer.text


def numbers(found: Any) -> set[int]:
    """Return every whole number that an answer holds."""
    if isinstance(found, dict | list):
        return {number for part in (found.values() if isinstance(found, dict) else found) for number in numbers(part)}
    return {found} if isinstance(found, int) and not isinstance(found, bool) else set()


def test_the_five_figures_of_qingyang_are_listed_and_never_summed(client: TestClient, session: orm.Session) -> None:
    publish(client, session)
    auditor = factories.signed_in(session, Role.AUDITOR)
    listed = client.get("/v1/published-figures", headers=auditor).json()
    assert {each["title"]: (each["kind"], each["amount_fen"]) for each in listed["items"]} == QINGYANG
    assert (listed["why_no_total_en"], listed["why_no_total_zh"]) == WHY_NO_TOTAL
    amounts = [fen for _, fen in QINGYANG.values()]
    sums = {sum(some) for size in range(2, 6) for some in combinations(amounts, size)}
    assert numbers(listed) == set(amounts)
    for dimension in Dimension:
        asked = {"from": "2020-01-01", "to": "2020-12-31"}
        report = client.get(f"/v1/reports/{dimension}", params=asked, headers=auditor).json()
        assert not numbers(report) & (sums | set(amounts))


def test_households_and_people_that_others_count_are_no_amount_of_money(
    client: TestClient, session: orm.Session
) -> None:
    factories.region(session, code="6210")
    counted = figure("脱贫不稳定户", "press", 1) | {"amount_fen": None, "households": 2_082, "people": 8_611}
    for changed, status in (
        ({}, 201),
        ({"amount_fen": 1}, 422),
        ({"households": None, "people": None}, 422),
        ({"households": 0}, 422),
    ):
        operator = factories.signed_in(session, Role.OPERATOR)
        answer = client.post("/v1/published-figures", json=counted | changed, headers=operator)
        assert answer.status_code == status, answer.text
    listed = client.get("/v1/published-figures", headers=factories.signed_in(session, Role.AUDITOR)).json()
    (told,) = listed["items"]
    assert (told["amount_fen"], told["households"], told["people"]) == (None, 2_082, 8_611)


def test_a_published_figure_has_a_period_and_a_known_region(client: TestClient, session: orm.Session) -> None:
    factories.region(session, code="6210")
    for changed, pointer in (
        ({"period_to": "2019-12-31"}, "/period_to"),
        ({"region_code": "6299"}, "/region_code"),
        ({"kind": "sale"}, "/kind"),
    ):
        operator = factories.signed_in(session, Role.OPERATOR)
        answer = client.post("/v1/published-figures", json=figure("销售", "press", 1) | changed, headers=operator)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
