"""Files of payments say to the bank exactly what was ordered: they are read back, and refused where they could not."""

import csv
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO, StringIO

import pytest
from defusedxml import ElementTree
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from market.banks import pain
from market.banks.payment_files import COLUMNS, csv_gb18030, xlsx
from market.banks.payment_orders import PayingAccount, PaymentOrder, decimal, total_fen
from market.banks.rules import PaymentFileError, fen_of
from market.money import MAX_FEN

PAY_ON = date(2026, 3, 2)
MADE_AT = datetime(2026, 3, 1, 17, tzinfo=UTC)
DEBTOR = PayingAccount("富山合作社", "62220212340001", "交城农商行", "402162000011")
ORDER = PaymentOrder("DF-1", "王某", "6222021234567890123", 3_058, "红枣款", "农商行王村分理处", "402162000012")
TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "S"]), min_size=1, max_size=20).filter(
    lambda text: not text.startswith(("=", "+", "-", "@", "＝", "＋", "﹢", "﹦", "⁺", "₊", "⁼", "₌", "﬩"))
)
CODE = st.from_regex(r"[0-9]{12}", fullmatch=True)
ORDERS = st.lists(
    st.builds(
        PaymentOrder,
        reference=st.from_regex(r"[A-Z0-9]{1,35}", fullmatch=True),
        payee_name=TEXT,
        account_number=st.from_regex(r"[0-9]{5,34}", fullmatch=True),
        amount_fen=st.integers(1, MAX_FEN),
        purpose=TEXT,
        bank_name=TEXT,
        bank_code=CODE | st.just(""),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda order: order.reference,
)
# The order of elements, from the message definition pain.001.001.09; a file was held once against its schema.
SEQUENCES = {
    "CstmrCdtTrfInitn": ["GrpHdr", "PmtInf"],
    "GrpHdr": ["MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty"],
    "PmtInf": [
        *("PmtInfId", "PmtMtd", "BtchBookg", "NbOfTxs", "CtrlSum", "PmtTpInf", "ReqdExctnDt", "PoolgAdjstmntDt"),
        *("Dbtr", "DbtrAcct", "DbtrAgt", "DbtrAgtAcct", "InstrForDbtrAgt", "UltmtDbtr", "ChrgBr", "CdtTrfTxInf"),
    ],
    "CdtTrfTxInf": [
        *("PmtId", "PmtTpInf", "Amt", "XchgRateInf", "ChrgBr", "CdtrAgt", "CdtrAgtAcct", "Cdtr", "CdtrAcct"),
        *("UltmtCdtr", "Purp", "RmtInf"),
    ],
    "FinInstnId": ["BICFI", "ClrSysMmbId", "LEI", "Nm"],
    "ClrSysMmbId": ["ClrSysId", "MmbId"],
}


def xml(orders: list[PaymentOrder], *, message_id: str = "M-1", debtor: PayingAccount = DEBTOR) -> bytes:
    return pain.xml(message_id, debtor, orders, pay_on=PAY_ON, made_at=MADE_AT)


def from_cells(rows: list[list[str]]) -> list[PaymentOrder]:
    named = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    return [
        PaymentOrder(
            row["付款凭证号"],
            row["收款人户名"],
            row["收款账号"],
            fen_of(row["金额(元)"]) or 0,
            row["用途"],
            row["收款行名称"],
            row["收款行行号"],
        )
        for row in named
    ]


@settings(max_examples=40)
@given(orders=ORDERS)
def test_the_spreadsheets_are_read_back_to_the_letter_and_the_fen(orders: list[PaymentOrder]) -> None:
    content = xlsx(DEBTOR, orders, pay_on=PAY_ON)
    book = CalamineWorkbook.from_filelike(BytesIO(content))
    rows = [[str(cell) for cell in row] for row in book.get_sheet_by_index(0).to_python()]
    assert from_cells(rows) == orders
    assert [row[1] for row in rows[1:]] == [DEBTOR.account_number] * len(orders)
    told = {str(row[0]): str(row[1]) for row in book.get_sheet_by_index(1).to_python()}
    assert (told["笔数"], told["金额合计(元)"]) == (str(len(orders)), decimal(total_fen(orders)))
    text = csv_gb18030(DEBTOR, orders, pay_on=PAY_ON).decode("gb18030")
    assert from_cells(list(csv.reader(StringIO(text, newline="")))) == orders
    assert content == xlsx(DEBTOR, orders, pay_on=PAY_ON)


@settings(max_examples=40)
@given(orders=ORDERS)
def test_the_message_is_read_back_to_the_letter_and_the_fen_and_is_the_same_each_time(
    orders: list[PaymentOrder],
) -> None:
    content = xml(orders)
    root = ElementTree.fromstring(content)
    spaces = {"": pain.NAMESPACE}
    found = []
    for one in root.findall(".//CdtTrfTxInf", spaces):
        texts = {element.tag.partition("}")[2]: element.text or "" for element in one.iter()}
        bank = {element.tag.partition("}")[2]: element.text or "" for element in one.find("CdtrAgt", spaces).iter()}
        account = one.find("CdtrAcct/Id/Othr/Id", spaces).text
        name = one.find("Cdtr/Nm", spaces).text
        assert one.find("Amt/InstdAmt", spaces).get("Ccy") == "CNY"
        fen = fen_of(texts["InstdAmt"]) or 0
        found.append(
            PaymentOrder(texts["EndToEndId"], name, account, fen, texts["Ustrd"], bank["Nm"], bank.get("MmbId", ""))
        )
    assert found == orders
    for path in ("GrpHdr", "PmtInf"):
        head = root.find(f"CstmrCdtTrfInitn/{path}", spaces)
        assert head.find("NbOfTxs", spaces).text == str(len(orders))
        assert head.find("CtrlSum", spaces).text == decimal(total_fen(orders))
    assert content == xml(orders)


def test_elements_stand_in_the_order_of_the_standard() -> None:
    seen = set()
    for element in ElementTree.fromstring(
        xml([ORDER, replace(ORDER, reference="DF-2", bank_code=""), replace(ORDER, reference="3", bank_name="")])
    ).iter():
        tag = element.tag.partition("}")[2]
        if tag in SEQUENCES:
            seen.add(tag)
            places = [SEQUENCES[tag].index(child.tag.partition("}")[2]) for child in element]
            assert places == sorted(places)
    assert seen == set(SEQUENCES)


def test_the_message_says_who_pays_when_and_by_which_bank() -> None:
    text = xml([ORDER]).decode()
    for said in (
        "<MsgId>M-1</MsgId><CreDtTm>2026-03-02T01:00:00+08:00</CreDtTm>",
        "<ReqdExctnDt><Dt>2026-03-02</Dt></ReqdExctnDt><Dbtr><Nm>富山合作社</Nm></Dbtr>",
        "<DbtrAcct><Id><Othr><Id>62220212340001</Id></Othr></Id></DbtrAcct>",
        "<ClrSysMmbId><ClrSysId><Cd>CNAPS</Cd></ClrSysId><MmbId>402162000012</MmbId></ClrSysMmbId>",
        '<InstdAmt Ccy="CNY">30.58</InstdAmt>',
    ):
        assert said in text


def test_signs_of_xml_are_text() -> None:
    order = replace(ORDER, payee_name="甲<乙>&'丙\"", purpose="]]>&amp;")
    root = ElementTree.fromstring(xml([order]))
    texts = [element.text for element in root.iter() if element.text]
    assert {order.payee_name, order.purpose} <= set(texts)


@pytest.mark.parametrize(
    "order",
    [
        replace(ORDER, amount_fen=0),
        replace(ORDER, amount_fen=-1),
        replace(ORDER, amount_fen=MAX_FEN + 1),
        replace(ORDER, reference=""),
        replace(ORDER, reference="x" * 36),
        replace(ORDER, payee_name="王" * 141),
        replace(ORDER, payee_name=" 王某"),
        replace(ORDER, payee_name="王\x00某"),
        replace(ORDER, payee_name="王\n某"),
        replace(ORDER, payee_name="王\ud800"),
        replace(ORDER, purpose="=HYPERLINK()"),
        replace(ORDER, purpose="＋1"),
        replace(ORDER, purpose="@SUM"),
        replace(ORDER, purpose="-1"),
        replace(ORDER, purpose="款" * 141),
        replace(ORDER, account_number="6222 0212"),
        replace(ORDER, account_number="1234"),
        replace(ORDER, bank_code="12345"),
        replace(ORDER, bank_code="４02162000012"),
        replace(ORDER, bank_name="", bank_code=""),
    ],
)
def test_what_cannot_be_said_exactly_is_refused_in_every_form_and_never_shortened(order: PaymentOrder) -> None:
    for write in (
        xml,
        lambda orders: xlsx(DEBTOR, orders, pay_on=PAY_ON),
        lambda orders: csv_gb18030(DEBTOR, orders, pay_on=PAY_ON),
    ):
        with pytest.raises(PaymentFileError) as refused:
            write([replace(ORDER, reference="OK"), order])
        assert refused.value.pointer == "/orders/1"
        assert order.reference in refused.value.detail("zh")
        assert "王" not in refused.value.detail("zh") + refused.value.detail("en")


def test_a_file_of_none_of_too_many_or_with_one_reference_twice_is_refused() -> None:
    many = [replace(ORDER, reference=str(number)) for number in range(2_001)]
    for orders in ([], many, [ORDER, replace(ORDER, reference="df 1")]):
        with pytest.raises(PaymentFileError):
            xml(orders)
    assert xml(many[:-1])


def test_a_payer_or_a_number_of_the_file_that_cannot_be_said_is_refused() -> None:
    for message_id in ("", "x" * 36, "付款", "a\nb"):
        with pytest.raises(PaymentFileError):
            xml([ORDER], message_id=message_id)
    for wrong in ({"name": ""}, {"account_number": "1"}, {"bank_name": "", "bank_code": ""}, {"bank_code": "1"}):
        with pytest.raises(PaymentFileError):
            xml([ORDER], debtor=replace(DEBTOR, **wrong))


def test_the_columns_are_those_of_the_banks_forms() -> None:
    text = csv_gb18030(DEBTOR, [ORDER], pay_on=PAY_ON).decode("gb18030").splitlines()
    assert text[0] == ",".join(COLUMNS)
    assert text[1] == (
        "1,62220212340001,王某,6222021234567890123,农商行王村分理处,402162000012,30.58,红枣款,DF-1,2026-03-02"
    )
