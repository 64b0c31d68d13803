"""What banks write above and below the table of a statement: the account, balances, sums, and ends of pages."""

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from market.banks.cells import heading_of, text_of
from market.tables import Cell


class Label(StrEnum):
    """What is stated beside the lines."""

    ACCOUNT = "account_number"
    OPENING = "opening_balance"
    CLOSING = "closing_balance"
    OUT = "out"
    IN = "in"
    COUNT = "count"
    TOTAL = "total"


_WORDS: Mapping[Label, tuple[str, ...]] = {
    Label.ACCOUNT: ("账号", "帐号", "查询账号", "本方账号", "账户号码", "账户账号", "accountnumber", "account"),
    Label.OPENING: ("期初余额", "上期余额", "承前余额", "起始余额", "openingbalance"),
    Label.CLOSING: ("期末余额", "结束余额", "closingbalance"),
    Label.OUT: ("借方合计", "支出合计", "借方总金额", "支出总金额", "借方发生总额", "支出总额", "totaldebit"),
    Label.IN: ("贷方合计", "收入合计", "贷方总金额", "收入总金额", "贷方发生总额", "收入总额", "totalcredit"),
    Label.COUNT: ("总笔数", "合计笔数", "交易笔数", "记录数", "numberofentries"),
    Label.TOTAL: ("合计", "总计", "总合计", "total"),
}
_LABELS = {word: label for label, words in _WORDS.items() for word in words}
_SUMS = re.compile(r"(?:[本当][页日月年期])?(?:小计|合计|总计|累计)(?:[:(\[].*)?")
_NO_LINE = re.compile(r"余额|总额|总金额|笔数|记录数|打印|以下空白|下载|查询|账号|户名|第.*页|balance|^-*end")
_ACCOUNT = re.compile(r"[0-9A-Z*-]+(?: [0-9*]+)*")
_BEFORE_VALUE = re.compile(r"(.+?)(?:[\[(].*[)\]])?(?::(.*))?")


def label_of(cell: Cell) -> Label | None:
    """Return what a cell announces, if it is such a word (with a colon, or with English after it)."""
    found = _BEFORE_VALUE.fullmatch(heading_of(cell))
    return _LABELS.get(found[1]) if found else None


def labelled(cells: Sequence[Cell]) -> Iterator[tuple[Label, str]]:
    """Tell what a row states: `期初余额:100.00` in one cell, or in two beside each other."""
    for place, cell in enumerate(cells):
        label = label_of(cell)
        if label is None or label is Label.TOTAL:
            continue
        said = (text_of(cell) or "").replace("：", ":").partition(":")[2].strip()
        beside = next((other for other in cells[place + 1 :] if text_of(other)), "")
        value = said or ("" if label_of(beside) else text_of(beside) or "")
        if label is Label.ACCOUNT:
            account = _ACCOUNT.match(value)
            value = account[0] if account else ""
        if value:
            yield label, value


def is_closing_row(cells: Sequence[Cell], *, amounts: Sequence[Cell]) -> bool:
    """Tell whether a row without a day closes a page or the table, and is no line that has lost its day.

    It begins with a label, or with a word for sums; or with another word of such rows, and then has no amounts.
    """
    first = next((cell for cell in cells if text_of(cell) != ""), "")
    said = heading_of(first)
    if label_of(first) or _SUMS.fullmatch(said):
        return True
    return bool(_NO_LINE.search(said)) and not any(text_of(cell) for cell in amounts)
