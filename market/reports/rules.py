"""By what reports are cut, and the columns they have: what each counts, in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Dimension(StrEnum):
    """By what a report is cut."""

    CHANNEL = "channel"
    MONTH = "month"
    REGION = "region"
    COOPERATIVE = "cooperative"
    BUYER = "buyer"
    MECHANISM = "mechanism"


DIMENSION_TITLES: Mapping[Dimension, str] = {
    Dimension.CHANNEL: "渠道",
    Dimension.MONTH: "月份",
    Dimension.REGION: "县区",
    Dimension.COOPERATIVE: "供应商",
    Dimension.BUYER: "采购单位",
    Dimension.MECHANISM: "联农带农机制",
}

NO_ORDER = "非订单带来"
"""The row of money that no order brought: what was paid ahead and no recognised order has claimed."""
NO_MECHANISM = "不属于单一机制"
"""The row of what belongs to no one mechanism: sales, what suppliers retain, advances."""


class Kind(StrEnum):
    """What a column's numbers are."""

    FEN = "fen"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of every report: its title, and what it counts."""

    kind: Kind
    title: str
    counts: str
    counts_zh: str


def _steps(whose: str, whose_zh: str, title: str) -> dict[str, tuple[str, str, str]]:
    return {
        "accrued": (
            f"{title}应计",
            f"attributed to {whose} on acceptance, less reversals, whichever step it has reached since",
            f"验收时归集给{whose_zh}的金额,扣除冲回,不论其后到达哪一环节",
        ),
        "recognised": (
            f"{title}确认",
            f"what of {whose} was recognised (the buyer's money reached the supplier) or went further, less reversals",
            f"{whose_zh}的份额中货款已到供应商(或已到后续环节)的金额,扣除冲回",
        ),
        "disbursed": (
            f"{title}兑付",
            f"what of {whose} was disbursed against recognised orders, matched advances included, less reversals",
            f"{whose_zh}的份额中已按确认订单兑付的金额,含预付核销,扣除冲回",
        ),
        "confirmed": (
            f"{title}已确认收到",
            f"what of {whose} the village has confirmed as received, less reversals",
            f"{whose_zh}的份额中经村确认已收到的金额,扣除冲回",
        ),
    }


def _ladder(prefix: str, whose: str, whose_zh: str, title: str) -> dict[str, Column]:
    return {f"{prefix}_{step}_fen": Column(Kind.FEN, *texts) for step, texts in _steps(whose, whose_zh, title).items()}


COLUMNS: Mapping[str, Column] = {
    "orders": Column(
        Kind.COUNT, "订单数", "orders of which something was accepted in the period", "期间内有货物验收合格的订单数"
    ),
    "sale_fen": Column(
        Kind.FEN,
        "销售额",
        "accepted in the period less returns and price cuts in it, tax included; a sale is not an income",
        "期间验收金额减退货、折让金额,含税;销售额不等于收入",
    ),
    "sale_net_fen": Column(
        Kind.FEN,
        "不含税销售额",
        "the same without tax: households + collectives + retained + pools + suspense, all as accrued",
        "不含税销售额,等于应计的农户、村集体、留存、资金池与待处理之和",
    ),
    "households": Column(
        Kind.COUNT,
        "带动户数",
        "households with a positive accrued amount in the row; one in two rows counts in both and once in the total",
        "本行应计金额为正的户数;跨行的户各行均计,合计只计一次",
    ),
    "assisted_households": Column(
        Kind.COUNT, "帮扶对象户数", "of them with income as an assisted household", "其中以帮扶对象身份取得收入的户数"
    ),
    "ordinary_households": Column(
        Kind.COUNT, "一般户数", "of them with income as an ordinary household", "其中以一般户身份取得收入的户数"
    ),
    **_ladder("assisted", "assisted households", "帮扶对象", "帮扶对象"),
    **_ladder("ordinary", "ordinary households", "一般户", "一般户"),
    **_ladder("collective", "village collectives", "村集体", "村集体"),
    "retained_fen": Column(
        Kind.FEN, "供应商留存", "accrued to suppliers themselves, less reversals", "应计归供应商自身的金额,扣除冲回"
    ),
    "pool_fen": Column(
        Kind.FEN,
        "资金池",
        "accrued to pools that wait for a period's distribution, less reversals and what was distributed",
        "应计入资金池、待按期分配的金额,扣除冲回与已分配",
    ),
    "suspense_fen": Column(
        Kind.FEN,
        "待处理",
        "pools accrued that could not be split, less reversals",
        "应计但无法分配、待处理的资金池金额,扣除冲回",
    ),
    "top_up_fen": Column(
        Kind.FEN,
        "补差",
        "owed by suppliers beyond what lines brought, paid or not; not brought by orders",
        "供应商应在订单所得之外补足的金额,含已付;非订单带来",
    ),
    "top_up_paid_fen": Column(Kind.FEN, "已付补差", "of it paid", "其中已付"),
    "advance_fen": Column(
        Kind.FEN,
        "预付净增",
        "growth of money paid ahead that no recognised order has claimed; brought by no order",
        "预付且尚未被确认订单核销的资金净增;非订单带来",
    ),
}
"""In the order in which they are shown."""

SALE_COLUMNS = ("orders", "sale_fen", "sale_net_fen")
"""Known of orders, not of one mechanism: an order brings several."""


class WindowKind(StrEnum):
    """Which days a window's figures are of."""

    CALENDAR_YEAR = "calendar_year"
    LAST_TWELVE_MONTHS = "last_twelve_months"


