"""What a bank statement is and when it holds together; identification codes; the refusals. Pure.

Sides are the bank's: 借 (debit) takes money from the account, 贷 (credit) brings it.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from hashlib import sha256
from itertools import groupby
from typing import NamedTuple

from typing_extensions import override

from market.errors import MarketError
from market.identifiers import reference_key
from market.money import MAX_FEN

Said = tuple[str, str]
"""A sentence in English and in Chinese."""


class Fault(NamedTuple):
    """One fault of a file: the row as a spreadsheet numbers it (0: the file), the column, what is wrong."""

    row: int
    column: str
    en: str
    zh: str


class StatementFileError(MarketError):
    """The file as a whole is no statement that can be read."""

    en = "This is no bank statement that can be read: {reason}."
    zh = "无法作为银行对账单读取:{reason_zh}。"


class StatementFaultsError(MarketError):
    """A statement is taken whole or not at all; every fault names its row and column."""

    en = "The bank statement cannot be taken over; places at fault: {count}. Nothing was recorded."
    zh = "银行对账单有 {count} 处错误,未登记任何内容。"

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Keep the faults."""
        self._faults = sorted(faults)
        super().__init__(count=len(faults))

    @override
    def faults(self, language: str) -> list[tuple[str, str]]:
        """Return each fault under the pointer `/rows/{row}/{column}`, those of the whole file under `/{column}`."""
        return [
            (
                f"/rows/{fault.row}/{fault.column}" if fault.row else f"/{fault.column}",
                fault.zh if language == "zh" else fault.en,
            )
            for fault in self._faults
        ]


class StatementAccountError(MarketError):
    """A statement is of one account, and of the one that is asked for."""

    en = "The statement is of another account, or of several."
    zh = "对账单所属账户与指定账户不符,或包含多个账户。"


class Form(StrEnum):
    """The forms that banks take: a spreadsheet of theirs, a table, or ISO 20022 (pain.001)."""

    XLSX = "xlsx"
    CSV = "csv"
    XML = "xml"


class PaymentFileError(MarketError):
    """A file of payments says to the bank exactly what was ordered, or is not written."""

    en = "The file of payments cannot be written: {reason}."
    zh = "无法生成付款文件:{reason_zh}。"


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement: fen above zero came in, below zero went out; texts are empty where the bank says nothing.

    `reference` is the bank's; `payment_reference` the one that the payer gave the payment, where the bank tells it. A
    reversal corrects an earlier line: money that came in as one was taken before, and the other way round.
    """

    row: int
    booked_on: date
    amount_fen: int
    counterparty_name: str = field(default="", repr=False)
    counterparty_account: str = field(default="", repr=False)
    reference: str = ""
    payment_reference: str = ""
    remark: str = field(default="", repr=False)
    balance_fen: int | None = None
    is_reversal: bool = False


class LeftOut(NamedTuple):
    """An entry that is no movement of money (yet), and why: it is told, and not among the lines."""

    row: int
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What a bank says of one account; what it does not state is None. Lines are in the order of the file.

    The sums of both sides are stated as the bank adds them: a reversal counts, negative, on the side that it corrects.
    """

    form: str
    account_number: str | None
    lines: tuple[StatementLine, ...]
    opening_fen: int | None = None
    closing_fen: int | None = None
    out_fen: int | None = None
    in_fen: int | None = None
    count: int | None = None
    left_out: tuple[LeftOut, ...] = ()


_LEAST_SERIAL_DIGITS, _MOST_SERIAL_DIGITS = 6, 10
_GROUP_NUMBER = re.compile(rf"G([0-9]{{8}}[0-9]{{{_LEAST_SERIAL_DIGITS},{_MOST_SERIAL_DIGITS}}})")
_NEVER_CHECKS = ("00", "01", "99")
"""They would leave the same remainder as 97, 98 and 02, which are the ones given."""
_LENGTHS = range(8 + _LEAST_SERIAL_DIGITS + 2, 8 + _MOST_SERIAL_DIGITS + 3)
_DASHES = {ord(dash): "-" for dash in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"}
_HALF_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)} | _DASHES
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_SPELLED = re.compile(r"[0-9]+(?:[\s-]{1,3}[0-9]+)*")
"""Digits, with spaces or dashes between them; `\\s` has the ideographic space too."""


def identification_code(number: str) -> str:
    """Return the code by which a transfer names an order group: its digits, and two check digits (ISO 7064 MOD 97-10).

    Raises `ValueError` for what is no number of an order group (`G`, day, serial number).
    """
    match = _GROUP_NUMBER.fullmatch(number)
    if match is None or not _begins_with_a_day(match[1]):
        raise ValueError(number)
    return f"{match[1]}{98 - int(match[1]) * 100 % 97:02d}"


