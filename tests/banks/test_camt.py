"""camt.053 of three versions: what is booked is read, each part of a batch; what is not is told; the rest refused."""

from dataclasses import replace
from datetime import date
from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.banks.camt import FORMS
from market.banks.payment_orders import decimal
from market.banks.reading import read_statements
from market.banks.rules import Statement, StatementFaultsError, StatementFileError, StatementLine, line_keys
from tests.banks.exports import ACCOUNT, DAY, lines

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"


def amount(fen: int, *, currency: str = "CNY") -> str:
    side = "CRDT" if fen >= 0 else "DBIT"
    return f'<Amt Ccy="{currency}">{decimal(abs(fen))}</Amt><CdtDbtInd>{side}</CdtDbtInd>'


def balance(code: str, fen: int) -> str:
    return f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{amount(fen)}<Dt><Dt>2026-03-02</Dt></Dt></Bal>"


def party(tag: str, name: str, account: str, form: str) -> str:
    named = f"<Pty><Nm>{escape(name)}</Nm></Pty>" if form == FORMS[2] else f"<Nm>{escape(name)}</Nm>"
    return f"<{tag}>{named}</{tag}><{tag}Acct><Id><Othr><Id>{account}</Id></Othr></Id></{tag}Acct>"


def entry(
    fen: int, *parts: str, form: str = FORMS[0], status: str = "BOOK", day: str = "<Dt>2026-03-02</Dt>", more: str = ""
) -> str:
    told = f"<Cd>{status}</Cd>" if form != FORMS[0] else status
    details = "".join(f"<TxDtls>{part}</TxDtls>" for part in parts)
    return (
        f"<Ntry><NtryRef>N1</NtryRef>{amount(fen)}{more}<Sts>{told}</Sts><BookgDt>{day}</BookgDt>"
        f"<AcctSvcrRef>S1</AcctSvcrRef><NtryDtls>{details}</NtryDtls></Ntry>"
    )


def document(*within: str, form: str = FORMS[0], account: str = ACCOUNT) -> bytes:
    head = f"<Id>1</Id><Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>CNY</Ccy></Acct>"
    statements = f"<Stmt>{head}{''.join(within)}</Stmt>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{NAMESPACE}{form}"><BkToCstmrStmt>'
        f"<GrpHdr/>{statements}</BkToCstmrStmt></Document>"
    ).encode()


def of(line: StatementLine, form: str) -> str:
    refs = f"<Refs><AcctSvcrRef>{line.reference}</AcctSvcrRef><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"
    side = "Dbtr" if line.amount_fen > 0 else "Cdtr"
    parties = party(side, line.counterparty_name, line.counterparty_account, form)
    remark = f"<RmtInf><Ustrd>{escape(line.remark)}</Ustrd></RmtInf>"
    return (
        f"<Ntry>{amount(line.amount_fen)}<Sts>{'BOOK' if form == FORMS[0] else '<Cd>BOOK</Cd>'}</Sts>"
        f"<BookgDt><Dt>{line.booked_on}</Dt></BookgDt>"
        f"<NtryDtls><TxDtls>{refs}<RltdPties>{parties}</RltdPties>{remark}</TxDtls></NtryDtls></Ntry>"
    )


def read(content: bytes) -> Statement:
    (found,) = read_statements(content)
    return found


def faults(*within: str, form: str = FORMS[0]) -> list[str]:
    with pytest.raises(StatementFaultsError) as refused:
        read_statements(document(*within, form=form))
    return [pointer for pointer, _ in refused.value.faults("en")]


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=20)
@given(told=lines())
def test_a_statement_of_each_version_is_read_back_and_known_again_from_a_spreadsheet(
    form: str, told: list[StatementLine]
) -> None:
    opening = (told[0].balance_fen or 0) - told[0].amount_fen
    balances = balance("OPBD", opening) + balance("CLBD", told[-1].balance_fen or 0)
    found = read(document(balances, *(of(line, form) for line in told), form=form))
    assert (found.form, found.account_number, found.opening_fen) == (form, ACCOUNT, opening)
    assert [replace(line, row=0) for line in found.lines] == [replace(line, balance_fen=None) for line in told]
    assert line_keys(ACCOUNT, found.lines) == line_keys(ACCOUNT, told)