class NoIncrease(StrEnum):
    """Why no increase is given."""

    NO_BASELINE_CONFIRMED = "no_baseline_confirmed"
    MOVED_INTO_OTHER_LOTS = "moved_into_other_lots"
    PERIOD_NOT_OVER = "period_not_over"


class Suspended(StrEnum):
    """Why a pool could not be split."""

    NOBODY_IS_ELIGIBLE = "nobody_is_eligible"
    WEIGHTS_ARE_ZERO = "weights_are_zero"


FIGURES: Mapping[str, Column] = {
    "accrued_fen": Column(
        Kind.FEN,
        "应计",
        "attributed on acceptance in the period, less reversals, whichever step it has reached since",
        "期间验收时归集的金额,扣除冲回,不论其后到达哪一环节",
    ),
    "recognised_fen": Column(
        Kind.FEN,
        "确认",
        "reached recognised (the buyer's money is with the supplier) or a further step in the period, less reversals",
        "期间到达确认(货款已到供应商)或后续环节的金额,扣除冲回",
    ),
    "disbursed_fen": Column(
        Kind.FEN,
        "兑付",
        "reached disbursed or confirmed in the period: paid against recognised orders, matched advances included",
        "期间到达兑付或已确认收到的金额:按确认订单兑付,含预付核销",
    ),
    "confirmed_fen": Column(
        Kind.FEN, "已确认收到", "confirmed by the village in the period, less reversals", "期间经村确认收到的金额"
    ),
    "matched_fen": Column(
        Kind.FEN,
        "核销",
        "paid ahead, and claimed in the period by recognised orders, whether or not goods or money came back since",
        "预付后于期间被确认订单认领的金额,不论其后退货或付款被冲回",
    ),
    "top_up_fen": Column(
        Kind.FEN,
        "补差",
        "owed beyond what lines brought, paid or not; not brought by orders",
        "订单所得之外应补足的金额,含已付;非订单带来",
    ),
    "top_up_paid_fen": Column(Kind.FEN, "已付补差", "of top-ups: paid in the period", "补差中期间已付的金额"),
    "balances": Column(
        Kind.FEN,
        "各环节余额",
        "what stands at that step and no further: opening + movement = closing",
        "仅停留在该环节的余额:期初 + 变动 = 期末",
    ),
    "advance": Column(
        Kind.FEN,
        "预付",
        "paid to households and claimed by no recognised order; by its account, without a mechanism",
        "已付农户但尚未被确认订单认领的资金;按账户统计,不分机制",
    ),
    "money_received_fen": Column(
        Kind.FEN,
        "实收",
        "all payments dated in the period: disbursed, paid ahead, top-ups paid",
        "期间收到的全部款项:兑付、预付与已付补差",
    ),
    "brought_by_orders_fen": Column(
        Kind.FEN,
        "订单带来",
        "only what was paid against recognised orders or matched with them in the period, less reversals",
        "期间按确认订单兑付或与其核销的金额,扣除冲回",
    ),
    "owed_fen": Column(
        Kind.FEN,
        "应付未付",
        "recognised and not yet disbursed at the end of the period",
        "期末已确认而尚未兑付的金额",
    ),
    "owed_back_fen": Column(
        Kind.FEN,
        "应退货款",
        "paid by buyers, and owed neither for what they accepted and kept nor for what may yet come; as it stands now",
        "买方已付而无应付款对应(未验收、已退货、折让或订单已终止)的金额,为当前值",
    ),
    "increase": Column(
        Kind.FEN,
        "增收",
        "gross income accrued from the lot's produce minus the confirmed baseline's gross; none without one",
        "本批次农产品应计毛收入减去经县级确认的基期毛收入;无已确认基期则不提供",
    ),
    "over_market": Column(
        Kind.FEN,
        "高于市场价增收",
        "gross income accrued at prices made from the market's, minus the same at the market's price of the day",
        "按市场价加成或保护价计价的应计毛收入,减去同量按当日市场价的金额",
    ),
}
"""What the figures of statements count."""


_NOTHING = {"rolled_from": date.max, "rolled_to": date.min, "head_from": date.max, "head_to": date.min}


def split(period_from: date, period_to: date, *, unrolled: date) -> dict[str, date]:
    """Return what a report binds: which months of a window are read from their sums, and which days are not.

    The two stretches of days may be empty (they end before they begin); the months end before `rolled_to`.
    """
    rolled_from = rolled_to = unrolled
    if period_from < unrolled:
        rolled_from = period_from if period_from.day == 1 else month_after(period_from)
    if period_to < unrolled:
        rolled_to = (period_to + timedelta(days=1)).replace(day=1)
    if rolled_to <= rolled_from:
        return _NOTHING | {"tail_from": period_from, "tail_to": period_to}
    head = {"head_from": period_from, "head_to": rolled_from - timedelta(days=1)} if period_from < rolled_from else {}
    return (
        _NOTHING
        | head
        | {
            "rolled_from": rolled_from,
            "rolled_to": rolled_to,
            "tail_from": rolled_to,
            "tail_to": period_to,
        }
    )


def month_after(day: date) -> date:
    """Return the first day of the next month; of the last month there is, the last day there is."""
    if day >= date.max.replace(day=1):
        return date.max
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
