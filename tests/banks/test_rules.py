"""What a statement is and when it holds together; codes that a slip of the pen never turns into another."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import accumulate, pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from market.banks.rules import (
    LeftOut,
    PaymentFileError,
    Statement,
    StatementAccountError,
    StatementFaultsError,
    StatementFileError,
    StatementLine,
    account_key,
    closing_of,
    codes_in,
    day_of,
    faults_of,
    fen_of,
    group_number,
    identification_code,
    is_identification_code,
    line_keys,
    printed_code,
)
from market.money import MAX_FEN, yuan

ACCOUNT = "62220212340001"
DAY = date(2026, 3, 2)
NUMBERS = st.builds(
    "G{:%Y%m%d}{}".format,
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.integers(6, 10).flatmap(lambda length: st.from_regex(rf"[0-9]{{{length}}}", fullmatch=True)),
)
FEN = st.integers(-MAX_FEN, MAX_FEN).filter(bool)
TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N"]), max_size=8)


@st.composite
def lines(draw: st.DrawFn, *, least: int = 0, unlike: bool = False) -> tuple[StatementLine, ...]:
    """Draw lines of a few days in their order; many are from few choices, so that some agree, unless they may not."""
    fen = FEN if unlike else st.sampled_from([100, -100, 250]) | FEN
    amounts = draw(st.lists(fen, min_size=least, max_size=8, unique=unlike))
    days = sorted(draw(st.lists(st.integers(0, 2), min_size=len(amounts), max_size=len(amounts))))
    opening = draw(st.integers(-(10**6), 10**6))
    balances = list(accumulate(amounts, initial=opening))[1:]
    with_balances = unlike or draw(st.booleans())
    return tuple(
        StatementLine(
            row=row,
            booked_on=DAY + timedelta(days),
            amount_fen=fen,
            counterparty_name=draw(st.sampled_from(["甲", "乙"]) | TEXT),
            reference=draw(st.sampled_from(["", "0000", "77"]) | TEXT),
            remark=draw(TEXT),
            balance_fen=balance if with_balances else None,
        )
        for row, (fen, days, balance) in enumerate(zip(amounts, days, balances, strict=True), 2)
    )


def statement(*told: StatementLine, **stated: int | None) -> Statement:
    return Statement(form="generic", account_number=ACCOUNT, lines=told, **stated)  # type: ignore[arg-type]


def line(fen: int, *, row: int = 2, balance: int | None = None, **told: str) -> StatementLine:
    return replace(StatementLine(row, DAY, fen, balance_fen=balance), **told)  # type: ignore[arg-type]


def where(found: Statement) -> list[tuple[int, str]]:
    return [(fault.row, fault.column) for fault in faults_of(found)]


# Identification codes


def test_a_code_is_the_digits_of_the_number_and_two_more_and_is_shown_in_fours() -> None:
    code = identification_code("G202603020000123")
    assert (code, printed_code(code)) == ("20260302000012305", "2026 0302 0000 1230 5")
    assert identification_code("G20260302000123")[:-2] == "20260302000123"
    assert group_number(code) == "G202603020000123"


@pytest.mark.parametrize("number", ["", "20260302000123", "G2026030200012", "G202602300000123", "G190001010000123"])
def test_what_is_no_number_of_an_order_group_has_no_code(number: str) -> None:
    with pytest.raises(ValueError, match=number or "^$"):
        identification_code(number)


@pytest.mark.parametrize(
    "code", ["", "2026030200001230", "20260302000012306", "20261302000012305", "２0260302000012305"]
)
def test_what_is_no_code_names_no_order_group(code: str) -> None:
    assert not is_identification_code(code)
    with pytest.raises(ValueError, match=code or "^$"):
        group_number(code)


@given(number=NUMBERS)
def test_every_number_has_one_code_which_names_it_and_its_check_is_that_of_the_standard(number: str) -> None:
    code = identification_code(number)
    assert is_identification_code(code)
    assert group_number(code) == number
    assert [check for check in range(100) if int(f"{number[1:]}{check:02d}") % 97 == 1 and 1 < check < 99] == [
        int(code[-2:])
    ]


@given(number=NUMBERS, place=st.integers(0, 19), digit=st.sampled_from("0123456789"))
def test_one_wrong_digit_is_never_another_code(number: str, place: int, digit: str) -> None:
    code = identification_code(number)
    place %= len(code)
    assume(code[place] != digit)
    assert not is_identification_code(code[:place] + digit + code[place + 1 :])


@given(number=NUMBERS, places=st.lists(st.integers(0, 19), min_size=2, max_size=2, unique=True))
def test_two_digits_that_changed_places_are_never_another_code(number: str, places: list[int]) -> None:
    code = identification_code(number)
    first, second = (place % len(code) for place in places)
    assume(code[first] != code[second])
    digits = list(code)
    digits[first], digits[second] = digits[second], digits[first]
    assert not is_identification_code("".join(digits))


@given(
    numbers=st.lists(NUMBERS, max_size=3),
    around=st.lists(st.sampled_from(["货款", "识别码:", "谢谢!", "(", "No.", "①"]), min_size=4, max_size=4),
    between=st.sampled_from(["", " ", "-", "\u3000", "\u2014", " - "]),
    full_width=st.booleans(),
)
def test_every_code_is_found_in_whatever_stands_around_it(
    numbers: list[str], around: list[str], between: str, *, full_width: bool
) -> None:
    codes = [identification_code(number) for number in numbers]
    spelled = [printed_code(code).replace(" ", between) for code in codes]
    text = around[0] + "".join(map("".join, zip(spelled, around[1:], strict=False)))
    if full_width:
        text = text.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})
    assert set(codes) <= set(codes_in(text))
    assert all(map(is_identification_code, codes_in(text)))
    assert codes_in(text) == list(dict.fromkeys(codes_in(text)))


def test_several_codes_are_found_whatever_is_between_them_also_nothing() -> None:
    one, other = identification_code("G202603020000123"), identification_code("G202603020000124")
    for between in ("", " ", "、", "-", "\u200b"):
        assert codes_in(f"付{one}{between}{other}款") == [one, other]
    for between in (" ", "、", "-", "\u3000/"):
        assert codes_in(f"{printed_code(one)}{between}{printed_code(other)}") == [one, other]


def test_no_code_is_found_where_digits_go_on_or_the_check_is_wrong() -> None:
    code = identification_code("G202603020000123")
    for text in (
        "",
        "货款",
        f"1{code}",
        f"{code}1",
        f"6222{code}",
        code[:-1],
        code[:-1] + "6",
        f"{code[:8]}.{code[8:]}",
    ):
        assert codes_in(text) == []


@given(text=st.text(st.sampled_from("0123456789 -号"), max_size=60))
def test_what_is_found_is_a_code_and_stands_there(text: str) -> None:
    digits = "".join(letter for letter in text if letter.isdigit())
    for code in codes_in(text):
        assert is_identification_code(code)
        assert code in digits


# Amounts, days, accounts


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("1,234.56", 123_456),
        ("1234.5", 123_450),
        ("-1,234.50", -123_450),
        ("\u22125.00", -500),
        ("(1,234.50)", -123_450),
        ("(12元)", -1_200),
        ("￥0.19", 19),
        ("-¥5", -500),
        ("¥-5", -500),
        ("+5.00", 500),
        (".50", 50),
        ("12.340000", 1_234),
        ("１２．３０元", 1_230),
        ("人民币 1.00", 100),
        ("CNY1.00", 100),
        ("0.00", 0),
        ("100000000000.00", MAX_FEN),
        ("100000000000.01", None),
        ("1.234", None),
        ("1.005", None),
        ("1,23", None),
        ("12,34.00", None),
        ("1.234,56", None),
        ("(-5)", None),
        ("--5", None),
        ("5-", None),
        ("1e3", None),
        ("5.", None),
        (".", None),
        ("元", None),
        ("", None),
        ("一百元", None),
        ("$5", None),
        ("٣", None),
    ],
)
def test_an_amount_is_read_to_the_fen_or_not_at_all(text: str, fen: int | None) -> None:
    assert fen_of(text) == fen


@given(fen=st.integers(-MAX_FEN, MAX_FEN))
def test_an_amount_written_for_a_person_is_read_back(fen: int) -> None:
    assert fen_of(yuan(fen)) == fen
    assert fen_of(yuan(fen).replace(",", "") + "000元") == fen
    assert fen_of(f"({yuan(abs(fen))})") == -abs(fen)


@pytest.mark.parametrize(
    "text",
    [
        *("20260302", "2026-03-02", "2026/3/2", "2026.3.2", "2026年3月2日", "2026-03-02 09:30:00", "20260302 093000"),
        *("2026-03-02T09:30:00", "20260302093000", "２０２６-03-02", "2026/3/2 9:30", "20260302 09:30:00.000"),
    ],
)
def test_a_day_is_read_in_every_form_that_begins_with_the_year(text: str) -> None:
    assert day_of(text) == DAY


@pytest.mark.parametrize(
    "text",
    ["", "3/2/2026", "02-03-26", "2026-13-01", "2026-02-30", "2026-0302", "2026-3/2", "202632", "2026年3-2", "46083"],
)
def test_what_is_no_day_or_two_days_is_none(text: str) -> None:
    assert day_of(text) is None


def test_accounts_are_compared_without_spaces_and_one_shown_in_part_not_at_all() -> None:
    assert account_key("6222 0212-3400 01") == ACCOUNT
    assert account_key("6222****0001") == ""


# Keys


@given(told=lines(), seed=st.randoms(use_true_random=False))
def test_the_same_lines_have_the_same_keys_in_any_order_under_other_row_numbers_and_in_full_width(
    told: tuple[StatementLine, ...], seed: object
) -> None:
    order = list(range(len(told)))
    seed.shuffle(order)  # type: ignore[attr-defined]
    again = [
        replace(told[place], row=row, counterparty_name=f" {told[place].counterparty_name} ")
        for row, place in enumerate(order, 50)
    ]
    keys = line_keys(ACCOUNT, told)
    assert len(set(keys)) == len(keys)
    assert set(line_keys("6222 0212 3400 01", again)) == set(keys)
    telling = [replace(one, row=0) for one in told]
    for key, place in zip(line_keys(ACCOUNT, again), order, strict=True):
        assert telling[keys.index(key)].amount_fen == told[place].amount_fen


@given(told=lines(), first=st.integers(0, 2))
def test_statements_that_overlap_by_whole_days_have_the_same_keys_for_what_they_share(
    told: tuple[StatementLine, ...], first: int
) -> None:
    later = [one for one in told if one.booked_on >= DAY + timedelta(first)]
    assert set(line_keys(ACCOUNT, later)) <= set(line_keys(ACCOUNT, told))


@given(told=lines())
def test_another_account_has_other_keys(told: tuple[StatementLine, ...]) -> None:
    assert not set(line_keys(ACCOUNT, told)) & set(line_keys("1", told))


def test_a_line_is_known_by_its_reference_whatever_the_bank_says_besides() -> None:
    told = line(100, reference="AB 7", remark="货款", balance=5)
    (key,) = line_keys(ACCOUNT, [told])
    assert line_keys(ACCOUNT, [line(100, reference="ab-7")]) == [key]
    others = [line(-100, reference="AB7"), line(100, reference="AB8"), line(100), line(100, reference="000")]
    assert not {key} & set(line_keys(ACCOUNT, others))


def test_of_equal_lines_of_a_day_each_has_a_key_of_its_own() -> None:
    keys = line_keys(ACCOUNT, [line(100, remark="货款"), line(100, remark="货款", row=3)])
    assert len(set(keys)) == 2
    assert line_keys(ACCOUNT, [line(100, remark="货款", row=9)]) == keys[:1]


# What holds together


@given(told=lines(), seed=st.booleans(), by_day=st.booleans())
def test_balances_that_follow_hold_in_whichever_order_a_bank_tells_them(
    told: tuple[StatementLine, ...], *, seed: bool, by_day: bool
) -> None:
    given_lines = told[::-1] if seed else told
    if by_day:
        given_lines = tuple(sorted(given_lines, key=lambda one: one.booked_on))
    assume(len({(one.reference, one.amount_fen, one.remark) for one in told}) == len(told))
    assert where(statement(*given_lines)) == []


@given(told=lines(least=3, unlike=True), place=st.integers(0, 7), by=st.integers(1, 10**6))
def test_a_changed_amount_or_balance_or_a_line_left_out_is_seen(
    told: tuple[StatementLine, ...], place: int, by: int
) -> None:
    opening, closing = (told[0].balance_fen or 0) - told[0].amount_fen, told[-1].balance_fen
    whole = statement(*told, opening_fen=opening, closing_fen=closing)
    place %= len(told)
    assert where(whole) == []
    fen, balance = told[place].amount_fen, told[place].balance_fen or 0
    for changed in (
        [replace(told[place], amount_fen=fen + by)],
        [replace(told[place], balance_fen=balance + by)],
        [],
    ):
        assert where(replace(whole, lines=(*told[:place], *changed, *told[place + 1 :])))


def test_a_balance_that_does_not_follow_names_its_row() -> None:
    told = (line(100, row=2, balance=100), line(-30, row=3, balance=71), line(5, row=4, balance=76))
    assert where(statement(*told)) == [(3, "balance")]
    assert where(statement(*told[1:], opening_fen=101, closing_fen=77)) == [(0, "closing_balance")]
    assert where(statement(*told[1:], opening_fen=99)) == [(3, "balance")]


def test_stated_balances_hold_the_lines_also_without_balances_of_their_own() -> None:
    told = (line(100, row=2), line(-30, row=3))
    assert where(statement(*told, opening_fen=5, closing_fen=75)) == []
    assert where(statement(*told, opening_fen=5, closing_fen=76)) == [(0, "closing_balance")]
    assert where(statement(*told, closing_fen=76)) == []
    assert where(statement(opening_fen=5, closing_fen=6)) == [(0, "closing_balance")]


def test_stated_sums_are_those_of_the_lines_and_a_reversal_lessens_the_side_that_it_corrects() -> None:
    told = (line(100), line(-30), replace(line(30), is_reversal=True), replace(line(-5), is_reversal=True))
    assert where(statement(*told, out_fen=0, in_fen=95, count=4)) == []
    assert where(statement(*told, out_fen=1, in_fen=95)) == [(0, "out")]
    assert where(statement(*told, in_fen=130, count=3)) == [(0, "in"), (0, "count")]
    assert where(replace(statement(*told, count=5), left_out=(LeftOut(9, "", ""),))) == []


def test_a_line_told_twice_under_one_reference_is_seen_unless_balances_tell_two_payments() -> None:
    once, again = line(100, reference="7", row=2), line(100, reference="7", row=3)
    assert where(statement(once, again)) == [(3, "reference")]
    assert where(statement(once, replace(again, amount_fen=101))) == []
    assert where(statement(replace(once, reference=""), replace(again, reference="0"))) == []
    assert where(statement(replace(once, balance_fen=100), replace(again, balance_fen=200))) == []


def test_a_line_and_a_refusal_show_no_name() -> None:
    told = line(100, counterparty_name="王某", counterparty_account=ACCOUNT, remark="王某货款")
    assert "王某" not in repr(told)
    assert ACCOUNT not in repr(told)
    error = StatementFaultsError(faults_of(statement(told, told, opening_fen=1, closing_fen=2)))
    assert error.faults("en") == [("/closing_balance", "the closing balance does not follow from the lines")]
    row = StatementFaultsError(faults_of(statement(line(1, balance=5), line(1, row=3, balance=9))))
    assert row.faults("zh") == [("/rows/3/balance", "余额与前面各行不衔接")]


def test_each_refusal_says_what_it_refuses_in_both_languages() -> None:
    errors = [
        StatementFileError(reason="x", reason_zh="x"),
        StatementFaultsError([]),
        StatementAccountError(),
        PaymentFileError(reason="x", reason_zh="x"),
    ]
    said = [error.detail(language) for error in errors for language in ("en", "zh")]
    assert len(set(said)) == 8
    assert all(first != second for first, second in pairwise(said))
    assert {error.status for error in errors} == {422}


def test_a_stated_closing_balance_goes_before_what_the_lines_say() -> None:
    assert closing_of(statement(line(5), opening_fen=1, closing_fen=7)) == 7
