"""Whose reach is told, over which periods, and what its figures count."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from market.reports.rules import Column, Kind, month_after


class Reached(StrEnum):
    """What reaches households over months; an order reaches them by itself."""

    PRODUCT = "product"
    BUYER = "buyer"
    CHANNEL = "channel"


REACH: Mapping[str, Column] = {
    "sale_fen": Column(
        Kind.FEN,
        "销售额",
        "accepted less returns and price cuts, tax included; a sale is not an income",
        "验收金额减退货、折让金额,含税;销售额不等于收入",
    ),
    "payees": Column(
        Kind.COUNT, "带动户数", "payees with a positive accrued amount, each once", "应计金额为正的对象数,每户只计一次"
    ),
    "accrued_fen": Column(
        Kind.FEN,
        "应计",
        "attributed on acceptance, less reversals, whichever step it has reached",
        "验收时归集,扣除冲回",
    ),
    "recognised_fen": Column(Kind.FEN, "确认", "of it, the buyer's money is with the supplier", "其中货款已到供应商"),
    "disbursed_fen": Column(
        Kind.FEN, "兑付", "of it, paid to the payees, matched advances included", "其中已兑付,含预付核销"
    ),
    "confirmed_fen": Column(Kind.FEN, "已确认收到", "of it, confirmed by the village", "其中经村确认收到"),
    "matched_fen": Column(
        Kind.FEN,
        "核销",
        "paid ahead, and claimed by these orders, whether or not goods or money came back since",
        "预付后由这些订单认领的金额,不论其后退货或付款被冲回",
    ),
    "top_up_fen": Column(
        Kind.FEN, "补差", "owed beyond what lines brought; not brought by orders", "订单所得之外应补足的金额;非订单带来"
    ),
    "proven_fen": Column(
        Kind.FEN,
        "有凭证兑付",
        "of the disbursed, paid in batches that a file of evidence proves",
        "兑付中附有凭证文件的金额",
    ),
    "median_fen": Column(
        Kind.FEN,
        "户均中位数",
        "the middle of the accrued amounts of payees; of an even number, the lower of the two in the middle",
        "各户应计金额的中位数;户数为偶数时取中间两数之较小者",
    ),
    "paid_bp": Column(Kind.COUNT, "兑付率", "disbursed of accrued, rounded down", "兑付占应计的比例,向下取整"),
    "proven_bp": Column(Kind.COUNT, "凭证率", "proven of disbursed, rounded down", "有凭证兑付占兑付的比例,向下取整"),
}
"""What the figures of a reach count."""


def calendar(period: str) -> tuple[date, date]:
    """Return the first day of a calendar year (`2026`) or month (`2026-03`), and the first day beyond it."""
    if "-" in period:
        first = date.fromisoformat(f"{period}-01")
        return first, month_after(first)
    first = date(int(period), 1, 1)
    return first, first.replace(year=first.year + 1)
