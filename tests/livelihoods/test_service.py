"""Items are recorded once and corrected by reversal; files are taken whole or not at all."""

from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
import xlsxwriter
from sqlalchemy import orm

from market.errors import FutureDateError, InvalidInputError, MarketError, NotFoundError
from market.households.models import Household
from market.households.rules import HouseholdDepartedError, VillageOutsideRegionError
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.livelihoods import checking, item_import, queries, service
from market.livelihoods.checking import Checked, ItemsToCheckError
from market.livelihoods.models import AccountItem, AccountItemCheck
from market.livelihoods.rules import (
    CheckState,
    ItemKind,
    ItemRecordedError,
    ItemReversedError,
    ItemTooOldError,
    RowsAtFaultError,
    SupplierAsSourceError,
    Treatment,
    calendar_year,
)
from market.livelihoods.service import Item
from tests import factories

TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
PENSION = Item(ItemKind.PENSION, 10_800, date(2026, 2, 10), "县人社局", "发放表 2026-02")
HEADINGS = "户编号,类别,金额(元),日期,来源,凭证"


@pytest.fixture
def household(session: orm.Session) -> Household:
    return factories.household(session, village_code="141122106201")


@pytest.fixture
def clerk(session: orm.Session) -> Actor:
    return of_role(session, Role.VILLAGE_CLERK, "141122106201")


def of_role(session: orm.Session, role: Role, region_code: str) -> Actor:
    body = factories.organisation(session, kind=OrganisationKind.VILLAGE_OFFICE, region_code=region_code)
    return factories.actor(session, factories.member(session, body, role), Scope.REGION)


def record(session: orm.Session, actor: Actor, household: Household, item: Item = PENSION) -> AccountItem:
    return service.record(session, actor, household_id=household.id, item=item, today=TODAY, now=NOW)


def sums(session: orm.Session, household: Household) -> dict[ItemKind, int]:
    window = calendar_year(2026)
    found = queries.item_sums(session.connection(), [household.id], begin=window.begin, end=window.end)
    return {each.kind: each.fen for each in found}


def test_the_same_money_is_recorded_once(session: orm.Session, clerk: Actor, household: Household) -> None:
    record(session, clerk, household)
    with pytest.raises(ItemRecordedError, match=r"108\.00"):
        record(session, clerk, household)
    record(session, clerk, household, PENSION._replace(evidence="发放表 2026-02 第二人"))
    assert sums(session, household) == {ItemKind.PENSION: 21_600}


@pytest.mark.parametrize(
    "again",
    [
        {"evidence": "发放表2026-02"},
        {"evidence": "发放表 2026_02."},
        {"evidence": "发放表 ２０２６ 02"},
        {"amount_fen": 10_801},
        {"source": "交城县人社局"},
    ],
)
def test_an_evidence_shows_a_household_one_amount_of_a_kind_and_day(
    session: orm.Session, clerk: Actor, household: Household, again: dict[str, Any]
) -> None:
    item = record(session, clerk, household)
    with pytest.raises(ItemRecordedError, match=r"108\.00") as refused:
        record(session, clerk, household, PENSION._replace(**again))
    assert refused.value.pointer == "/evidence"
    for other in ({"kind": ItemKind.OLD_AGE}, {"occurred_on": date(2026, 2, 11)}):
        record(session, clerk, household, PENSION._replace(**again)._replace(**other))
    record(session, clerk, factories.household(session), PENSION._replace(**again))
    service.reverse(session, clerk, item_id=item.id, reason="金额有误", now=NOW)
    record(session, clerk, household, PENSION._replace(**again))


def test_an_item_is_of_the_twelve_months_by_which_the_household_was_registered_or_later(
    session: orm.Session, clerk: Actor
) -> None:
    household = factories.household(session, registered_on=date(2026, 2, 20))
    record(session, clerk, household, PENSION._replace(occurred_on=date(2025, 2, 1)))
    with pytest.raises(ItemTooOldError, match="2025-02-01 on") as refused:
        record(session, clerk, household, PENSION._replace(occurred_on=date(2025, 1, 31)))
    assert refused.value.pointer == "/occurred_on"


