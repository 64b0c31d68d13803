"""A file of the register: its columns, how it is read, and what of it can be checked without the register.

One row is one person; what is said of the household is repeated in each of its rows. Faults name row and column and
never repeat a value: they are answered, and may be logged.
"""

import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from xlsxwriter import Workbook

from market.households.particulars import Particulars, Said, doubt_of, fault_of, normalised
from market.households.rules import (
    MAX_HEADS,
    Column,
    FileKind,
    HouseholdStatus,
    NumberInTextError,
    PersonalField,
    check_code,
)
from market.quantities import MILLI_MU, parse
from market.tables import Cell, UnreadableTableError, csv_table, workbook

MAX_ROWS = 5_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


AnyColumn = Column | PersonalField
TITLES: Mapping[AnyColumn, str] = {
    Column.HOUSEHOLD_CODE: "户编号",
    Column.VILLAGE_CODE: "村代码",
    Column.STATUS: "户类型",
    Column.HEAD_COUNT: "家庭人口数",
    Column.REGISTERED_ON: "登记日期",
    Column.LAND_MU: "经营土地面积(亩)",
    PersonalField.NAME: "姓名",
    PersonalField.RESIDENT_ID: "身份证号码",
    PersonalField.RELATION: "与户主关系",
    PersonalField.PHONE: "联系电话",
    PersonalField.BANK_NAME: "开户行",
    PersonalField.BANK_ACCOUNT: "银行账号",
    PersonalField.HEALTH: "健康状况",
}
KEPT_AS: Mapping[Column, str] = {Column.HOUSEHOLD_CODE: "code", Column.LAND_MU: "land_milli_mu"}
"""Where a household keeps a column under another name than its own."""
_COLUMN_OF: Mapping[str, AnyColumn] = {
    **{title: column for column, title in TITLES.items()},
    **{column.value: column for column in TITLES},
}
_OPTIONAL = frozenset({Column.LAND_MU})
_REQUIRED = (*(column for column in Column if column not in _OPTIONAL), PersonalField.NAME)
STATUS_TITLES: Mapping[str, HouseholdStatus] = {
    "脱贫户": HouseholdStatus.REGISTERED_POOR,
    "建档立卡户": HouseholdStatus.REGISTERED_POOR,
    "脱贫不稳定户": HouseholdStatus.UNSTABLE,
    "边缘易致贫户": HouseholdStatus.MARGINAL,
    "突发严重困难户": HouseholdStatus.SUDDEN_HARDSHIP,
    "一般户": HouseholdStatus.ORDINARY,
}


class Remark(NamedTuple):
    """What is wrong, or odd, in a row (the header is row 1; 0 is the file) and column."""

    row: int
    column: AnyColumn | None
    said: Said

    def sentence(self, language: str) -> str:
        """Return row, column and reason in `zh` or `en`."""
        en, zh = self.said
        if language == "zh":
            column = f"「{TITLES[self.column]}」" if self.column else ""
            return f"第 {self.row} 行{column}:{zh}" if self.row else zh
        return f"row {self.row}{f', {self.column.value}' if self.column else ''}: {en}" if self.row else en


@dataclass(frozen=True, slots=True)
class HouseholdInFile:
    """What a file says of a household, and of its people by row."""

    row: int
    code: str
    village_code: str
    status: HouseholdStatus
    head_count: int
    registered_on: date
    land_milli_mu: int | None = None
    people: dict[int, Particulars] = field(default_factory=dict)


Cells = dict[AnyColumn, str]


def read(kind: FileKind, content: bytes, *, today: date) -> tuple[list[HouseholdInFile], list[Remark], list[Remark]]:
    """Return the households of a file, its faults, and what is odd but accepted."""
    faults: list[Remark] = []
    rows = _rows(kind, content, faults)
    households: dict[str, HouseholdInFile] = {}
    odd: list[Remark] = []
    for number, cells in rows:
        household = _household(number, cells, today, faults)
        person = _person(number, cells, today, faults, odd)
        if household is not None:
            first = households.setdefault(household.code, household)
            first.people[number] = person
            faults += _contradictions(number, first, household)
    faults += _miscounted(households.values())
    faults += _twice(households.values())
    return list(households.values()), faults, odd


