"""A file of the register: checked whole, recorded whole or not at all, and nothing of a person repeated."""

import base64
import csv
import io
from collections.abc import Iterable
from typing import Any

import pytest
import sqlalchemy as sa
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from market.households.models import Household, HouseholdHeadCount, HouseholdStatusPeriod, Person
from market.households.register_file import TITLES
from market.households.rules import Column, PersonalField
from tests import factories
from tests.households.registry import CARD, Registry
from tests.stalls import VILLAGE, Desk

HEADER = list(TITLES.values())
HOUSE = {
    "household_code": "FH1",
    "village_code": VILLAGE,
    "status": "脱贫户",
    "head_count": "1",
    "registered_on": "2024-01-01",
}
Row = dict[str, Any]


def row(serial: int, code: str = "FH1", heads: int = 1, **changed: Any) -> Row:
    known = {name: value or "" for name, value in factories.particulars(serial).items()}
    return HOUSE | {"household_code": code, "head_count": str(heads)} | known | changed


def csv_of(rows: Iterable[Row], *, english: bool = False, encoding: str = "utf-8-sig") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.value for column in TITLES] if english else HEADER)
    writer.writerows([each.get(column.value, "") for column in TITLES] for each in rows)
    return text.getvalue().encode(encoding)


def xlsx_of(rows: Iterable[Row]) -> bytes:
    buffer = io.BytesIO()
    with Workbook(buffer) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        for number, each in enumerate(rows, 1):
            sheet.write_row(number, 0, [each.get(column.value, "") for column in TITLES])
    return buffer.getvalue()


def send(desk: Desk, content: bytes, kind: str = "csv", *, dry: bool = False, **changed: Any) -> Any:
    body = {"kind": kind, "content": base64.b64encode(content).decode()} | changed
    return desk.post(f"/register-imports{'?dry_run=true' if dry else ''}", body)


def counts(registry: Registry) -> tuple[int, int]:
    registry.session.expire_all()
    return tuple(  # type: ignore[return-value]
        registry.session.scalars(sa.select(sa.func.count()).select_from(table)).one() for table in (Household, Person)
    )


@pytest.fixture
def rows() -> list[Row]:
    return [row(11, heads=2), row(12, heads=2, relation="配偶"), row(13, "FH2", status="一般户")]


@pytest.mark.parametrize("kind", ["csv", "english csv", "gb18030", "xlsx"])
def test_a_file_is_recorded_whatever_it_is_and_again_brings_nothing_new(
    registry: Registry, rows: list[Row], kind: str
) -> None:
    content = {
        "csv": lambda: csv_of(rows),
        "english csv": lambda: csv_of(rows, english=True),
        "gb18030": lambda: csv_of(rows, encoding="gb18030"),
        "xlsx": lambda: xlsx_of(rows),
    }[kind]()
    sent = "xlsx" if kind == "xlsx" else "csv"
    predicted = send(registry.county, content, sent, dry=True)
    assert (predicted.status_code, counts(registry)) == (200, (1, 1)), "a dry run records nothing"
    made = send(registry.county, content, sent)
    assert made.status_code == 201, made.text
    assert made.json() == predicted.json()
    assert (made.json()["households_new"], made.json()["people_new"], counts(registry)) == (2, 3, (3, 4))
    repeated = send(registry.county, content, sent)
    assert repeated.status_code == 200, "nothing was made"
    again = repeated.json()
    assert (again["households_new"], again["households_unchanged"], again["differences"]) == (0, 2, [])
    assert counts(registry) == (3, 4)
    household = registry.session.scalars(sa.select(Household).filter_by(code="FH1")).one()
    (status,) = registry.session.scalars(sa.select(HouseholdStatusPeriod).filter_by(household_id=household.id))
    (count,) = registry.session.scalars(sa.select(HouseholdHeadCount).filter_by(household_id=household.id))
    assert (household.head_count, count.head_count, status.status) == (2, 2, "registered_poor")
    importer = registry.county.member.id
    assert [(each.valid_from < each.recorded_at.date(), each.recorded_by) for each in (status, count)] == [
        (True, importer)
    ] * 2, "who imported what began long before, and when, stands beside it"
    (home,) = registry.reveal(registry.county, "name", "phone", household_ids=[str(household.id)]).json()["households"]
    assert {(each["name"], each["phone"]) for each in home["people"]} == {
        (one["name"], one["phone"]) for one in rows[:2]
    }


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("code", ["141122198603122173", "13912345678", "6222020200112230004"])
def test_no_number_of_a_person_is_a_household_s_code_in_a_file(registry: Registry, kind: str, code: str) -> None:
    content = {"csv": csv_of, "xlsx": xlsx_of}[kind]([row(11, code)])
    refused = send(registry.county, content, kind)
    assert refused.status_code == 422
    assert code not in refused.text
    (fault,) = send(registry.county, content, kind, dry=True).json()["faults"]
    assert (fault["row"], fault["column"]) == (2, "household_code")


