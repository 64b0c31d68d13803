"""Reports add up: row by row to the slow way, in total to the orders and the book; and a workbook says the same."""

import re
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from python_calamine import CalamineWorkbook
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.db import Database
from market.identity.models import Organisation
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.reports.queries import Filters, Report, report
from market.reports.rules import COLUMNS, SALE_COLUMNS, Dimension
from tests import factories
from tests.conftest import RolledBackDatabase
from tests.reports.slow_way import SlowReport, raw_rows
from tests.reports.small_market import APRIL, WINDOW, SmallMarket, small_market

NARROWED: dict[str, dict[str, Any]] = {
    "everything": {},
    "one county": {"county": "141122"},
    "a whole city": {"county": "1411"},
    "one channel": {"channel": "canteen"},
    "one month": {"period_from": date(2026, 5, 1), "period_to": date(2026, 5, 31)},
    "one day": {"period_from": APRIL, "period_to": APRIL},
    "a channel in a county in two months": {
        "county": "141130",
        "channel": "workshop",
        "period_from": date(2026, 5, 1),
        "period_to": date(2026, 6, 30),
    },
    "before anything": {"period_from": date(2019, 1, 1), "period_to": date(2019, 12, 31)},
}


@pytest.fixture(scope="module")
def db(worker_db: Database) -> Iterator[Database]:
    """One market for all that only read it."""
    database = RolledBackDatabase(worker_db)
    yield database
    database.close()


@pytest.fixture(scope="module")
def market(db: Database) -> SmallMarket:
    with db.transaction() as session:
        return small_market(session)


def auditor(session: orm.Session) -> Actor:
    office = factories.organisation(session, kind=OrganisationKind.AUDIT_OFFICE)
    return factories.actor(session, factories.member(session, office), Scope.ALL)


def asked(session: orm.Session, actor: Actor, dimension: Dimension, **narrowed: Any) -> Report:
    period = {"period_from": WINDOW[0], "period_to": WINDOW[1]}
    return report(session.connection(), actor, dimension, Filters(**(period | narrowed)))


def figures(found: Report) -> dict[str | None, dict[str, int | None]]:
    return {row.key: dict(row.figures) for row in found.rows}


@pytest.mark.parametrize("narrowed", NARROWED.values(), ids=NARROWED.keys())
def test_every_report_is_what_the_raw_rows_say(
    session: orm.Session, market: SmallMarket, narrowed: dict[str, Any]
) -> None:
    rows = raw_rows(session.connection())
    actor = auditor(session)
    for supplier_id in (None, *(story.supplier.id for story in market.stories)):
        for dimension in Dimension:
            filters = Filters(
                **({"period_from": WINDOW[0], "period_to": WINDOW[1]} | narrowed), supplier_id=supplier_id
            )
            found = report(session.connection(), actor, dimension, filters)
            slow = SlowReport(rows, dimension, filters)
            for key, expected in slow.figures.items():
                if dimension is Dimension.MECHANISM and key is not None:
                    expected |= dict.fromkeys(SALE_COLUMNS)  # type: ignore[arg-type]  # noqa: PLW2901
            assert figures(found) == slow.figures
            assert found.totals == slow.total


@pytest.mark.usefixtures("market")
def test_a_report_that_lost_a_fen_is_seen(session: orm.Session) -> None:
    rows = dict(raw_rows(session.connection()))
    first, *others = rows["ledger_transfers"]
    rows["ledger_transfers"] = [dict(first) | {"amount_fen": first["amount_fen"] - 1}, *others]
    slow = SlowReport(rows, Dimension.CHANNEL, Filters(*WINDOW))
    assert asked(session, auditor(session), Dimension.CHANNEL).totals != slow.total