def test_what_was_wrong_is_reversed_and_both_rows_stay(
    session: orm.Session, clerk: Actor, household: Household
) -> None:
    item = record(session, clerk, household)
    reversal = service.reverse(session, clerk, item_id=item.id, reason="金额有误", now=NOW)
    assert (reversal.reverses, sums(session, household)) == (item.id, {})
    record(session, clerk, household)
    for again in (item, reversal):
        with pytest.raises(ItemReversedError):
            service.reverse(session, clerk, item_id=again.id, reason="再次", now=NOW)
    assert session.scalar(sa.select(sa.func.count()).select_from(AccountItem)) == 3


def test_an_item_is_of_a_day_on_which_the_household_could_have_had_it(
    session: orm.Session, clerk: Actor, household: Household
) -> None:
    with pytest.raises(FutureDateError):
        record(session, clerk, household, PENSION._replace(occurred_on=date(2026, 3, 3)))
    household.departed_on = date(2026, 2, 10)
    session.flush()
    with pytest.raises(HouseholdDepartedError):
        record(session, clerk, household)
    record(session, clerk, household, PENSION._replace(occurred_on=date(2026, 2, 9)))


def test_another_village_keeps_no_account_of_this_one(session: orm.Session, household: Household) -> None:
    stranger = of_role(session, Role.VILLAGE_CLERK, "141122106202")
    with pytest.raises(NotFoundError):
        record(session, stranger, household)
    item = factories.account_item(session, household)
    with pytest.raises(NotFoundError):
        service.reverse(session, stranger, item_id=item.id, reason="越界", now=NOW)


def check(session: orm.Session, actor: Actor, items: int, fen: int) -> Checked:
    seen = Checked(items, fen)
    return checking.check_items(
        session, actor, village_code="141122106201", period=calendar_year(2026), seen=seen, now=NOW
    )


def test_a_second_person_checks_a_villages_items_as_they_were_seen(
    session: orm.Session, clerk: Actor, household: Household
) -> None:
    county = of_role(session, Role.COUNTY_REVIEWER, "141122")
    pension = record(session, clerk, household)
    wrong = record(session, clerk, household, PENSION._replace(amount_fen=77, evidence="发放表 乙"))
    service.reverse(session, clerk, item_id=wrong.id, reason="金额有误", now=NOW)
    own = record(session, county, household, PENSION._replace(kind=ItemKind.SOLAR))
    record(session, clerk, household, PENSION._replace(occurred_on=date(2025, 1, 1)))
    with pytest.raises(ItemsToCheckError, match=r"1 items of 108\.00"):
        check(session, county, 2, 21_600)
    assert check(session, county, 1, 10_800) == (1, 10_800)
    period = calendar_year(2026)
    listed = queries.of_region(queries.visible_account_items(county), "141122106201", period)
    states = {
        state: [row.item.id for row in queries.shown(session, queries.in_state(listed, state))] for state in CheckState
    }
    assert states == {CheckState.CHECKED: [pension.id], CheckState.UNCHECKED: [own.id]}
    with pytest.raises(ItemsToCheckError, match="0 items"):
        check(session, county, 1, 10_800)
    assert check(session, of_role(session, Role.COUNTY_REVIEWER, "141122"), 1, 10_800) == (1, 10_800)
    with pytest.raises(VillageOutsideRegionError):
        check(session, of_role(session, Role.COUNTY_REVIEWER, "141130"), 1, 1)


def test_the_database_lets_nobody_check_what_they_recorded(
    session: orm.Session, clerk: Actor, household: Household
) -> None:
    item = record(session, clerk, household)
    own = {"item_id": item.id, "recorded_by": clerk.member_id, "checked_by": clerk.member_id, "checked_at": NOW}
    with pytest.raises(sa.exc.IntegrityError, match="recorder_is_not_checker"), session.begin_nested():
        session.execute(sa.insert(AccountItemCheck).values(own))


