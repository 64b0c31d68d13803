"""Orders of payment to a bank, and when they can be written: every form says all of them, or none is written. Pure."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from market.banks.rules import PaymentFileError, Said
from market.identifiers import reference_key
from market.money import MAX_FEN

MOST_ORDERS = 2_000
_ACCOUNT_NUMBER = re.compile(r"[0-9A-Z]{5,34}")
_BANK_CODE = re.compile(r"[0-9]{12}")
_RUN_BY_SPREADSHEETS = ("=", "+", "-", "@")
_NEVER_WRITTEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
"""Unicode categories of what cannot be seen, or is no character: controls, line ends, halves of characters."""


@dataclass(frozen=True, slots=True)
class PayingAccount:
    """The account that pays; the bank's code is its CNAPS number (行号)."""

    name: str
    account_number: str = field(repr=False)
    bank_name: str
    bank_code: str


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """One payment that a bank is to make; the reference comes back with its answer, and on the statement.

    Of the payee's bank the name is needed, or the code; a payment within one bank often has no code.
    """

    reference: str
    payee_name: str = field(repr=False)
    account_number: str = field(repr=False)
    amount_fen: int
    purpose: str
    bank_name: str = ""
    bank_code: str = ""


def total_fen(orders: Sequence[PaymentOrder]) -> int:
    """Return what all of them come to."""
    return sum(order.amount_fen for order in orders)


def decimal(amount_fen: int) -> str:
    """Return the yuan of an amount as a machine reads them: 123450 → `1234.50`."""
    return f"{amount_fen // 100}.{amount_fen % 100:02d}"


def check(debtor: PayingAccount, orders: Sequence[PaymentOrder]) -> None:
    """Raise `PaymentFileError` unless all can be written, in every form, as they stand.

    Lengths are those of ISO 20022 (pain.001); a bank's own may be shorter. A text that a spreadsheet would run as a
    formula is refused rather than marked: the bank compares names letter by letter.
    """
    faults = [("", said) for said in _wrong_debtor(debtor)]
    seen: set[str] = set()
    for place, order in enumerate(orders):
        for en, zh in _wrong_order(order, seen):
            faults.append((f"/orders/{place}", (f"{order.reference}: {en}", f"{order.reference}:{zh}")))
    if not 0 < len(orders) <= MOST_ORDERS:
        faults.append(("", (f"a file holds 1 to {MOST_ORDERS} payments", f"每个文件须为 1 至 {MOST_ORDERS} 笔")))
    for pointer, (en, zh) in faults:
        raise PaymentFileError(reason=en, reason_zh=zh, pointer=pointer or None)


def _wrong_debtor(debtor: PayingAccount) -> Iterator[Said]:
    yield from _wrong_text(debtor.name, 140, "the payer's name", "付款人户名")
    yield from _wrong_account(debtor.account_number, "the paying account", "付款账号")
    yield from _wrong_bank(debtor.bank_name, debtor.bank_code, "the paying bank", "付款行")


def _wrong_order(order: PaymentOrder, seen: set[str]) -> Iterator[Said]:
    yield from _wrong_text(order.reference, 35, "the reference", "付款凭证号")
    yield from _wrong_text(order.payee_name, 140, "the payee's name", "收款人户名")
    yield from _wrong_text(order.purpose, 140, "the purpose", "用途")
    yield from _wrong_account(order.account_number, "the payee's account", "收款账号")
    yield from _wrong_bank(order.bank_name, order.bank_code, "the payee's bank", "收款行")
    if not 0 < order.amount_fen <= MAX_FEN:
        yield "the amount is none", "金额无效"
    key = reference_key(order.reference)
    if key in seen:
        yield "the reference stands there twice", "付款凭证号重复"
    seen.add(key)


def _wrong_text(text: str, most: int, en: str, zh: str) -> Iterator[Said]:
    if not 0 < len(text) <= most or text != text.strip():
        yield f"{en} has 1 to {most} letters, without spaces around them", f"{zh}须为 1 至 {most} 个字符,首尾无空格"
    elif any(unicodedata.category(letter) in _NEVER_WRITTEN for letter in text):
        yield f"{en} has letters that are none", f"{zh}含有不可见字符"
    elif unicodedata.normalize("NFKC", text).startswith(_RUN_BY_SPREADSHEETS):
        yield f"{en} begins as a formula does", f"{zh}以公式符号开头"


def _wrong_account(number: str, en: str, zh: str) -> Iterator[Said]:
    if _ACCOUNT_NUMBER.fullmatch(number) is None:
        yield f"{en} has 5 to 34 digits or capital letters", f"{zh}须为 5 至 34 位数字或大写字母"


def _wrong_bank(name: str, code: str, en: str, zh: str) -> Iterator[Said]:
    if name or not code:
        yield from _wrong_text(name, 140, f"the name of {en}", f"{zh}名称")
    if code and _BANK_CODE.fullmatch(code) is None:
        yield f"the code of {en} has 12 digits", f"{zh}行号须为 12 位数字"
