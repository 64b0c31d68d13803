"""Exports as banks write them, of lines that are known: each profile's columns, as CSV or as a workbook."""

import csv
from collections.abc import Sequence
from datetime import date, timedelta
from io import BytesIO, StringIO
from itertools import accumulate

from hypothesis import strategies as st
from xlsxwriter import Workbook

from market.banks.profiles import PROFILES, Field, Profile
from market.banks.rules import StatementLine
from market.money import MAX_FEN, yuan

ACCOUNT = "62220212340001"
DAY = date(2026, 3, 2)
LETTERS = "王村合作社红枣款退货ＡB9，(甲)、〇"
TEXT = st.text(st.sampled_from(LETTERS), max_size=10).map(str.strip)
DIGITS = st.from_regex(r"[1-9][0-9]{9,18}", fullmatch=True)
Grid = list[list[str]]


@st.composite
def lines(draw: st.DrawFn) -> list[StatementLine]:
    """Draw the lines of some days, each with a reference of its own, and the balances that follow."""
    amounts = draw(st.lists(st.integers(-MAX_FEN // 20, MAX_FEN // 20).filter(bool), min_size=1, max_size=6))
    balances = list(accumulate(amounts, initial=draw(st.integers(0, 10**9))))[1:]
    days = sorted(draw(st.lists(st.integers(0, 9), min_size=len(amounts), max_size=len(amounts))))
    references = draw(st.lists(DIGITS, min_size=len(amounts), max_size=len(amounts), unique=True))
    return [
        StatementLine(
            row=0,
            booked_on=DAY + timedelta(later),
            amount_fen=fen,
            counterparty_name=draw(TEXT),
            counterparty_account=draw(DIGITS),
            reference=reference,
            remark=draw(TEXT),
            balance_fen=balance,
        )
        for fen, balance, later, reference in zip(amounts, balances, days, references, strict=True)
    ]


def grid(profile: Profile, lines: Sequence[StatementLine], *, commas: bool = True, unit: str = "") -> Grid:
    """Return headings and rows as a bank of this profile would write them."""
    cells = [said(profile, line, commas=commas) for line in lines]
    fields = [field for field in cells[0] if field in profile.headings]
    own = [mark for group in profile.marks for mark in group]
    known = {field: [*filter(own.__contains__, several), *several] for field, several in profile.headings.items()}
    headings = [known[field][0] for field in fields]
    marks = [group[0] for group in profile.marks if not any(mark in headings for mark in group)]
    rows = [[row[field] for field in fields] + [""] * len(marks) for row in cells]
    spelled = [f"{heading}{unit}" if "额" in heading else heading for heading in headings]
    return [["序号", *spelled, *marks], *([str(number), *row] for number, row in enumerate(rows, 1))]


def said(profile: Profile, line: StatementLine, *, commas: bool) -> dict[Field, str]:
    def text(fen: int) -> str:
        return yuan(fen) if commas else yuan(fen).replace(",", "")

    is_in = line.amount_fen > 0
    signed = Field.OUT not in profile.headings and Field.SIDE not in profile.headings
    other, own = (line.counterparty_name, line.counterparty_account), ("本单位", ACCOUNT)
    payer, payee = (other, own) if is_in else (own, other)
    return {
        Field.DAY: f"{line.booked_on:%Y%m%d} 09:30:00",
        Field.OUT: "" if is_in else text(-line.amount_fen),
        Field.IN: text(line.amount_fen) if is_in else "0.00",
        Field.AMOUNT: text(line.amount_fen if signed else abs(line.amount_fen)),
        Field.SIDE: "贷" if is_in else "借",
        Field.BALANCE: text(line.balance_fen or 0),
        Field.NAME: line.counterparty_name,
        Field.ACCOUNT: line.counterparty_account,
        Field.PAYER_NAME: payer[0],
        Field.PAYER_ACCOUNT: payer[1],
        Field.PAYEE_NAME: payee[0],
        Field.PAYEE_ACCOUNT: payee[1],
        Field.REFERENCE: line.reference,
        Field.REMARK: line.remark,
        Field.CURRENCY: "人民币",
        Field.OWN_ACCOUNT: ACCOUNT,
    }


def as_csv(rows: Grid, *, encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    out = StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode(encoding)


def as_workbook(*sheets: Grid, numbers: bool = False) -> bytes:
    """Return a workbook of these sheets; with `numbers`, amounts are numbers and not text."""
    buffer = BytesIO()
    with Workbook(buffer) as book:
        for rows in sheets:
            sheet = book.add_worksheet()
            for number, row in enumerate(rows):
                for place, cell in enumerate(row):
                    if numbers and cell.lstrip("-").replace(",", "").replace(".", "", 1).isdigit() and "." in cell:
                        sheet.write_number(number, place, float(cell.replace(",", "")))
                    else:
                        sheet.write_string(number, place, cell)
    return buffer.getvalue()


FORMATS = {
    "CSV": as_csv,
    "CSV with a mark of its order": lambda rows: as_csv(rows, encoding="utf-8-sig"),
    "CSV in GB 18030": lambda rows: as_csv(rows, encoding="gb18030"),
    "CSV with semicolons": lambda rows: as_csv(rows, delimiter=";"),
    "CSV with tabs in GB 18030": lambda rows: as_csv(rows, encoding="gb18030", delimiter="\t"),
    "workbook of texts": as_workbook,
    "workbook of numbers": lambda rows: as_workbook(rows, numbers=True),
}
BANKS = [profile for profile in PROFILES.values() if profile.bank]
