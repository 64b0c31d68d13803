"""By which columns a bank's export is known, and how it is refused where that would be a guess."""

import pytest

from market.banks.profiles import PROFILES, Field, Profile, chosen, missing, places_of, recognised
from market.banks.rules import StatementFileError
from tests.banks.exports import BANKS, as_csv, as_workbook, grid
from tests.banks.test_reading import HEAD, ROWS, read, refusal, text

# Headings as public programs that read such exports have them.
SEEN = {
    "ccb": "账号,交易时间,借方发生额/元(支取),贷方发生额/元(收入),余额/元,币种,对方户名,对方账号,对方开户机构,"
    "记账日期,摘要,备注,账户明细编号-交易流水号,企业流水号,凭证种类,凭证号",
    "boc": "交易类型[ Transaction Type ],付款人账号[ Debit Account No. ],付款人名称[ Payer's Name ],"
    "收款人账号[ Payee's Account Number ],收款人名称[ Payee's Name ],交易日期[ Transaction Date ],"
    "交易货币[ Trade Currency ],交易金额[ Trade Amount ],交易后余额[ After-transaction balance ],"
    "交易流水号[ Transaction reference number ],客户申请号[ Online Banking Transaction Ref. ],摘要[ Reference ],"
    "用途[ Purpose ],交易附言[ Remark ]",
    "cmb": "交易日期,借方(出账),贷方(入账),余额,摘要,收(付)方名称,收(付)方账号,交易类型,交易流水号",
    "icbc": "凭证号,对方账号,交易时间,借贷标志,对方单位,对方行号,用途,摘要,附言,转入金额,转出金额,余额",
    "rural": "交易日期,借贷标志,交易金额,余额,对方账号,对方户名,摘要",
}


@pytest.mark.parametrize("name", SEEN)
def test_the_headings_that_are_seen_are_known(name: str) -> None:
    profile = recognised(SEEN[name].split(","))
    assert profile is not None
    assert profile.name == name
    places = places_of(profile, SEEN[name].split(","))
    assert places is not None
    assert {Field.BALANCE, Field.REMARK} <= set(places)


def test_of_payer_and_payee_the_other_one_is_the_counterparty() -> None:
    rows = [
        "x,1,甲,2,本社,20260302,CNY,5.00,5.00,A1,,,,货款",
        "x,2,本社,3,乙,20260302,CNY,-2.00,3.00,A2,DF-1,,,退款",
    ]
    found = read(text(*rows, head=SEEN["boc"]))
    assert [(line.counterparty_name, line.counterparty_account) for line in found.lines] == [("甲", "1"), ("乙", "3")]
    assert [line.payment_reference for line in found.lines] == ["", "DF-1"]


@pytest.mark.parametrize("profile", BANKS, ids=lambda profile: profile.name)
def test_each_bank_has_marks_that_no_other_has_and_says_what_it_lacks(profile: Profile) -> None:
    headings = [several[0] for several in profile.headings.values()] + [group[0] for group in profile.marks]
    assert missing(profile, headings) == []
    assert recognised(list(dict.fromkeys(headings))) is profile
    for field in profile.needed:
        lacking = [heading for heading in headings if heading not in profile.headings[field]]
        assert missing(profile, lacking) == [profile.headings[field][0]]
        assert places_of(profile, lacking) is None


def test_headings_of_two_banks_are_a_question_not_a_guess_and_naming_the_bank_answers_it() -> None:
    content = text(
        "20260302,1.00,,0,甲,甲,S1,0",
        head="交易日期,借方金额,贷方金额,余额,收(付)方名称,对方单位,账户明细编号-交易流水号,凭证号",
    )
    assert "icbc, ccb, cmb" in refusal(content)
    assert read(content, profile="ccb").form == "ccb"


def test_a_file_without_the_columns_is_told_which_it_lacks() -> None:
    assert "lacking: 贷方发生额" in refusal(text(ROWS[0], head=HEAD.replace("贷方发生额", "甲某")))
    assert "甲某" not in refusal(text(ROWS[0], head=HEAD.replace("贷方发生额", "甲某")))
    assert "lacking: 账户明细编号" not in refusal(b"", profile="ccb")
    assert "交易日期" not in refusal(text(ROWS[0], head="交易日期,甲,乙"), profile="boc")
    assert "known forms" in refusal(text(*ROWS), profile="hsbc")
    with pytest.raises(StatementFileError):
        chosen("")


def test_one_column_of_amounts_without_balances_is_read_only_when_it_is_asked_for_as_signed() -> None:
    content = text("2026-03-02,-5.00,甲", head="日期,金额,对方户名")
    assert "lacking" in refusal(content)
    assert [line.amount_fen for line in read(content, profile="generic_signed").lines] == [-500]


def test_a_heading_that_stands_twice_is_refused() -> None:
    assert "对方户名 stands twice" in refusal(text(ROWS[0] + ",乙", head=HEAD + ",对方户名"))
    assert read(text(ROWS[0] + ",乙", head=HEAD + ",经办人")).lines


def test_pages_that_repeat_the_headings_and_sheets_beside_the_statement_change_nothing() -> None:
    table = [row.split(",") for row in (HEAD, ROWS[0], HEAD, ROWS[1])]
    assert len(read(as_csv(table)).lines) == 2
    assert len(read(as_workbook([["说明"]], table)).lines) == 2
    assert "several sheets" in refusal(as_workbook(table, table))


def test_every_profile_reads_a_year_first_day_and_needs_a_day_and_an_amount() -> None:
    assert {profile.needed[0] for profile in PROFILES.values()} == {Field.DAY}
    assert all(len(profile.needed) > 1 for profile in PROFILES.values())
    assert grid(PROFILES["generic"], read(text(*ROWS)).lines)[0][0] == "序号"