def test_what_differs_is_shown_and_applied_only_on_request(registry: Registry, rows: list[Row]) -> None:
    send(registry.county, csv_of(rows))
    rows[0] |= {"phone": "13911112222", "health": ""}
    rows[1] = row(14, heads=2, relation="长子")
    rows[2] |= {"status": "脱贫户"}
    shown = send(registry.county, csv_of(rows))
    assert shown.status_code == 200, "what differs was shown and not applied"
    told = shown.json()
    assert [(one["row"], one["household_code"], one["columns"]) for one in told["differences"]] == [
        (2, "FH1", ["phone", "health"]),
        (3, "FH1", list(factories.particulars(14))),
        (0, "FH1", []),
        (4, "FH2", ["status"]),
    ]
    assert (told["changed"], counts(registry)) == (False, (3, 4))
    comparison = registry.accesses()[-1]
    assert (comparison.kind, len(comparison.household_ids), comparison.person_count) == ("comparison", 2, 3)
    made = send(registry.county, csv_of(rows), apply_changes=True)
    assert made.status_code == 201
    applied = made.json()
    assert (applied["changed"], counts(registry)) == (True, (3, 5))
    again = send(registry.county, csv_of(rows)).json()
    assert [one["columns"] for one in again["differences"]] == [["status"]], "a status has a day, and its own request"
    household = registry.session.scalars(sa.select(Household).filter_by(code="FH1")).one()
    (home,) = registry.reveal(registry.county, "phone", household_ids=[str(household.id)]).json()["households"]
    assert {each["phone"] for each in home["people"]} == {"13911112222", rows[1]["phone"]}


FAULTS: list[tuple[str, list[Row], list[tuple[int, str | None]]]] = [
    ("a wrong check character", [row(11, resident_id="141122198001011235")], [(2, "resident_id")]),
    ("15 digits", [row(11, resident_id="141122800101123")], [(2, "resident_id")]),
    ("17 characters", [row(11, resident_id="14112219800101123")], [(2, "resident_id")]),
    ("no such day", [row(11, resident_id="141122198002301234")], [(2, "resident_id")]),
    ("not born yet", [row(11, resident_id=factories.resident_id(1).replace("19", "29", 1))], [(2, "resident_id")]),
    ("a disability card", [row(11, resident_id=factories.resident_id(11) + "43")], [(2, "resident_id")]),
    ("a telephone", [row(11, phone="12345")], [(2, "phone")]),
    ("an account", [row(11, bank_account="62ABC")], [(2, "bank_account")]),
    ("no name", [row(11, name="")], [(2, "name")]),
    ("no village", [row(11, village_code="141122999999")], [(2, "village_code")]),
    ("another county", [row(11, village_code="141130101201")], [(2, "village_code")]),
    ("before the village", [row(11, registered_on="1999-01-01")], [(2, "village_code")]),
    ("in the future", [row(11, registered_on="2999-01-01")], [(2, "registered_on")]),
    ("no day", [row(11, registered_on="2024/1/1")], [(2, "registered_on")]),
    ("no status", [row(11, status="富裕户")], [(2, "status")]),
    ("too many heads", [row(11, head_count="31")], [(2, "head_count")]),
    ("more heads than rows", [row(11, heads=3)], [(2, "head_count")]),
    ("two head counts", [row(11, heads=2), row(12, heads=3)], [(3, "head_count")]),
    ("a person twice", [row(11, heads=2), row(11, heads=2)], [(3, "resident_id")]),
    ("a person in two households", [row(11), row(11, "FH2")], [(3, "resident_id")]),
    ("a person of another household on the register", [row(1)], [(2, "resident_id")]),
    ("a code that is none", [row(11, "f 1")], [(2, "household_code")]),
    (
        "several at once",
        [row(11, phone="1234567", name=""), row(12, "FH2", status="")],
        [(2, "name"), (2, "phone"), (3, "status")],
    ),
]