def test_what_is_checked_and_taken_back_leaves_nothing_checked(
    session: orm.Session, clerk: Actor, household: Household
) -> None:
    item = record(session, clerk, household)
    kept = record(session, clerk, household, PENSION._replace(amount_fen=300, evidence="发放表 乙"))
    check(session, of_role(session, Role.COUNTY_REVIEWER, "141122"), 2, 11_100)
    service.reverse(session, clerk, item_id=item.id, reason="重复", now=NOW)
    window = calendar_year(2026)
    (found,) = queries.item_sums(session.connection(), [household.id], begin=window.begin, end=window.end)
    assert (found.fen, found.checked_fen) == (kept.amount_fen, kept.amount_fen)


NAMED = "王村富山种植专业合作社"


@pytest.mark.parametrize(
    "source", [NAMED, " 王村富山 种植专业合作社(二月)", "911411220000000ABC", "统一代码:911411220000000abc"]
)
def test_income_of_a_suppliers_money_comes_from_orders_only(
    session: orm.Session, clerk: Actor, household: Household, source: str
) -> None:
    factories.organisation(session, kind=OrganisationKind.COOPERATIVE, name=NAMED).credit_code = "911411220000000ABC"
    session.flush()
    for kind in (ItemKind.WAGE_ELSEWHERE, ItemKind.OTHER_OPERATING, ItemKind.OTHER_PROPERTY, ItemKind.SOLAR):
        with pytest.raises(SupplierAsSourceError) as refused:
            record(session, clerk, household, PENSION._replace(kind=kind, source=source))
        assert refused.value.pointer == "/source"
    for kind in (ItemKind.INSURANCE_TOP_UP, ItemKind.GIFT, ItemKind.OPERATING_EXPENSE):
        record(session, clerk, household, PENSION._replace(kind=kind, source=source))
    content = f"{HEADINGS}\n{household.code},外出务工工资,108,2026-02-10,{NAMED},表1".encode()
    (fault,) = imported(session, clerk, content, dry_run=True).faults
    assert (fault.column, fault.error.code()) == ("来源", "supplier_as_source")


def test_a_village_collectives_own_station_and_posts_are_no_income_of_orders(
    session: orm.Session, clerk: Actor, household: Household
) -> None:
    factories.organisation(session, kind=OrganisationKind.VILLAGE_COLLECTIVE, name="王村股份经济合作社")
    factories.organisation(session, kind=OrganisationKind.SCHOOL, name="交城县示范小学")
    collective = PENSION._replace(source="王村股份经济合作社")
    for kind in (ItemKind.SOLAR, ItemKind.PUBLIC_POST):
        record(session, clerk, household, collective._replace(kind=kind))
    with pytest.raises(SupplierAsSourceError):
        record(session, clerk, household, collective._replace(kind=ItemKind.OTHER_PROPERTY))
    record(session, clerk, household, PENSION._replace(kind=ItemKind.WAGE_ELSEWHERE, source="交城县示范小学"))