@settings(max_examples=60)
@given(told=lines(), place=st.integers(0, 10**6), letter=st.sampled_from("0123456789.<>CDa"))
def test_an_altered_statement_is_refused_or_its_amounts_still_lead_to_its_balance(
    told: list[StatementLine], place: int, letter: str
) -> None:
    opening = (told[0].balance_fen or 0) - told[0].amount_fen
    balances = balance("OPBD", opening) + balance("CLBD", told[-1].balance_fen or 0)
    content = document(balances, *(of(line, FORMS[0]) for line in told)).decode()
    place %= len(content)
    try:
        found = read((content[:place] + letter + content[place + 1 :]).encode())
    except (StatementFaultsError, StatementFileError):
        return
    if None not in (found.opening_fen, found.closing_fen):
        assert [line.amount_fen for line in found.lines] == [line.amount_fen for line in told]


@pytest.mark.parametrize("form", FORMS)
def test_a_batch_is_a_line_for_each_part_and_its_parts_sum_to_it(form: str) -> None:
    own = "<Refs><AcctSvcrRef>P1</AcctSvcrRef><EndToEndId>DF-1</EndToEndId></Refs>"
    nested = '<AmtDtls><TxAmt><Amt Ccy="CNY">2.00</Amt></TxAmt></AmtDtls>'
    parts = (own + '<Amt Ccy="CNY">1.00</Amt>', nested, nested)
    found = read(document(entry(-500, *parts, form=form), form=form))
    assert [(line.row, line.amount_fen, line.reference) for line in found.lines] == [
        (1, -100, "P1"),
        (1, -200, "S1/2"),
        (1, -200, "S1/3"),
    ]
    assert found.lines[0].payment_reference == "DF-1"
    assert faults(entry(-499, *parts, form=form), form=form) == ["/rows/1/amount"]
    assert "/rows/1/amount" in faults(entry(-300, parts[0], nested, "<Refs/>", form=form), form=form)


def test_a_part_of_the_other_side_counts_as_such() -> None:
    found = read(document(entry(100, amount(300), amount(-200))))
    assert [line.amount_fen for line in found.lines] == [300, -200]


def test_a_batch_whose_parts_have_no_amounts_is_one_line_with_all_that_they_say() -> None:
    parts = [
        "<RmtInf><Ustrd>2026 0302</Ustrd><Ustrd>0000 1230 5</Ustrd></RmtInf>",
        "<RmtInf><Strd><CdtrRefInf><Ref>R9</Ref></CdtrRefInf><AddtlRmtInf>货款</AddtlRmtInf></Strd></RmtInf>",
    ]
    (line,) = read(document(entry(500, *parts))).lines
    assert (line.amount_fen, line.reference, line.remark) == (500, "S1", "2026 0302 0000 1230 5 R9 货款")
    (bare,) = read(document(entry(500).replace("<AcctSvcrRef>S1</AcctSvcrRef>", ""))).lines
    assert (bare.reference, bare.remark, bare.counterparty_name) == ("N1", "", "")


def test_a_reversal_has_the_side_that_the_bank_says_and_the_party_of_what_it_corrects() -> None:
    parties = f"<RltdPties>{party('Dbtr', '甲', '1', FORMS[0])}{party('Cdtr', '乙', '2', FORMS[0])}</RltdPties>"
    reversal = entry(-500, parties, more="<RvslInd>true</RvslInd>")
    first, back = read(document(entry(500, parties), reversal.replace("S1", "S2"))).lines
    assert (first.amount_fen, first.counterparty_name, first.is_reversal) == (500, "甲", False)
    assert (back.amount_fen, back.counterparty_name, back.is_reversal) == (-500, "甲", True)


def test_what_is_not_booked_and_what_moves_nothing_is_told_and_left_out() -> None:
    within = [entry(500, status="PDNG"), entry(0), entry(7)]
    found = read(document(balance("OPBD", 0), *within, balance("CLBD", 7)))
    assert [line.amount_fen for line in found.lines] == [7]
    assert [(left.row, left.zh) for left in found.left_out] == [(1, "尚未入账"), (2, "金额为零")]


