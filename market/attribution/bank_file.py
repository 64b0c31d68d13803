"""What a bank's result file says: CSV or a workbook, headed in Chinese or English, read cell by cell without writing.

Banks export more columns than these, the account holders' names among them: what is not asked for here is not read, and
no cell is repeated in a fault, since in a file whose columns are shifted any cell may be a name.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from market.attribution.paying import BankFileError, FailureReason, Fault
from market.identifiers import reference_key
from market.money import MAX_FEN
from market.tables import Cell, Table, UnreadableTableError, csv_table, is_workbook, workbook
from market.words import listed

MEDIA_TYPES = ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
MOST_ROWS = 2_000
_ROWS_BEFORE_HEADERS = 10
"""Banks put titles above the table."""

HEADERS: Mapping[str, tuple[str, ...]] = {
    "reference": ("付款凭证号", "凭证号", "参考号", "业务参考号", "流水号", "reference"),
    "payee_code": ("收款方编码", "收款人编码", "农户编码", "户编码", "payeecode"),
    "amount": ("金额", "金额(元)", "交易金额", "交易金额(元)", "amount", "amount(yuan)"),
    "result": ("结果", "处理结果", "交易结果", "交易状态", "result"),
    "reason": ("失败原因", "原因", "reason"),
    "date": ("日期", "交易日期", "付款日期", "入账日期", "date"),
}
_NEEDED = ("reference", "amount", "result", "date")
_RESULTS = {
    **dict.fromkeys(("成功", "交易成功", "处理成功", "已入账", "success", "succeeded", "paid"), True),
    **dict.fromkeys(("失败", "交易失败", "处理失败", "已退回", "failed", "failure", "returned"), False),
}
_SAID = re.compile(r"([^\s:;,、()\[\]—-]+)[\s:;,、()\[\]—-]*(.*?)[\s()\[\]]*")
"""A result, and after a colon, a bracket or a space what the bank adds to it: a reason, or the code of success."""
_TOTAL = re.compile(r"(成功|失败)?(?:总?合计|总计|(?:grand )?totals?)(?:[\s:(].*)?", re.IGNORECASE)
_AMOUNT = re.compile(r"[¥]?([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})(?:\.([0-9]{1,2})0*)?元?")
_DAY = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?:[ T][0-9:]+)?")
_COMPACT_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_REASONS: Mapping[FailureReason, tuple[str, ...]] = {
    FailureReason.NAME_MISMATCH: ("户名", "姓名", "账户名称", "name"),
    FailureReason.ACCOUNT_CLOSED: ("销户", "closed"),
    FailureReason.ACCOUNT_BLOCKED: (
        *("冻结", "止付", "挂失", "不动户", "睡眠", "久悬", "控制", "只收不付", "状态异常", "状态不正常"),
        *("blocked", "frozen", "dormant"),
    ),
    FailureReason.OVER_LIMIT: ("限额", "limit"),
    FailureReason.PAYER_SHORT: ("余额不足", "insufficient"),
    FailureReason.WRONG_BANK: ("行号", "行名", "开户行", "bank code"),
    FailureReason.NO_SUCH_ACCOUNT: ("账号", "卡号", "账户不存在", "无此户", "无此账户", "account"),
}
"""By which words a bank's reason is known; the first that has one of them counts."""


@dataclass(frozen=True, slots=True)
class ResultRow:
    """What the bank says of one payment, in the row as a spreadsheet numbers it; a failed one may have no day."""

    number: int
    reference: str
    key: str
    payee_code: str | None
    amount_fen: int
    paid: bool
    reason: FailureReason | None
    day: date | None


def headings(language: str, names: Sequence[str] = tuple(HEADERS)) -> str:
    """Return the columns that are understood, each by its headings in `zh` or `en`, for who makes such a file."""
    told = (
        f"{name}{'' if name in _NEEDED else '?'}{':' if language == 'zh' else ': '}"
        + listed((heading for heading in known if heading.isascii() == (language == "en")), language)
        for name, known in HEADERS.items()
        if name in names
    )
    return (";" if language == "zh" else "; ").join(told)


def results(*, paid: bool, language: str) -> str:
    """Return the words by which a payment is known to be paid, or not, in `zh` or `en`."""
    words = (word for word, is_paid in _RESULTS.items() if is_paid is paid and word.isascii() == (language == "en"))
    return listed(words, language)


def read(content: bytes) -> tuple[list[ResultRow], list[Fault]]:
    """Return the rows that can be read, and every cell that cannot; raises `BankFileError` for what is no such file."""
    table = _table(content)
    for above, cells in enumerate(table[:_ROWS_BEFORE_HEADERS]):
        places = _places(cells)
        if all(name in places for name in _NEEDED):
            return _rows(table[above + 1 :], places, first=above + 2)
    raise BankFileError(
        reason=f"no row is headed by all of {headings('en', _NEEDED)}",
        reason_zh=f"未找到同时含有以下各列的表头:{headings('zh', _NEEDED)}",
        pointer="",
    )


def _table(content: bytes) -> Table:
    try:
        return workbook(content)[0] if is_workbook(content) else csv_table(content)
    except UnreadableTableError as error:
        reason, reason_zh = "it is neither CSV nor a workbook", "既不是 CSV 也不是工作簿"
        if is_workbook(content):
            reason, reason_zh = "the workbook cannot be read", "工作簿无法读取"
        if error.too_large:
            reason, reason_zh = "the workbook is too large", "工作簿过大"
        raise BankFileError(reason=reason, reason_zh=reason_zh, pointer="") from error


