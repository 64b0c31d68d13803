"""A bank that tells what moved on an account: exports as their clerks save them."""

from datetime import date
from itertools import accumulate
from typing import NamedTuple

HEADINGS = "交易日期,借方发生额,贷方发生额,对方户名,对方账号,流水号,摘要"


class Movement(NamedTuple):
    """What the bank tells of a movement, in fen."""

    fen: int
    remark: str = ""
    reference: str = ""
    name: str = "财政支付中心"
    on: date = date(2026, 3, 2)


def export(*movements: Movement, opening_fen: int | None = None) -> bytes:
    """Return an export of these movements, in GB18030; with the balance after each if the one before is given."""
    rows = []
    balances = accumulate((each.fen for each in movements), initial=opening_fen or 0)
    after = [f",{fen // 100}.{fen % 100:02d}" if opening_fen is not None else "" for fen in balances][1:]
    for each, balance in zip(movements, after, strict=True):
        yuan = f"{abs(each.fen) // 100}.{abs(each.fen) % 100:02d}"
        sides = f",{yuan}" if each.fen > 0 else f"{yuan},"
        rows.append(f"{each.on},{sides},{each.name},,{each.reference},{each.remark}{balance}")
    headings = HEADINGS if opening_fen is None else f"{HEADINGS},余额"
    return "\r\n".join([headings, *rows]).encode("gb18030")