@pytest.mark.parametrize(("bad", "found"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS])
def test_a_fault_is_named_by_row_and_column_in_both_languages_and_nothing_is_recorded(
    registry: Registry, bad: list[Row], found: list[tuple[int, str]]
) -> None:
    content = csv_of(bad)
    told = send(registry.county, content, dry=True).json()
    assert [(fault["row"], fault["column"]) for fault in told["faults"]] == found
    refused = send(registry.county, content)
    assert (refused.status_code, refused.json()["code"]) == (422, "register_file")
    assert [fault["pointer"] for fault in refused.json()["errors"]] == [f"/content/{at}/{name}" for at, name in found]
    for fault, (number, name) in zip(told["faults"], found, strict=True):
        assert fault["en"].startswith(f"row {number}, {name}: ")
        assert fault["zh"].startswith(f"第 {number} 行「{TITLES[_column(name)]}」:")
    values = {str(value) for each in bad for name, value in each.items() if name in set(PersonalField) and value}
    assert not [value for value in values - {"户主"} if value in refused.text + str(told)]
    assert counts(registry) == (1, 1)


def _column(name: str) -> Column | PersonalField:
    return Column(name) if name in set(Column) else PersonalField(name)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"\xff\xfe\x81", "csv"), (b"PK\x03\x04 no workbook", "xlsx"), (csv_of([]), "xlsx"), (b"a,b\r\n1,2", "csv")],
)
def test_a_file_that_is_none_is_refused(registry: Registry, content: bytes, kind: str) -> None:
    refused = send(registry.county, content, kind)
    assert (refused.status_code, refused.json()["code"]) == (422, "register_file")


def test_numbers_that_a_spreadsheet_has_cut_are_refused(registry: Registry) -> None:
    told = send(registry.county, xlsx_of([row(11, bank_account=6.2e18, head_count=1)]), "xlsx", dry=True).json()
    assert [(fault["row"], fault["column"]) for fault in told["faults"]] == [(2, "bank_account")]


def test_what_is_odd_is_told_and_accepted(registry: Registry) -> None:
    shared = str(CARD["bank_account"])
    odd = [
        row(31, "FH1", bank_account=shared),
        row(32, "FH2", resident_id=factories.resident_id(32, county="999999")),
        row(33, "FH3", resident_id=""),
        row(34, "FH4", bank_account="6299000000000000017"),
    ]
    factories.region(registry.session, code="141122", name="交城县")
    told = send(registry.county, csv_of(odd)).json()
    assert [(one["row"], one["column"]) for one in told["warnings"]] == [
        (2, "bank_account"),
        (3, "resident_id"),
        (4, "resident_id"),
        (5, "bank_account"),
    ]
    assert told["people_new"] == 4
    assert send(registry.county, csv_of(odd)).json()["households_unchanged"] == 4, "also who has no resident ID yet"


def test_an_erased_household_is_not_filled_again(registry: Registry) -> None:
    send(registry.county, csv_of([row(41)]))
    household = registry.session.scalars(sa.select(Household).filter_by(code="FH1")).one()
    registry.county.made(f"/households/{household.id}/erasures", {"reason": "本人申请"})
    told = send(registry.county, csv_of([row(41)]), dry=True).json()
    assert [(fault["row"], fault["column"]) for fault in told["faults"]] == [(2, "household_code")]


def test_the_template_is_a_file_that_the_import_reads(registry: Registry) -> None:
    sheet = registry.county.get("/register-imports/template").content
    titles = CalamineWorkbook.from_filelike(io.BytesIO(sheet)).get_sheet_by_index(0).to_python()[0]
    assert titles == HEADER
    plain = registry.county.get("/register-imports/template", kind="csv").content
    filled = plain + csv_of([row(51)]).split(b"\r\n", 1)[1]
    assert send(registry.county, filled).json()["people_new"] == 1


def test_a_thousand_households_are_recorded_in_a_few_statements(registry: Registry) -> None:
    many = [row(1_000 + number, f"M{number // 3:05d}", heads=3) for number in range(3_000)]
    executed: list[str] = []

    @sa.event.listens_for(registry.client.app.state.db.engine, "before_cursor_execute")  # type: ignore[attr-defined]
    def count(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "SAVEPOINT" not in statement:
            executed.append(statement)

    made = send(registry.county, csv_of(many))
    assert made.status_code == 201, made.text
    assert len(executed) < 60