@pytest.mark.parametrize("dimension", Dimension)
@pytest.mark.usefixtures("market")
def test_totals_equal_the_orders_and_the_book(session: orm.Session, dimension: Dimension) -> None:
    totals = asked(session, auditor(session), dimension).totals
    connection = session.connection()

    def fen(statement: str) -> int:
        return int(connection.scalar(sa.text(statement)) or 0)

    assert totals["sale_fen"] == fen("SELECT sum(accepted_fen - returned_fen) FROM order_lines")
    assert totals["sale_net_fen"] == fen("SELECT sum(accepted_net_fen - returned_net_fen) FROM order_lines")
    assert totals["orders"] == fen("SELECT count(*) FROM orders WHERE status = 'accepted'")
    ladders = [totals[f"{whose}_accrued_fen"] for whose in ("assisted", "ordinary", "collective")]
    assert sum(ladders) + totals["retained_fen"] + totals["pool_fen"] + totals["suspense_fen"] == totals["sale_net_fen"]
    disbursed = [totals[f"{whose}_disbursed_fen"] for whose in ("assisted", "ordinary", "collective")]
    received = sum(disbursed) + totals["top_up_paid_fen"] + totals["advance_fen"]
    assert received == fen("SELECT sum(amount_fen) FROM payments")
    assert all(totals[column] for column in COLUMNS), "nothing is left untried"


@pytest.mark.parametrize("dimension", [each for each in Dimension if each is not Dimension.MECHANISM])
@pytest.mark.usefixtures("market")
def test_every_row_conserves_what_was_sold(session: orm.Session, dimension: Dimension) -> None:
    for row in asked(session, auditor(session), dimension).rows:
        earned = sum(row.figures[f"{whose}_accrued_fen"] or 0 for whose in ("assisted", "ordinary", "collective"))
        kept = sum(row.figures[f"{whose}_fen"] or 0 for whose in ("retained", "pool", "suspense"))
        assert earned + kept == row.figures["sale_net_fen"]


@pytest.mark.usefixtures("market")
def test_amounts_of_rows_sum_to_the_total_and_people_count_once(session: orm.Session) -> None:
    for dimension in Dimension:
        found = asked(session, auditor(session), dimension)
        for column in (name for name in COLUMNS if name.endswith("_fen")):
            assert sum(row.figures[column] or 0 for row in found.rows) == found.totals[column]
    by_channel = asked(session, auditor(session), Dimension.CHANNEL)
    assert by_channel.totals["households"] == 5 < sum(row.figures["households"] or 0 for row in by_channel.rows)


@pytest.mark.usefixtures("market")
def test_money_paid_ahead_stands_in_a_row_of_its_own(session: orm.Session) -> None:
    rows = asked(session, auditor(session), Dimension.BUYER).rows
    (apart,) = [row for row in rows if row.key is None]
    assert apart.name == "非订单带来"
    assert apart.figures["advance_fen"]
    assert [name for name, figure in apart.figures.items() if figure] == ["advance_fen"]
    assert not any(row.figures["advance_fen"] for row in rows if row.key is not None)


@pytest.mark.usefixtures("market")
def test_a_sale_is_not_shared_out_among_mechanisms(session: orm.Session) -> None:
    rows = asked(session, auditor(session), Dimension.MECHANISM).rows
    pools = {"share_dividend", "collective_dividend", "patronage"}
    assert {row.key for row in rows} == {"order_purchase", "labour", *pools, None}
    assert all((row.figures["sale_fen"] is None) == (row.key is not None) for row in rows)


def test_each_sees_its_own(session: orm.Session, market: SmallMarket) -> None:
    whole = asked(session, auditor(session), Dimension.COOPERATIVE).totals
    first = market.stories[0]
    own = asked(session, first.clerk, Dimension.COOPERATIVE)
    assert [row.key for row in own.rows] == [str(first.supplier.id)]
    only = {"supplier_id": first.supplier.id}
    assert own.totals == asked(session, auditor(session), Dimension.COOPERATIVE, **only).totals

    bought = [asked(session, buyer.orderer, Dimension.BUYER) for buyer in market.buyers]
    assert [[row.key for row in each.rows] for each in bought] == [[str(b.organisation.id)] for b in market.buyers]
    assert sum(each.totals["sale_fen"] for each in bought) == whole["sale_fen"]
    assert sum(each.totals["retained_fen"] for each in bought) == whole["retained_fen"]
    assert all(each.totals["advance_fen"] == 0 for each in bought), "no order brought it, so no buyer sees it"


