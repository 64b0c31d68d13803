"""Statements in ISO 20022: camt.053 of versions 2, 6 and 8, in yuan, what is booked.

Source: the message definitions camt.053.001.02, .06 and .08. They differ, for what is read here, in the status of an
entry (text, then a code of its own), in where a part of a batch has its amount, and in the names of parties (below
`Pty` since version 8).
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from itertools import count
from xml.etree.ElementTree import Element

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from market.banks.rules import (
    Fault,
    LeftOut,
    Statement,
    StatementFaultsError,
    StatementFileError,
    StatementLine,
)
from market.clock import business_date
from market.money import MAX_FEN
from market.words import listed

FORMS = ("camt.053.001.02", "camt.053.001.06", "camt.053.001.08")
_DOCUMENT = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:([a-z0-9.]+)\}Document")
_AMOUNT = re.compile(r"([0-9]{1,13})(?:\.([0-9]{0,2})0*)?")
_SIGNS = {"CRDT": 1, "DBIT": -1}
_OPENING, _CLOSING = ("OPBD", "PRCD"), ("CLBD",)
_AMOUNT_OF_PART = ("Amt", "AmtDtls/TxAmt/Amt")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:Z|[+-][0-9]{2}:[0-9]{2})?")
_NOT_GIVEN = "NOTPROVIDED"


def is_xml(content: bytes) -> bool:
    """Tell whether bytes begin as XML does."""
    return content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def read(content: bytes) -> list[Statement]:
    """Return the statements of a camt.053; rows are its entries, counted through.

    Raises `StatementFileError` for what is none, `StatementFaultsError` with every fault of every entry.
    """
    try:
        root: Element = ElementTree.fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise StatementFileError(reason="it declares entities", reason_zh="文件含有实体声明") from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise StatementFileError(reason="it is no XML that can be read", reason_zh="XML 无法解析") from error
    document = _DOCUMENT.fullmatch(root.tag)
    found = _all(root, "BkToCstmrStmt/Stmt")
    if document is None or document[1] not in FORMS or not found:
        reason, reason_zh = (listed(FORMS, language) for language in ("en", "zh"))
        raise StatementFileError(reason=f"of XML these are read: {reason}", reason_zh=f"XML 仅支持 {reason_zh}")
    rows, faults = count(1), list[Fault]()
    statements = [_statement(document[1], statement, rows, faults) for statement in found]
    if faults:
        raise StatementFaultsError(faults)
    return statements


def _all(element: Element, path: str) -> list[Element]:
    return element.findall("/".join(f"{{*}}{tag}" for tag in path.split("/")))


def _text(element: Element, *paths: str) -> str:
    """Return the first text that stands on one of these paths, or nothing."""
    texts = ((found.text or "").strip() for path in paths for found in _all(element, path))
    return next((text for text in texts if text), "")


def _texts(element: Element, path: str) -> list[str]:
    texts = ((found.text or "").strip() for found in _all(element, path))
    return [text for text in texts if text]


def _statement(form: str, statement: Element, rows: Iterator[int], faults: list[Fault]) -> Statement:
    lines: list[StatementLine] = []
    left_out: list[LeftOut] = []
    if _text(statement, "Acct/Ccy") not in ("", "CNY"):
        faults.append(_foreign(0))
    for entry in _all(statement, "Ntry"):
        row = next(rows)
        status = _text(entry, "Sts/Cd", "Sts")
        if status == "BOOK":
            lines.extend(_lines(row, entry, faults))
        elif status:
            left_out.append(LeftOut(row, "is not booked (yet)", "尚未入账"))
        else:
            faults.append(Fault(row, "status", "has no status", "缺少入账状态"))
    return Statement(
        form=form,
        account_number=_text(statement, "Acct/Id/IBAN", "Acct/Id/Othr/Id") or None,
        lines=tuple(line for line in lines if line.amount_fen),
        opening_fen=_balance(statement, _OPENING, faults),
        closing_fen=_balance(statement, _CLOSING, faults),
        left_out=(
            *left_out,
            *(LeftOut(line.row, "moves no money", "金额为零") for line in lines if not line.amount_fen),
        ),
    )


def _foreign(row: int) -> Fault:
    return Fault(row, "currency", "is another currency than yuan", "币种不是人民币")


def _balance(statement: Element, codes: tuple[str, ...], faults: list[Fault]) -> int | None:
    """Return the balance of the first of these kinds that is given."""
    by_code = {_text(balance, "Tp/CdOrPrtry/Cd"): balance for balance in reversed(_all(statement, "Bal"))}
    found = next((by_code[code] for code in codes if code in by_code), None)
    return None if found is None else _moved(0, found, "Amt", faults)


def _moved(row: int, element: Element, path: str, faults: list[Fault], *, sign: int | None = None) -> int | None:
    """Return the signed fen of an amount and the mark beside it; where `sign` is given, that if there is no mark."""
    amount = next(iter(_all(element, path)), None)
    if amount is None or amount.get("Ccy") != "CNY":
        faults.append(_foreign(row))
        return None
    match = _AMOUNT.fullmatch((amount.text or "").strip())
    fen = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else MAX_FEN + 1
    mark = _text(element, "CdtDbtInd")
    side = _SIGNS.get(mark) if mark or sign is None else sign
    if fen > MAX_FEN:
        faults.append(Fault(row, "amount", "is no amount in whole fen", "不是有效金额(元,至分)"))
    elif side is None:
        faults.append(Fault(row, "side", "is neither credit nor debit", "借贷方向无法识别"))
    else:
        return side * fen
    return None


def _lines(row: int, entry: Element, faults: list[Fault]) -> Iterator[StatementLine]:
    """Tell the lines of a booked entry: one, or one for each part of a batch that says of each how much it is.

    The parts of a batch sum to it. A batch whose parts have no amounts is one line with all that they say.
    """
    moved, booked_on = _moved(row, entry, "Amt", faults), _day(_text(entry, "BookgDt/Dt", "BookgDt/DtTm"))
    if booked_on is None:
        faults.append(Fault(row, "day", "has no day of booking", "缺少有效的入账日期"))
    if moved is None or booked_on is None:
        return
    parts = _all(entry, "NtryDtls/TxDtls")
    paths = [next((path for path in _AMOUNT_OF_PART if _all(part, path)), "") for part in parts]
    if len(parts) < 2 or not any(paths):
        reference = _text(entry, "AcctSvcrRef") or "".join(map(_own_reference, parts[:1])) or _text(entry, "NtryRef")
        yield _line(row, entry, parts, moved, booked_on=booked_on, reference=reference)
        return
    sign = 1 if moved >= 0 else -1
    amounts = [_moved(row, part, path or "Amt", faults, sign=sign) for part, path in zip(parts, paths, strict=True)]
    if None in amounts or sum(fen or 0 for fen in amounts) != moved:
        faults.append(Fault(row, "amount", "its parts do not sum to it", "明细金额之和与该笔金额不符"))
        return
    whole = _text(entry, "AcctSvcrRef", "NtryRef")
    for place, (part, fen) in enumerate(zip(parts, amounts, strict=True), 1):
        own = _own_reference(part)
        reference = own if own not in ("", whole) else f"{whole}/{place}" if whole else ""
        yield _line(row, entry, [part], fen or 0, booked_on=booked_on, reference=reference)


def _own_reference(part: Element) -> str:
    return _text(part, "Refs/AcctSvcrRef")


def _line(
    row: int, entry: Element, parts: list[Element], moved: int, *, booked_on: date, reference: str
) -> StatementLine:
    """Return an entry, or a part of it, as a line."""
    is_reversal = _text(entry, "RvslInd") in ("true", "1")
    party = "Dbtr" if (moved > 0) is not is_reversal else "Cdtr"
    said = {
        name: "".join(_text(part, *paths) for part in parts[:1])
        for name, paths in {
            "name": (f"RltdPties/{party}/Nm", f"RltdPties/{party}/Pty/Nm"),
            "account": (f"RltdPties/{party}Acct/Id/IBAN", f"RltdPties/{party}Acct/Id/Othr/Id"),
            "given": ("Refs/EndToEndId",),
        }.items()
    }
    return StatementLine(
        row=row,
        booked_on=booked_on,
        amount_fen=moved,
        counterparty_name=said["name"],
        counterparty_account=said["account"],
        reference=reference,
        payment_reference="" if said["given"] == _NOT_GIVEN else said["given"],
        remark=" ".join(dict.fromkeys(_words(entry, parts))),
        is_reversal=is_reversal,
    )


def _words(entry: Element, parts: list[Element]) -> Iterator[str]:
    for part in parts:
        for path in ("RmtInf/Ustrd", "RmtInf/Strd/CdtrRefInf/Ref", "RmtInf/Strd/AddtlRmtInf", "AddtlTxInf"):
            yield from _texts(part, path)
    yield from _texts(entry, "AddtlNtryInf")


def _day(text: str) -> date | None:
    """Return the day of a date, or of an instant in China."""
    day = _DATE.fullmatch(text)
    try:
        if day:
            return date.fromisoformat(day[1])
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return business_date(instant) if instant.tzinfo else instant.date()