def is_identification_code(digits: str) -> bool:
    """Tell whether this is a code: a day of this century, a serial number, and check digits that fit.

    One wrong digit, or two that changed places, is always found: 10 has order 96 modulo 97.
    """
    return (
        len(digits) in _LENGTHS
        and digits.isascii()
        and digits.isdigit()
        and int(digits) % 97 == 1
        and digits[-2:] not in _NEVER_CHECKS
        and _begins_with_a_day(digits)
    )


def _begins_with_a_day(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return digits.startswith("20")


def group_number(code: str) -> str:
    """Return the number of the order group that a code names; raises `ValueError` for what is no code."""
    if not is_identification_code(code):
        raise ValueError(code)
    return f"G{code[:-2]}"


def printed_code(code: str) -> str:
    """Return a code as it is shown to a payer: in groups of four digits."""
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4))


_SETTLEMENT_NUMBER = re.compile("(?<![0-9A-Za-z])S[0-9]{14,}(?![0-9A-Za-z])")


def settlement_numbers_in(text: str) -> list[str]:
    """Return what in a remark looks like the number of a settlement (`S`, day, serial number)."""
    return _SETTLEMENT_NUMBER.findall(text)


def codes_in(text: str) -> list[str]:
    """Return every identification code in a remark, each once, in its order; whether such a group exists is not known.

    A code begins and ends where digits begin and end, so that none is found inside an account number; its groups may
    be apart by spaces and dashes. Codes typed without anything between them are found too.
    """
    found: dict[str, None] = {}
    for match in _SPELLED.finditer(_UNSEEN.sub("", text).translate(_HALF_WIDTH)):
        groups = re.findall("[0-9]+", match[0])
        for first, group in enumerate(groups):
            found |= dict.fromkeys(_beginning_with(groups[first:]))
            found |= dict.fromkeys(_glued(group))
    return list(found)


def _beginning_with(groups: Sequence[str]) -> Iterator[str]:
    """Tell each code that begins with the first of these groups and ends with one of them."""
    digits = ""
    for group in groups:
        digits += group
        if len(digits) > _LENGTHS[-1]:
            return
        if is_identification_code(digits):
            yield digits


def _glued(digits: str) -> Iterator[str]:
    """Tell the codes of one length that these digits are made of, and of nothing else."""
    for length in _LENGTHS:
        parts = [digits[start : start + length] for start in range(0, len(digits), length)]
        if len(parts) > 1 and all(len(part) == length and is_identification_code(part) for part in parts):
            yield from parts


_AMOUNT = re.compile(
    r"(?:¥|CNY|RMB|人民币)?\s*([+-]?)\s*¥?\s*"
    r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12}|(?=\.[0-9]))(?:\.([0-9]{1,2})0*)?\s*元?"
)


def fen_of(text: str) -> int | None:
    """Return the fen of an amount in yuan as banks write it, or None for what is none, no whole fen, or beyond all.

    Thousands may be apart by commas; a negative amount has a sign or stands in brackets.
    """
    plain = unicodedata.normalize("NFKC", text).translate(_DASHES).strip()
    in_brackets = plain.startswith("(") and plain.endswith(")")
    match = _AMOUNT.fullmatch(plain[1:-1] if in_brackets else plain)
    if match is None or (in_brackets and match[1]):
        return None
    fen = int(match[2].replace(",", "") or 0) * 100 + int((match[3] or "").ljust(2, "0"))
    if fen > MAX_FEN:
        return None
    return -fen if in_brackets or match[1] == "-" else fen


_DAY = re.compile(r"([0-9]{4})([-/.年]?)([0-9]{1,2})([-/.月]?)([0-9]{1,2})日?(?:[ T]*[0-9]{1,2}[:.时].*| *[0-9]{6})?")


def day_of(text: str) -> date | None:
    """Return the day that a text begins with, year first; what follows may only be a time of day."""
    match = _DAY.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if match is None:
        return None
    marks, parts = {match[2], match[4]}, (match[3], match[5])
    if marks not in ({""}, {"-"}, {"/"}, {"."}, {"年", "月"}) or (marks == {""} and {*map(len, parts)} != {2}):
        return None
    try:
        return date(int(match[1]), *map(int, parts))
    except ValueError:
        return None


def account_key(text: str) -> str:
    """Return by what account numbers are told apart; nothing for one that the bank shows in part alone."""
    return "" if "*" in text else reference_key(text)


def line_keys(account_number: str, lines: Sequence[StatementLine]) -> list[str]:
    """Return for each line the key by which it is known again, in whichever file of the account the bank tells it.

    With the bank's reference: account, reference, day, amount (a fee and its transfer may share a reference). Without:
    account, day, amount, counterparty, remark, balance after it. Lines that agree in all of that are counted in an
    order of their own, not of the file. So the same days told twice, upside down, as CSV or as a workbook, give the
    same keys, and overlapping files the same for what they share.

    Limits: a file that begins or ends within a day counts anew what that day has twice; a line without a reference has
    another key once the bank words it differently (camt.053 and a spreadsheet do); and one that is told of another day
    (the day of booking, the day of the transaction) is another line.
    """
    bases = [_basis(account_number, line) for line in lines]
    keys = [""] * len(lines)
    ordered = sorted(range(len(lines)), key=lambda place: (bases[place], _told(lines[place])))
    for basis, places in groupby(ordered, key=bases.__getitem__):
        for ordinal, place in enumerate(places):
            keys[place] = sha256("\x1f".join((*basis, str(ordinal))).encode()).hexdigest()
    return keys