def test_a_county_sees_the_orders_of_either_of_its_parties(session: orm.Session, market: SmallMarket) -> None:
    department = factories.organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT, region_code="141130")
    county = factories.actor(session, factories.member(session, department, Role.COUNTY_REVIEWER), Scope.REGION)
    found = asked(session, county, Dimension.COOPERATIVE)
    rich, cheap, _ = market.stories
    assert {row.key for row in found.rows} == {str(cheap.supplier.id), str(rich.supplier.id)}
    firm = asked(session, market.buyers[1].orderer, Dimension.COOPERATIVE, supplier_id=rich.supplier.id).totals
    everything = asked(session, county, Dimension.COOPERATIVE, supplier_id=cheap.supplier.id).totals
    assert found.totals["sale_fen"] == firm["sale_fen"] + everything["sale_fen"]
    assert found.totals["advance_fen"] == everything["advance_fen"] != 0
    assert asked(session, county, Dimension.REGION, county="141130").totals == everything


# Over HTTP.


@pytest.fixture
def headers(session: orm.Session, market: SmallMarket) -> dict[str, str]:
    assert market.stories
    return factories.signed_in(session, Role.AUDITOR)


PERIOD = {"from": "2026-01-01", "to": "2026-12-31"}


def cells(content: bytes, sheet: str) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_name(sheet).to_python()


@pytest.mark.parametrize("dimension", Dimension)
def test_the_workbook_says_what_the_json_says(
    client: TestClient, headers: dict[str, str], dimension: Dimension
) -> None:
    shown = client.get(f"/v1/reports/{dimension}", params=PERIOD, headers=headers).json()
    answer = client.get(f"/v1/reports/{dimension}.xlsx", params=PERIOD, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="report-{dimension}-2026-01-01-2026-12-31.xlsx"'
    )
    names = [column["figure"] for column in shown["columns"]]
    expected = [[row["key"] or "", row["name"], *(row[name] for name in names)] for row in shown["rows"]]
    expected.append(["", "合计", *(shown["totals"][name] for name in names)])
    _, *in_fen = cells(answer.content, "报表(分)")
    assert in_fen == [[("" if value is None else value) for value in row] for row in expected]
    header, *in_yuan = cells(answer.content, "报表(元)")
    assert header[2:5] == ["订单数", "销售额(元)", "不含税销售额(元)"]
    for row, exact in zip(in_yuan, expected, strict=True):
        for name, value, fen in zip(names, row[2:], exact[2:], strict=True):
            money = name.endswith("_fen") and fen is not None
            assert f"{value:.2f}" == f"{fen // 100}.{fen % 100:02d}" if money and fen >= 0 else True
            assert fen is None or round(value * (100 if money else 1)) == fen
    notes = cells(answer.content, "说明")
    assert [row[0] for row in notes[-len(names) :]] == [column["title"] for column in shown["columns"]]


def test_a_name_that_looks_like_a_formula_stays_a_name(
    client: TestClient, session: orm.Session, market: SmallMarket, headers: dict[str, str]
) -> None:
    evil = '=HYPERLINK("http://example.invalid","点此")'
    session.get_one(Organisation, market.stories[0].supplier.id).name = evil
    session.flush()
    content = client.get("/v1/reports/cooperative.xlsx", params=PERIOD, headers=headers).content
    assert evil in [row[1] for row in cells(content, "报表(元)")]
    assert not re.search(rb"<f>", content)


def test_a_report_without_a_period_is_of_this_year(client: TestClient, headers: dict[str, str]) -> None:
    shown = client.get("/v1/reports/month", headers=headers).json()
    assert shown["period_from"] == f"{shown['period_to'][:4]}-01-01"


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("/v1/reports/channel?from=2026-02-01&to=2026-01-31", "/query/to"),
        ("/v1/reports/channel?from=yesterday", "/query/from"),
        ("/v1/reports/channel?county=abc", "/query/county"),
        ("/v1/reports/channel?households=3", "/query/households"),
        ("/v1/reports/income_per_household", "/path/dimension"),
    ],
)
def test_a_report_that_does_not_exist_is_refused(
    client: TestClient, headers: dict[str, str], path: str, pointer: str
) -> None:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


def test_a_village_clerk_reads_no_report(client: TestClient, session: orm.Session) -> None:
    clerk = factories.signed_in(session, Role.VILLAGE_CLERK, kind=OrganisationKind.VILLAGE_OFFICE)
    assert client.get("/v1/reports/channel", headers=clerk).status_code == 403


@pytest.mark.usefixtures("market")
def test_a_report_takes_one_statement(db: Database, session: orm.Session) -> None:
    statements: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    asked(session, auditor(session), Dimension.CHANNEL)
    assert sum("report_moves" in statement for statement in statements) == 1