def imported(
    session: orm.Session, actor: Actor, content: bytes, *, name: str = "收支.csv", dry_run: bool = False
) -> item_import.Imported:
    return item_import.import_items(
        session, actor, file_name=name, content=content, today=TODAY, now=NOW, dry_run=dry_run
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_of_amounts_in_yuan_is_imported_to_the_fen(
    session: orm.Session, clerk: Actor, household: Household, encoding: str
) -> None:
    text = (
        f"{HEADINGS}\n"
        f"{household.code},养老金,108,2026-02-10,县人社局,表1\n"
        ",,,,,\n"
        f'{household.code},耕地地力保护补贴,"1,621.4",2026年2月11日,乡政府,表2\n'
        f"{household.code},gift,15000.00,2026-02-12,供销社,表3\n"
    )
    found = imported(session, clerk, text.encode(encoding))
    assert (found.rows, found.faults) == (3, [])
    assert (found.amounts[Treatment.COUNTED], found.amounts[Treatment.EXCLUDED]) == (172_940, 1_500_000)
    assert sums(session, household) == {
        ItemKind.PENSION: 10_800,
        ItemKind.FARMLAND: 162_140,
        ItemKind.GIFT: 1_500_000,
    }


def test_a_workbook_is_read_like_a_table(session: orm.Session, clerk: Actor, household: Household) -> None:
    buffer = BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADINGS.split(","))
        sheet.write_row(1, 0, [household.code, "退耕还林补助", 12_150, "", "县林业局", "表1"])
        sheet.write_datetime(
            1, 3, datetime(2026, 2, 1, tzinfo=UTC).replace(tzinfo=None), book.add_format({"num_format": 14})
        )
        sheet.write_row(2, 0, [household.code, "养老金", 0.29, "2026-02-10", "县人社局", "表2"])
    imported(session, clerk, buffer.getvalue(), name="收支.XLSX")
    assert sums(session, household) == {ItemKind.GRAIN_TO_GREEN: 1_215_000, ItemKind.PENSION: 29}


def test_a_dry_run_names_every_row_at_fault_and_writes_nothing(
    session: orm.Session, clerk: Actor, household: Household
) -> None:
    stranger = factories.household(session, village_code="141122106202")
    good = f"{household.code},养老金,108,2026-02-10,县人社局,表1"
    faulty = [
        good,
        f"{stranger.code},养老金,108,2026-02-10,县人社局,表1",
        f"{household.code},彩票,108,2026-02-10,县人社局,表1",
        f"{household.code},养老金,1.234,2026-02-10,县人社局,表1",
        f"{household.code},养老金,0,2026-02-10,县人社局,表1",
        f"{household.code},养老金,108,二月,县人社局,表1",
        f"{household.code},养老金,108,2026-03-03,县人社局,表1",
        f"{household.code},养老金,108,2026-02-10,,表1",
        f"{household.code},养老金,108,2026-02-10,县人社局,{'长' * 201}",
        f'{household.code},养老金,"12,00.00",2026-02-10,县人社局,表2',
        f"{household.code},养老金,108,0001-01-01,县人社局,表2",
        f"{household.code},养老金,108,2026-02-10,县人社局,电话 13800000000",
    ]
    content = "\n".join([HEADINGS, good, *faulty]).encode()
    found = imported(session, clerk, content, dry_run=True)
    assert [(fault.line, fault.column, fault.error.code()) for fault in found.faults] == [
        (3, "凭证", "item_recorded"),
        (4, "户编号", "not_found"),
        (5, "类别", "invalid_input"),
        (6, "金额(元)", "invalid_input"),
        (7, "金额(元)", "invalid_input"),
        (8, "日期", "invalid_input"),
        (9, "日期", "future_date"),
        (10, "来源", "invalid_input"),
        (11, "凭证", "invalid_input"),
        (12, "金额(元)", "invalid_input"),
        (13, "日期", "invalid_input"),
        (14, "凭证", "invalid_input"),
    ]
    with pytest.raises(RowsAtFaultError, match=r"12 of 13 rows .* line 3"):
        imported(session, clerk, content)
    assert sums(session, household) == {}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"", "headings lack"),
        ("a.csv", "户编号,类别\n1,2".encode(), "headings lack 金额"),
        ("a.csv", f"{HEADINGS}\n".encode(), "1 to 10000 rows"),
        ("a.csv", b"\xff\xff\xff", "neither a workbook"),
        ("a.csv", f'{HEADINGS}\n"'.encode(), "neither a workbook"),
        ("a.xlsx", b"PK", "neither a workbook"),
        ("a.xlsx", HEADINGS.encode(), "neither a workbook"),
    ],
)
def test_what_is_no_table_of_items_is_refused(
    session: orm.Session, clerk: Actor, name: str, content: bytes, reason: str
) -> None:
    with pytest.raises(InvalidInputError, match=reason) as refused:
        imported(session, clerk, content, name=name)
    assert isinstance(refused.value, MarketError)