def _basis(account_number: str, line: StatementLine) -> tuple[str, ...]:
    told = (account_key(account_number), line.booked_on.isoformat(), str(line.amount_fen))
    reference = _reference(line)
    return (*told, "reference", reference) if reference else (*told, "words", *_told(line))


def _reference(line: StatementLine) -> str:
    """Return the reference for comparing; one of zeros alone is what banks print for none."""
    key = reference_key(line.reference)
    return key if key.strip("0") else ""


def _told(line: StatementLine) -> tuple[str, ...]:
    texts = (line.counterparty_name, line.counterparty_account, line.remark)
    balance = "" if line.balance_fen is None else str(line.balance_fen)
    return (*("".join(unicodedata.normalize("NFKC", text).split()) for text in texts), balance)


def faults_of(statement: Statement) -> list[Fault]:
    """Return in what a statement contradicts itself: balances, sums, number of lines, a line told twice."""
    balances = _wrong_balances(statement, _in_order(statement))
    return [*balances, *_wrong_sums(statement), *_told_twice(statement.lines)]


def closing_of(statement: Statement) -> int | None:
    """Return the balance after the last line: as stated, or by the balances that stand beside the lines."""
    if statement.closing_fen is not None:
        return statement.closing_fen
    fen = statement.opening_fen
    for line in _in_order(statement):
        after_fen = None if fen is None else fen + line.amount_fen
        fen = after_fen if line.balance_fen is None else line.balance_fen
    return fen


def last_day(statement: Statement) -> date | None:
    """Return the day up to which a statement tells, None of one without lines."""
    return max((line.booked_on for line in statement.lines), default=None)


def _in_order(statement: Statement) -> Sequence[StatementLine]:
    """Return the lines as they happened: in the order in which the fewest balances are wrong.

    Banks tell a month from its first line or from its last, the days and the lines of a day each in their own order.
    """
    reverse = statement.lines[::-1]
    orders = (
        statement.lines,
        reverse,
        *(sorted(lines, key=lambda line: line.booked_on) for lines in (statement.lines, reverse)),
    )
    return min(orders, key=lambda ordered: len(_wrong_balances(statement, ordered)))


def _wrong_balances(statement: Statement, ordered: Sequence[StatementLine]) -> list[Fault]:
    """Return where balances do not follow, if the lines happened in this order."""
    faults: list[Fault] = []
    before, sum_fen = statement.opening_fen, 0
    for line in ordered:
        sum_fen += line.amount_fen
        if line.balance_fen is None:
            continue
        if before is not None and line.balance_fen - sum_fen != before:
            said = "the balance does not follow from the lines before it", "余额与前面各行不衔接"
            faults.append(Fault(line.row, "balance", *said))
        before = line.balance_fen - sum_fen
    if before is not None and statement.closing_fen not in (None, before + sum_fen):
        said = "the closing balance does not follow from the lines", "期末余额与各行不衔接"
        faults.append(Fault(0, "closing_balance", *said))
    return faults


def _wrong_sums(statement: Statement) -> Iterator[Fault]:
    """Tell each sum that is not that of the lines."""
    sums = {"out": 0, "in": 0}
    for line in statement.lines:
        side = "out" if (line.amount_fen < 0) is not line.is_reversal else "in"
        sums[side] += line.amount_fen if side == "in" else -line.amount_fen
    stated: Mapping[str, tuple[int | None, int, Said]] = {
        "out": (statement.out_fen, sums["out"], ("payments out", "借方合计")),
        "in": (statement.in_fen, sums["in"], ("payments in", "贷方合计")),
        "count": (statement.count, len(statement.lines) + len(statement.left_out), ("entries", "笔数")),
    }
    for column, (told, found, (en, zh)) in stated.items():
        if told not in (None, found):
            yield Fault(0, column, f"the {en} are not what the rows sum to", f"{zh}与各行不符")


def _told_twice(lines: Sequence[StatementLine]) -> Iterator[Fault]:
    """Tell lines that say the same under one reference; where balances run, these tell two payments from one."""
    seen: dict[object, int] = {}
    for line in lines:
        reference = _reference(line)
        if not reference or line.balance_fen is not None:
            continue
        said = (reference, line.booked_on, line.amount_fen, _told(line))
        if said in seen:
            yield Fault(line.row, "reference", f"says again what row {seen[said]} says", f"与第 {seen[said]} 行重复")
        seen.setdefault(said, line.row)