def test_the_balance_before_stands_for_the_opening_one_and_none_may_be_missing_its_sum() -> None:
    within = (entry(500), balance("CLBD", 505))
    assert read(document(balance("PRCD", 5), *within)).opening_fen == 5
    assert read(document(balance("PRCD", 9), balance("OPBD", 5), *within)).opening_fen == 5
    assert faults(balance("OPBD", 6), *within) == ["/closing_balance"]


@pytest.mark.parametrize(
    ("day", "booked_on"),
    [
        ("<Dt>2026-03-02+08:00</Dt>", DAY),
        ("<DtTm>2026-03-02T09:30:00</DtTm>", DAY),
        ("<DtTm>2026-03-01T17:00:00Z</DtTm>", DAY),
        ("<DtTm>2026-03-02T00:30:00+08:00</DtTm>", DAY),
        ("<Dt>2026-03-03</Dt>", date(2026, 3, 3)),
    ],
)
def test_a_day_is_that_in_china(day: str, booked_on: date) -> None:
    assert read(document(entry(1, day=day))).lines[0].booked_on == booked_on


@pytest.mark.parametrize(
    ("within", "pointers"),
    [
        (entry(1, day="<Dt>2026-02-30</Dt>"), ["/rows/1/day"]),
        (entry(1, day="<Dt>2026-03-02x</Dt>"), ["/rows/1/day"]),
        (entry(1).replace("CNY", "USD"), ["/rows/1/currency"]),
        (entry(1).replace("0.01", "0.011"), ["/rows/1/amount"]),
        (entry(1).replace("0.01", "-0.01"), ["/rows/1/amount"]),
        (entry(1).replace("0.01", "1e2"), ["/rows/1/amount"]),
        (entry(1).replace("0.01", "999999999999"), ["/rows/1/amount"]),
        (entry(1).replace("CRDT", "UP"), ["/rows/1/side"]),
        (entry(1).replace("<CdtDbtInd>CRDT</CdtDbtInd>", ""), ["/rows/1/side"]),
        (entry(1, status=""), ["/rows/1/status"]),
        (entry(1).replace('<Amt Ccy="CNY">0.01</Amt>', ""), ["/rows/1/currency"]),
        (balance("OPBD", 1).replace("CNY", "USD"), ["/currency"]),
        (entry(1) + entry(1), ["/rows/2/reference"]),
    ],
)
def test_each_fault_names_its_entry(within: str, pointers: list[str]) -> None:
    assert faults(within) == pointers


def test_an_account_in_another_currency_is_refused_and_amounts_may_have_zeros_behind() -> None:
    with pytest.raises(StatementFaultsError):
        read(document(entry(1)).replace(b"<Ccy>CNY", b"<Ccy>EUR"))
    assert read(document(entry(1).replace("0.01", "0.01000"))).lines[0].amount_fen == 1
    assert read(document(entry(1).replace("0.01", "7"))).lines[0].amount_fen == 700


@pytest.mark.parametrize(
    "content",
    [
        b"<Document/>",
        b"<html><table></table></html>",
        document(entry(1), form="camt.052.001.02"),
        document(entry(1)).replace(b"Stmt>", b"Rpt>"),
        document(entry(1))[:-9],
        document(entry(1)).replace(b"UTF-8", b"GB18030"),
        document(entry(1)).replace(b"UTF-8", b"no-such"),
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    ],
)
def test_xml_that_is_no_such_statement_or_declares_entities_is_refused(content: bytes) -> None:
    with pytest.raises(StatementFileError):
        read_statements(content)


def test_several_statements_of_one_file_count_their_entries_through() -> None:
    content = document(entry(1), "</Stmt><Stmt>", entry(2).replace("S1", "S2"))
    assert [[line.row for line in found.lines] for found in read_statements(content)] == [[1], [2]]
    assert read_statements(b"\xef\xbb\xbf\n" + content.partition(b"?>")[2])[1].account_number is None
