"""Exports of each bank are read back line by line; what was altered is refused, or read as what it says."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xlsxwriter import Workbook

from market.banks import reading
from market.banks.profiles import PROFILES, Profile
from market.banks.reading import check_account, read_statements
from market.banks.rules import (
    Statement,
    StatementAccountError,
    StatementFaultsError,
    StatementFileError,
    StatementLine,
    line_keys,
)
from market.money import yuan
from tests.banks.exports import ACCOUNT, DAY, FORMATS, Grid, as_csv, as_workbook, grid, lines

TITLE = [["活期账户交易明细"], ["账号:", ACCOUNT, "", "币种:人民币"], []]
HEAD = "交易日期,借方发生额,贷方发生额,余额,对方户名,对方账号,流水号,摘要"
ROWS = (
    "2026-03-02,,100.00,100.00,甲合作社,6222000011112222,A1,货款",
    "2026-03-02,30.00,,70.00,乙,6222000011113333,A2,退款",
    '2026-03-03,,"1,000.00","1,070.00",丙,6222000011114444,A3,',
)


def read(content: bytes, **asked: str) -> Statement:
    (statement,) = read_statements(content, **asked)
    return statement


def text(*rows: str, head: str = HEAD) -> bytes:
    return "\n".join((head, *rows)).encode()


def faults(content: bytes, **asked: str) -> list[str]:
    with pytest.raises(StatementFaultsError) as refused:
        read_statements(content, **asked)
    return [pointer for pointer, _ in refused.value.faults("en")]


def refusal(content: bytes, **asked: str) -> str:
    with pytest.raises(StatementFileError) as refused:
        read_statements(content, **asked)
    assert refused.value.detail("zh") != refused.value.detail("en")
    return refused.value.detail("en")


def without_rows(told: list[StatementLine] | tuple[StatementLine, ...]) -> list[StatementLine]:
    return [replace(line, row=0) for line in told]


@pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@settings(max_examples=4)
@given(told=lines(), upside_down=st.booleans(), commas=st.booleans(), unit=st.sampled_from(["", "(元)", "/元(人民币)"]))
def test_an_export_of_each_bank_in_each_format_is_known_and_read_back(
    profile: Profile,
    write: Callable[[Grid], bytes],
    told: list[StatementLine],
    unit: str,
    *,
    upside_down: bool,
    commas: bool,
) -> None:
    told = told[::-1] if upside_down else told
    out = [-line.amount_fen for line in told if line.amount_fen < 0]
    below = [[], ["总笔数", str(len(told))], [f"支出合计:{yuan(sum(out))}"], ["以下空白"]]
    found = read(write([*TITLE, *grid(profile, told, commas=commas, unit=unit), *below]))
    assert (found.form, found.account_number) == (profile.name, ACCOUNT)
    assert without_rows(found.lines) == told
    assert [line.row for line in found.lines] == list(range(5, 5 + len(told)))
    assert (found.count, found.out_fen) == (len(told), sum(out))
    assert line_keys(ACCOUNT, found.lines) == line_keys(ACCOUNT, told)


@given(told=lines(), place=st.integers(0, 10**6), letter=st.sampled_from("0123456789,.-+元甲\n;"))
def test_an_altered_file_is_refused_or_is_read_as_what_it_says(
    told: list[StatementLine], place: int, letter: str
) -> None:
    """The opening balance and those of the lines hold every amount: one that is changed alone does not fit."""
    opening = ["期初余额", yuan((told[0].balance_fen or 0) - told[0].amount_fen)]
    content = as_csv([opening, *grid(PROFILES["ccb"], told)]).decode()
    place %= len(content)
    altered = content[:place] + letter + content[place + 1 :]
    try:
        found = read(altered.encode(), profile="ccb")
    except (StatementFaultsError, StatementFileError, StatementAccountError):
        return
    assert [line.amount_fen for line in found.lines] == [line.amount_fen for line in told]


def test_a_row_is_a_line_with_all_that_the_bank_says_of_it() -> None:
    found = read(text(*ROWS))
    assert found.lines[0] == StatementLine(2, DAY, 10_000, "甲合作社", "6222000011112222", "A1", "", "货款", 10_000)
    assert [line.amount_fen for line in found.lines] == [10_000, -3_000, 100_000]
    assert (found.form, found.account_number, found.opening_fen) == ("generic", None, None)
    assert found.lines[2].booked_on == date(2026, 3, 3)


def test_remarks_of_several_columns_are_joined_and_the_payers_own_reference_is_kept() -> None:
    found = read(
        text(
            "20260302,5.00,,0,甲,DF-1,货款,货款,2026 0302",
            head="交易日期,支出,收入,余额,对方户名,企业流水号,附言,摘要,用途",
        )
    )
    assert (found.lines[0].remark, found.lines[0].payment_reference) == ("货款 2026 0302", "DF-1")


def test_cells_that_a_spreadsheet_was_told_to_keep_as_text_are_read_without_the_sign_for_it() -> None:
    found = read(text('2026-03-02\t,,100.00\t,,甲,"=""6222000011112222""","\'0012",`货款'))
    line = found.lines[0]
    assert (line.counterparty_account, line.reference, line.remark) == ("6222000011112222", "0012", "货款")


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        ("2026-03-02,,,0,甲,1,A1,", ["in"]),
        ("2026-03-02,-,--,0,甲,1,A1,", ["in"]),
        ("2026-03-02,1.00,1.00,0,甲,1,A1,", ["in"]),
        ("2026-03-02,一元,,0,甲,1,A1,", ["in", "out"]),
        ("2026-03-02,1.005,1.00,x,甲,1,A1,", ["balance", "out"]),
        ("昨天,,1.00,0,甲,1,A1,", ["day"]),
        (",,1.00,0,甲,1,A1,余额", ["day"]),
        (",,1.00,0,期末余额,1,A1,", ["day"]),
        ("余额调整,,1.00,0,甲,1,A1,", ["day"]),
    ],
)
def test_a_cell_that_cannot_be_read_is_a_fault_of_its_row_and_no_cell_is_repeated(row: str, columns: list[str]) -> None:
    content = text(ROWS[0], row)
    assert faults(content) == [f"/rows/3/{column}" for column in columns]
    with pytest.raises(StatementFaultsError) as refused:
        read_statements(content)
    assert "甲" not in "".join(str(said) for language in ("en", "zh") for said in refused.value.faults(language))


def test_every_fault_of_every_row_is_told_at_once() -> None:
    assert faults(text("x,,1.00,0,甲,1,A1,", ROWS[0], "2026-03-02,?,,y,甲,1,A1,")) == [
        "/rows/2/day",
        "/rows/4/balance",
        "/rows/4/in",
        "/rows/4/out",
    ]


def test_amounts_beside_a_side_have_no_sign_and_a_side_is_one_of_two() -> None:
    head = "交易日期,借贷标志,交易金额,余额"
    assert [line.amount_fen for line in read(text("20260302,贷,5.00,5", "20260302,支出,2,3", head=head)).lines] == [
        500,
        -200,
    ]
    assert faults(text("20260302,借,-5.00,5", "20260302,平,1,1", "20260302,借,,1", head=head)) == [
        "/rows/2/amount",
        "/rows/3/side",
        "/rows/4/amount",
    ]


def test_red_ink_takes_back_where_balances_show_it_and_is_refused_where_none_do() -> None:
    found = read(text(ROWS[0], "2026-03-02,-30.00,,130.00,乙,1,A2,冲正", "合计,-30.00,100.00"))
    assert [(line.amount_fen, line.is_reversal) for line in found.lines] == [(10_000, False), (3_000, True)]
    assert faults(text(ROWS[0], "2026-03-02,-30.00,,70.00,乙,1,A2,")) == ["/rows/3/balance"]
    assert faults(text("2026-03-02,-30.00,,A2", head="交易日期,支出,收入,流水号")) == ["/rows/2/out"]


def test_a_line_of_nothing_is_told_and_left_out() -> None:
    found = read(text(ROWS[0], "2026-03-02,0.00,0.00,100.00,,,A9,结息", "总笔数,2"))
    assert [line.reference for line in found.lines] == ["A1"]
    assert [(left.row, left.zh) for left in found.left_out] == [(3, "金额为零")]


def test_another_currency_is_refused() -> None:
    head = "交易日期,支出,收入,余额,币种"
    assert read(text("20260302,,1,1,CNY", "20260302,,1,2,人民币", head=head)).lines
    assert faults(text("20260302,,1,1,美元", head=head)) == ["/rows/2/currency"]


def test_what_stands_above_and_below_is_held_against_the_lines() -> None:
    above = [["某某银行"], ["账号：6222 0212 3400 01  户名：某合作社"], ["期初余额", "0.00", "期末余额", "1,070.00"]]
    table = [row.split(",") for row in (HEAD, *ROWS[:2])] + [["2026-03-03", "", "1000", "1070", "丙", "1", "A3", ""]]
    below = [["本页小计", "30.00", "7.00"], ["合计", "30.00", "1100.00"], ["", "总笔数：3笔"], ["打印时间:2026-03-05"]]
    found = read(as_csv([*above, *table, *below]))
    assert (found.opening_fen, found.closing_fen, found.out_fen, found.in_fen, found.count) == (
        0,
        107_000,
        3_000,
        110_000,
        3,
    )
    assert found.account_number == ACCOUNT
    for wrong, pointers in {
        "期初余额,1.00": ["/rows/5/balance"],
        "期末余额,1.00": ["/closing_balance"],
        "借方合计:29.00": ["/out"],
        "收入总额(元),1": ["/in"],
        "记录数,4": ["/count"],
        "期初余额:暂无": ["/opening_balance"],
    }.items():
        got = faults(as_csv([wrong.split(","), [], [], [], *table]))
        assert got == pointers or (wrong.startswith("期初余额,") and got)
    assert faults(as_csv([*above, *table, ["合计", "31.00", "1100.00"]])) == ["/out"]
    assert faults(as_csv([*above, *table, ["合计", "", "1100.01"]])) == ["/in"]
    empty = read(as_csv([["账号", ""], ["期初余额", "期末余额", "1,070.00"], *table]))
    assert (empty.account_number, empty.opening_fen, empty.closing_fen) == (None, None, 107_000)
    assert faults(as_csv([["期初余额:0"], ["期初余额", "1"], *table])) == ["/rows/2/opening_balance"]


def test_a_statement_of_another_account_or_of_several_is_refused() -> None:
    content = as_csv([*TITLE, *(row.split(",") for row in (HEAD, *ROWS[:2]))])
    masked = content.replace(ACCOUNT.encode(), b"6222****0001")
    for accepted, says in ((content, ACCOUNT), (text(*ROWS), None), (masked, None)):
        found = read(accepted)
        check_account([found], "6222 0212 3400 01")
        assert found.account_number == says
    with pytest.raises(StatementAccountError):
        check_account([read(content)], "6222")
    with pytest.raises(StatementAccountError):
        read_statements(of_two_accounts())


def of_two_accounts() -> bytes:
    return text("20260302,,1,1,1001", "20260302,,1,2,1002", head="交易日期,支出,收入,余额,本方账号")


def test_a_number_that_has_lost_digits_is_a_fault_and_one_that_has_not_is_read() -> None:
    head = HEAD.split(",")
    row = ["2026-03-02", "", "100.00", "100.00", "甲", "6222000011112222.0", "A1", ""]
    assert faults(as_workbook([head, row], numbers=True)) == ["/rows/2/account"]
    row[5] = "622200001111222.0"
    assert read(as_workbook([head, row], numbers=True)).lines[0].counterparty_account == "622200001111222"


def test_amounts_that_are_numbers_are_exact_or_refused() -> None:
    head = HEAD.split(",")
    for cell, fen in {"1234.56": 123_456, "0.30000000000000004": 30, "99999999999.99": 9_999_999_999_999}.items():
        row = ["2026-03-02", "", cell, "", "甲", "1", "A1", ""]
        assert [line.amount_fen for line in read(as_workbook([head, row], numbers=True)).lines] == [fen]
    for cell in ("1234.565", "0.001", "1234567890123456.5"):
        row = ["2026-03-02", "", cell, "", "甲", "1", "A1", ""]
        assert faults(as_workbook([head, row], numbers=True)) == ["/rows/2/in"]


def test_what_is_no_statement_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (
        b"",
        b"\xff\xfe",
        b"PK\x03\x04",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"{}",
        b'"a',
        as_workbook([]),
    ):
        assert refusal(content)
    monkeypatch.setattr(reading, "MOST_BYTES", 100)
    assert "too large" in refusal(b"x" * 101)
    monkeypatch.undo()
    monkeypatch.setattr(reading, "MOST_LINES", 2)
    assert "more than 2 lines" in refusal(text(*ROWS))


def test_days_of_a_workbook_may_be_dates_or_instants() -> None:
    buffer = BytesIO()
    with Workbook(buffer) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["日期", "支出", "收入"])
        for row, form in enumerate(("yyyy-mm-dd", "yyyy-mm-dd hh:mm"), 1):
            sheet.write_number(row, 0, 46_083 + (row - 1) * 0.4, book.add_format({"num_format": form}))
            sheet.write_string(row, 1, f"{row}.00")
    assert [line.booked_on for line in read(buffer.getvalue()).lines] == [DAY, DAY]