def _rows(kind: FileKind, content: bytes, faults: list[Remark]) -> list[tuple[int, Cells]]:
    """Return the rows below the header that say anything, by number."""
    try:
        table = workbook(content)[0] if kind is FileKind.XLSX else csv_table(content)
    except UnreadableTableError as error:
        said = ("the file is too large", "文件过大") if error.too_large else ("the file cannot be read", "文件无法读取")
        faults.append(Remark(0, None, said))
        return []
    header, *body = table or [[]]
    columns = _columns(header, faults)
    if len(body) > MAX_ROWS:
        faults.append(Remark(0, None, (f"a file has at most {MAX_ROWS} rows", f"一个文件至多 {MAX_ROWS} 行")))
    if faults:
        return []
    rows = ((number, _cells(number, columns, row, faults)) for number, row in enumerate(body, 2))
    return [(number, cells) for number, cells in rows if cells]


def _columns(header: Sequence[Cell], faults: list[Remark]) -> list[AnyColumn | None]:
    """Return the column of each title, in Chinese or English."""
    titles = [str(title).strip() for title in header]
    columns = [_COLUMN_OF.get(title.lower()) for title in titles]
    faults += (
        Remark(1, column, ("the column is missing, or there twice", "缺少该列或该列重复"))
        for column in TITLES
        if columns.count(column) > 1 or (column in _REQUIRED and column not in columns)
    )
    faults += (
        Remark(1, None, (f"column {place} has an unknown title", f"第 {place} 列的列名无法识别"))
        for place, (column, title) in enumerate(zip(columns, titles, strict=True), 1)
        if column is None and title
    )
    return columns


def _cells(number: int, columns: Sequence[AnyColumn | None], row: Sequence[Cell], faults: list[Remark]) -> Cells:
    """Return what a row says."""
    cells: Cells = {}
    for column, value in zip(columns, row, strict=False):
        if column is None or value == "":
            continue
        text = _text(column, value)
        if text is None:
            said = (
                "the cell holds a number, which loses digits; format it as text",
                "单元格为数值,会丢失位数,请设为文本",
            )
            faults.append(Remark(number, column, said))
        elif text:
            cells[column] = text
    return cells


def _text(column: AnyColumn, value: Cell) -> str | None:
    """Return a cell as text; None for a long number that a spreadsheet keeps as a number: digits are lost."""
    if isinstance(value, datetime | date):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if column in {PersonalField.RESIDENT_ID, PersonalField.BANK_ACCOUNT, Column.HOUSEHOLD_CODE}:
            return None
        return str(int(value)) if value == int(value) else str(value)
    return str(value).strip()


def _household(number: int, cells: Cells, today: date, faults: list[Remark]) -> HouseholdInFile | None:
    """Return what a row says of its household, or None with the faults."""
    before = len(faults)
    found: dict[Column, str] = {}
    for column in Column:
        found[column] = cells.get(column, "")
        fault = _fault_of(column, found[column], today)
        if fault is not None:
            faults.append(Remark(number, column, fault))
    try:
        check_code(found[Column.HOUSEHOLD_CODE], village_code=found[Column.VILLAGE_CODE])
    except NumberInTextError as refused:
        faults.append(Remark(number, Column.HOUSEHOLD_CODE, (refused.detail("en"), refused.detail("zh"))))
    if len(faults) > before:
        return None
    return HouseholdInFile(
        number,
        found[Column.HOUSEHOLD_CODE],
        found[Column.VILLAGE_CODE],
        STATUS_TITLES.get(found[Column.STATUS]) or HouseholdStatus(found[Column.STATUS]),
        int(found[Column.HEAD_COUNT]),
        date.fromisoformat(found[Column.REGISTERED_ON]),
        parse(found[Column.LAND_MU], MILLI_MU) if found[Column.LAND_MU] else None,
    )


_FORMS: Mapping[Column, tuple[str, Said]] = {
    Column.HOUSEHOLD_CODE: (
        r"[0-9A-Z][0-9A-Z-]{2,31}",
        ("must be 3 to 32 digits, capital letters and hyphens", "须为 3 至 32 位数字、大写字母或连字符"),
    ),
    Column.VILLAGE_CODE: (r"[0-9]{12}", ("a village has a code of 12 digits", "村代码须为 12 位数字")),
    Column.STATUS: (
        "|".join([*STATUS_TITLES, *HouseholdStatus]),
        ("is none of the kinds of household", f"须为{'、'.join(STATUS_TITLES)}之一"),
    ),
    Column.HEAD_COUNT: (
        "|".join(map(str, range(1, MAX_HEADS + 1))),
        (f"a household has 1 to {MAX_HEADS} members", f"家庭人口数须在 1 至 {MAX_HEADS} 之间"),
    ),
    Column.REGISTERED_ON: (r"\d{4}-\d{2}-\d{2}", ("is no date (YYYY-MM-DD)", "不是有效的日期(YYYY-MM-DD)")),
    Column.LAND_MU: (
        r"\d{1,3}(\.\d{1,3})?",
        ("must be 0 to 999.999 mu, of three decimals at most", "须为 0 至 999.999 亩,至多三位小数"),
    ),
}