def _plain(cell: Cell) -> str:
    """Return a cell as text, half width, trimmed; a whole number as Excel keeps it loses its `.0`."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return unicodedata.normalize("NFKC", str(cell)).strip().lstrip("'`\t")


def _places(cells: Sequence[Cell]) -> dict[str, int]:
    """Return in which column stands what; the first of a name counts."""
    headed: dict[str, int] = {}
    for place, cell in enumerate(cells):
        headed.setdefault(re.sub(r"[\s_]", "", _plain(cell)).lower(), place)
    return {
        name: headed[heading] for name, headings in HEADERS.items() for heading in headings[::-1] if heading in headed
    }


def _rows(table: Table, places: Mapping[str, int], *, first: int) -> tuple[list[ResultRow], list[Fault]]:
    rows: list[ResultRow] = []
    faults: list[Fault] = []
    totals: list[tuple[int, str, str]] = []
    for number, cells in enumerate(table, first):
        if not any(_plain(cell) for cell in cells):
            continue
        found = {name: cells[place] if place < len(cells) else "" for name, place in places.items()}
        of = _total_of(cells, _plain(found["result"]))
        if of is not None:
            totals.append((number, of, _plain(found["amount"])))
            continue
        row = _row(number, found, faults)
        if row is not None:
            rows.append(row)
    if len(rows) > MOST_ROWS:
        raise BankFileError(reason=f"it has more than {MOST_ROWS} rows", reason_zh=f"超过 {MOST_ROWS} 行", pointer="")
    return rows, faults or _wrong_totals(rows, totals)


def _total_of(cells: Sequence[Cell], result: str) -> str | None:
    """Return of which payments a row is the total ("" of all), or None where it is of one payment."""
    if result and _result(result)[0] is not None:
        return None
    matches = (_TOTAL.fullmatch(_plain(cell)) for cell in cells)
    return next((match[1] or "" for match in matches if match), None)


def _wrong_totals(rows: Sequence[ResultRow], totals: Sequence[tuple[int, str, str]]) -> list[Fault]:
    """Return the totals that are not the sum of the rows; one without an amount says nothing."""
    faults: list[Fault] = []
    for number, of, text in totals:
        sum_fen = sum(row.amount_fen for row in rows if not of or row.paid == (of == "成功"))
        told_fen = _fen(text)
        if text and told_fen is None:
            faults.append(Fault(number, "amount", "is no amount in yuan", "不是有效金额(元)"))
        elif text and told_fen != sum_fen:
            said = f"the total says {told_fen} fen, the rows sum to {sum_fen}"
            faults.append(Fault(number, "amount", said, f"合计为 {told_fen} 分,各行之和为 {sum_fen} 分"))
    return faults


def _result(text: str) -> tuple[bool | None, str]:
    """Return whether a result says that the bank paid, None where it says neither, and the reason that it adds.

    What is said of a success beyond a code of zeros may take it back: it is none.
    """
    match = _SAID.fullmatch(text)
    paid = _RESULTS.get(match[1].lower()) if match else None
    added = match[2] if match else ""
    return (None if paid and added.strip("0") else paid), added


def _row(number: int, cells: Mapping[str, Cell], faults: list[Fault]) -> ResultRow | None:
    """Read a row; each cell that cannot be read is a fault."""
    texts = {name: _plain(cell) for name, cell in cells.items()}
    amount_fen = _amount(texts["amount"])
    paid, added = _result(texts["result"])
    day = _day(cells["date"], texts["date"])
    wrong = [
        Fault(number, "reference", "a reference is missing", "缺少付款凭证号") if not texts["reference"] else None,
        Fault(number, "amount", "is no amount in yuan", "不是有效金额(元)") if amount_fen is None else None,
        Fault(number, "result", "is neither success nor failure", "既非成功也非失败") if paid is None else None,
        Fault(number, "date", "is no day", "不是有效日期") if day is None and (paid or texts["date"]) else None,
    ]
    faults.extend(fault for fault in wrong if fault is not None)
    if any(wrong) or amount_fen is None or paid is None:
        return None
    return ResultRow(
        number=number,
        reference=texts["reference"],
        key=reference_key(texts["reference"]),
        payee_code=texts.get("payee_code") or None,
        amount_fen=amount_fen,
        paid=paid,
        reason=None if paid else _reason((texts.get("reason") or added).lower()),
        day=day,
    )


def _reason(text: str) -> FailureReason | None:
    """Return which of the reasons a bank's words give, or None where it gives none."""
    known = (reason for reason, words in _REASONS.items() if any(word in text for word in words))
    return next(known, FailureReason.OTHER) if text else None


def _amount(text: str) -> int | None:
    """Return the fen of a payment's amount, or None for what is none."""
    fen = _fen(text)
    return fen if fen is not None and 0 < fen <= MAX_FEN else None


def _fen(text: str) -> int | None:
    """Return the fen of an amount written in yuan, or None; a cell that is a number is read as it is shown."""
    match = _AMOUNT.fullmatch(text)
    return int(match[1].replace(",", "")) * 100 + int((match[2] or "").ljust(2, "0")) if match else None


def _day(cell: Cell, text: str) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    match = _COMPACT_DAY.fullmatch(text) or _DAY.fullmatch(text)
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None
