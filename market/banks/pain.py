"""Payments in ISO 20022: pain.001.001.09, the customer's order to its bank (CustomerCreditTransferInitiationV09).

Source: the message definition; elements stand in the order that its schema demands. Banks in China are named by their
CNAPS number (clearing system `CNAPS` of the external code sets), accounts by their number as it is.
"""

from collections.abc import Sequence
from datetime import date, datetime
from html import escape

from market.banks.payment_orders import PayingAccount, PaymentOrder, check, decimal, total_fen
from market.banks.rules import PaymentFileError
from market.clock import CHINA_STANDARD_TIME

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_MOST_LETTERS_OF_ID = 35


def xml(
    message_id: str, debtor: PayingAccount, orders: Sequence[PaymentOrder], *, pay_on: date, made_at: datetime
) -> bytes:
    """Return the payments of a day as one instruction; the same input gives the same bytes.

    `message_id` is unique among all that the payer ever sends: by it the bank knows a file sent twice. Raises
    `PaymentFileError`.
    """
    check(debtor, orders)
    if not (0 < len(message_id) <= _MOST_LETTERS_OF_ID and message_id.isascii() and message_id.isprintable()):
        raise PaymentFileError(
            reason=f"the number of the file has 1 to {_MOST_LETTERS_OF_ID} ASCII letters",
            reason_zh=f"文件编号须为 1 至 {_MOST_LETTERS_OF_ID} 个 ASCII 字符",
        )
    sums = _tag("NbOfTxs", str(len(orders))) + _tag("CtrlSum", decimal(total_fen(orders)))
    made = made_at.astimezone(CHINA_STANDARD_TIME).isoformat(timespec="seconds")
    header = _tag("MsgId", message_id) + _tag("CreDtTm", made) + sums + _in("InitgPty", _tag("Nm", debtor.name))
    instruction = (
        _tag("PmtInfId", message_id)
        + _tag("PmtMtd", "TRF")
        + sums
        + _in("ReqdExctnDt", _tag("Dt", pay_on.isoformat()))
        + _in("Dbtr", _tag("Nm", debtor.name))
        + _account("DbtrAcct", debtor.account_number)
        + _bank("DbtrAgt", debtor.bank_name, debtor.bank_code)
        + "".join(map(_transfer, orders))
    )
    body = _in("CstmrCdtTrfInitn", _in("GrpHdr", header) + _in("PmtInf", instruction))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}">{body}</Document>\n'.encode()


def _transfer(order: PaymentOrder) -> str:
    return "\n" + _in(
        "CdtTrfTxInf",
        _in("PmtId", _tag("EndToEndId", order.reference))
        + _in("Amt", f'<InstdAmt Ccy="CNY">{decimal(order.amount_fen)}</InstdAmt>')
        + _bank("CdtrAgt", order.bank_name, order.bank_code)
        + _in("Cdtr", _tag("Nm", order.payee_name))
        + _account("CdtrAcct", order.account_number)
        + _in("RmtInf", _tag("Ustrd", order.purpose)),
    )


def _bank(tag: str, name: str, code: str) -> str:
    member = _in("ClrSysMmbId", _in("ClrSysId", _tag("Cd", "CNAPS")) + _tag("MmbId", code)) if code else ""
    return _in(tag, _in("FinInstnId", member + (_tag("Nm", name) if name else "")))


def _account(tag: str, number: str) -> str:
    return _in(tag, _in("Id", _in("Othr", _tag("Id", number))))


def _in(tag: str, inner: str) -> str:
    return f"<{tag}>{inner}</{tag}>"


def _tag(tag: str, text: str) -> str:
    return _in(tag, escape(text, quote=False))