def _fault_of(column: Column, text: str, today: date) -> Said | None:
    form, said = _FORMS[column]
    if not text:
        return None if column in _OPTIONAL else ("is missing", "必填")
    if not re.fullmatch(form, text, re.ASCII):
        return said
    return _fault_of_day(text, today) if column is Column.REGISTERED_ON else None


def _fault_of_day(text: str, today: date) -> Said | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return _FORMS[Column.REGISTERED_ON][1]
    return ("is in the future", "日期尚未到来") if day > today else None


def _person(number: int, cells: Cells, today: date, faults: list[Remark], odd: list[Remark]) -> Particulars:
    """Return what a row says of its person."""
    known = {}
    for column in PersonalField:
        if column in cells:
            known[column] = value = normalised(column, cells[column])
            fault, doubt = fault_of(column, value, today=today), doubt_of(column, value)
            if fault is not None:
                faults.append(Remark(number, column, fault))
            elif doubt is not None:
                odd.append(Remark(number, column, doubt))
    if PersonalField.NAME not in known:
        faults.append(Remark(number, PersonalField.NAME, ("is missing", "必填")))
    if PersonalField.RESIDENT_ID not in known:
        odd.append(Remark(number, PersonalField.RESIDENT_ID, ("is not known yet", "尚未登记")))
    return known


def _contradictions(number: int, first: HouseholdInFile, again: HouseholdInFile) -> Iterator[Remark]:
    for column in Column:
        if getattr(first, KEPT_AS.get(column, column)) != getattr(again, KEPT_AS.get(column, column)):
            said = f"differs from row {first.row} of the same household", f"与同一户第 {first.row} 行不一致"
            yield Remark(number, column, said)


def _miscounted(households: Collection[HouseholdInFile]) -> Iterator[Remark]:
    for household in households:
        rows, heads = len(household.people), household.head_count
        if rows != heads:
            yield Remark(
                household.row, Column.HEAD_COUNT, (f"{heads} heads, but {rows} rows", f"人口数 {heads},实有 {rows} 行")
            )


def _twice(households: Collection[HouseholdInFile]) -> Iterator[Remark]:
    """Tell of each person that is in the file before, by resident ID, or by all that is known without one."""
    seen: dict[object, int] = {}
    for household in households:
        for number, person in household.people.items():
            resident_id = person.get(PersonalField.RESIDENT_ID)
            key = resident_id or (household.code, *sorted(person.items()))
            if key in seen:
                column = PersonalField.RESIDENT_ID if resident_id else None
                yield Remark(number, column, (f"is in row {seen[key]} already", f"与第 {seen[key]} 行重复"))
            seen.setdefault(key, number)


def accounts_of(households: Collection[HouseholdInFile]) -> dict[str, dict[str, int]]:
    """Return the bank accounts of a file: account → code of a household → row."""
    accounts: dict[str, dict[str, int]] = {}
    for household in households:
        for number, person in household.people.items():
            if account := person.get(PersonalField.BANK_ACCOUNT):
                accounts.setdefault(account, {}).setdefault(household.code, number)
    return accounts


def template(kind: FileKind) -> bytes:
    """Return an empty file with the titles of the columns; in a workbook every cell is text: no digit is lost."""
    if kind is FileKind.CSV:
        return ("\ufeff" + ",".join(TITLES.values()) + "\r\n").encode()
    buffer = io.BytesIO()
    with Workbook(buffer) as book:
        sheet, notes = book.add_worksheet("花名册"), book.add_worksheet("说明")
        text, bold = book.add_format({"num_format": "@"}), book.add_format({"bold": True, "num_format": "@"})
        sheet.set_column(0, len(TITLES) - 1, 22, text)
        sheet.freeze_panes(1, 0)
        for place, (column, title) in enumerate(TITLES.items()):
            sheet.write_string(0, place, title, bold)
            notes.write_row(place, 0, [title, column.value, "必填" if column in _REQUIRED else "选填"])
        notes.write_row(len(TITLES) + 1, 0, ["户类型", "、".join(STATUS_TITLES)])
        notes.write_row(len(TITLES) + 2, 0, ["每人一行", "同一户的各行须重复填写户信息;家庭人口数等于行数"])
    return buffer.getvalue()
