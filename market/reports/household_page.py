"""A household's account on one page: what came in, what cooperatives owe it, in plain words and in yuan.

Nothing on it names a person. So that it stays one page, long lists are cut and say what the rest comes to, long names
and words are shortened, and letters are as large as the page lets them be (`household_page.typ`). Whole they are in the
workbook and in the answers as JSON.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar
from uuid import UUID

import sqlalchemy as sa
import typst

from market.attribution.received import Received
from market.attribution.rules import Means, Step
from market.attribution.statements import HouseholdStatement, Statement
from market.benefits.rules import IncomeClass
from market.clock import business_date
from market.livelihoods.rules import Figure, Treatment
from market.money import yuan
from market.reports.household_account import AccountIncrease, Figures, HouseholdAccount, WindowAccount
from market.reports.rules import NoIncrease

Listed = TypeVar("Listed")

TREATMENTS = {
    Treatment.COUNTED: "计入收入",
    Treatment.EXCLUDED: "不计入收入",
    Treatment.EXPENSE: "生产支出",
    Treatment.MONITORED_EXPENSE: "只在监测时扣除",
}
PDF = "application/pdf"
TEMPLATE = Path(__file__).with_suffix(".typ")
FONTS = Path(__file__).parent.parent / "static" / "fonts"
MOST_ROWS = 5
MOST_LETTERS = 20
"""Of a cooperative's or an office's name; twice as many of a village's, of a baseline's source and of a reason."""
CLASS_NAMES = {
    IncomeClass.WAGE: "工资性",
    IncomeClass.OPERATING: "生产经营性",
    IncomeClass.PROPERTY: "财产性",
    IncomeClass.TRANSFER: "转移性",
}
FIGURES = {Figure.NET: "纯收入", Figure.NET_PER_HEAD: "人均纯收入", Figure.GROSS: "收入合计"}
"""By what an increase is told, the first before the others."""
MEANS: Mapping[str | None, str] = {
    Means.VILLAGE_CLERK.value: "代办员代确认",
    Means.HOUSEHOLD_CODE.value: "凭码确认",
    None: "未确认",
}
"""By whose word a household has a payment, in a word; a code proves that somebody typed it."""
REVERSED = "付款冲销"
"""What a payment comes to that was never had."""
STEPS = (
    "应得：货已被买方验收、归您家的钱。货款已到：买方已把货款付给合作社。"
    "已到账：合作社已付给您家，且已由订单带来。差价补足：订单所得不够时合作社另外补给您家的钱，"
    "是您家的收入，但不是订单带来的，所以单列一行。预付：合作社提前付、等货卖出再抵的钱；"
    "往年的预付今年抵上了，就计入今年的已到账，所以它可能多于今年付来的钱，货款已到也可能多于应得。"
    "每行：此前尚欠加货款已到（补足一行加应得）减已到账，等于现在尚欠。"
)


class Standing(NamedTuple):
    """What came and what was paid in a period (fen), and what is ahead and owed at its end.

    owed_before + recognised - paid = owed. A top-up waits for no buyer's money: it is recognised with what it tops up.
    """

    owed_before_fen: int
    accrued_fen: int
    recognised_fen: int
    paid_fen: int
    advance_fen: int
    owed_fen: int


class Place(NamedTuple):
    """Where a household lives and whom it may turn to."""

    village: str
    offices: Sequence[str]


# A village office and the county's department, by name; regions are named as they are today.
_PLACE = sa.text(
    """
    SELECT coalesce((SELECT string_agg(r.name, '' ORDER BY length(r.code)) FROM regions r
                      WHERE starts_with(h.village_code, r.code) AND length(r.code) >= 6 AND r.valid_until IS NULL),
                    h.village_code) AS village,
           ARRAY(SELECT o.name FROM organisations o
                  WHERE o.active AND (o.kind = 'village_office' AND o.region_code = h.village_code
                     OR o.kind = 'revitalisation_department' AND o.region_code = left(h.village_code, 6))
                  ORDER BY o.kind DESC, o.name LIMIT 2) AS offices
      FROM households h WHERE h.id = :household
    """
)


def place_of(connection: sa.Connection, household_id: UUID) -> Place:
    """Return where a household that the reader may see lives, and whom it may turn to."""
    row = connection.execute(_PLACE, {"household": household_id}).one()
    return Place(row.village, row.offices)


def household_page(account: HouseholdAccount, orders: HouseholdStatement, place: Place) -> bytes:
    """Return the page as PDF; `orders` is the statement of the account's year."""
    return rendered(account, orders, place, "pdf")


def rendered(account: HouseholdAccount, orders: HouseholdStatement, place: Place, form: Literal["pdf", "svg"]) -> bytes:
    """Return the page in a format that typst writes."""
    content = json.dumps(content_of(account, orders, place), ensure_ascii=False)
    made: object = typst.compile(
        TEMPLATE,
        format=form,
        font_paths=[FONTS],
        ignore_system_fonts=True,
        sys_inputs={"account": content},
    )
    # Several pages come as a list, one page as it is.
    return b"".join(made) if isinstance(made, list) else bytes(made)  # type: ignore[call-overload]


def content_of(account: HouseholdAccount, orders: HouseholdStatement, place: Place) -> dict[str, Any]:
    """Return what stands on the page, ready written."""
    year, rolling = account.year, account.rolling
    return {
        "title": "农户收入对账单",
        "about": [
            shortened(place.village, 2 * MOST_LETTERS),
            f"户编号 {account.household_code}",
            f"在册 {account.heads} 人",
            f"截至{_day(account.on)}",
        ],
        "summary": _summary(rolling),
        "parts": [
            _income(year, rolling, account.on),
            _suppliers(orders, account),
            _others(year),
            *_corrections(year),
        ],
        "foot": _foot(place),
    }


def shortened(words: str, most: int = MOST_LETTERS) -> str:
    """Return words with their middle left out if they are longer than that: names are told apart by how they end."""
    if len(words) <= most:
        return words
    tail = most // 3
    return f"{words[: most - tail - 1]}…{words[-tail:]}"


def _summary(rolling: WindowAccount) -> str:
    """Say what the last twelve months brought, and nothing of another window."""
    known = rolling.known
    other = f"其他收入 {yuan(known.other_fen)} 元（县里核对过 {yuan(known.other_checked_fen)} 元）"
    per_head = f"按期末 {known.net_per_head.heads} 口人算，人均 {yuan(known.net_per_head.fen)} 元"
    return (
        f"近十二个月（{_span(rolling)}），您家共收到 {yuan(known.gross_fen)} 元："
        f"合作社付来 {yuan(known.received_fen)} 元，{other}。"
        f"减去生产支出 {yuan(known.operating_expense_fen)} 元，纯收入 {yuan(known.net_fen)} 元，{per_head}。"
    )


def _span(found: WindowAccount) -> str:
    return f"{_day(found.window.begin)}至{_day(found.window.end)}"


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _income(year: WindowAccount, rolling: WindowAccount, on: date) -> dict[str, Any]:
    """Compare the year with the last twelve months, figure by figure."""
    both = (year.known, rolling.known)
    rows = [["合作社付来的钱（含预付）", *(yuan(each.received_fen) for each in both)]]
    if any(each.top_up_paid_fen for each in both):
        rows.append(["　其中差价补足（不是订单带来的）", *(yuan(each.top_up_paid_fen) for each in both)])
    for income_class, name in CLASS_NAMES.items():
        sums = [_other_of(each, income_class) for each in both]
        if any(sums):
            rows.append([f"其他收入：{name}", *map(yuan, sums)])
    rows += [
        ["收入合计", *(yuan(each.gross_fen) for each in both)],
        ["减：生产经营支出", *(yuan(each.operating_expense_fen) for each in both)],
        ["纯收入", *(yuan(each.net_fen) for each in both)],
        ["人均纯收入", *(yuan(each.net_per_head.fen) for each in both)],
    ]
    notes = [f"{_year(year)}增收：{increase(year, lambda words: shortened(words, 2 * MOST_LETTERS))}"]
    last = year.window.end
    until = "全年" if last < on else f"1月1日至{last.month}月{last.day}日"
    begin, end = rolling.window
    columns = [
        "单位：元",
        f"{_year(year)}{until}",
        f"近十二个月（{begin.year}年{begin.month}月至{end.year}年{end.month}月）",
    ]
    return {"title": "一、收入（两段时间分列，不能相加）", "columns": columns, "rows": rows, "notes": notes}


def _other_of(figures: Figures, income_class: IncomeClass) -> int:
    return sum(each.other_fen for each in figures.classes if each.income_class is income_class)


def increase(year: WindowAccount, fit: Callable[[str], str]) -> str:
    """Say what the first figure with a baseline is more than before, in a sentence; the words of others made to fit."""
    stated = {each.figure: each for each in year.increases if each.increase_fen is not None}
    for figure, name in FIGURES.items():
        if each := stated.get(figure):
            source = fit(str(each.baseline_source))
            return (
                f"{name}比基期（{each.baseline_from} 至 {each.baseline_to}，{source}）"
                f"{_more(each.increase_fen or 0)}。{_contradicted(each)}{_changed(each, fit)}"
            )
    if any(each.no_increase is NoIncrease.PERIOD_NOT_OVER for each in year.increases):
        return "该年尚未结束，不作增收结论。"
    return "没有经县确认的基期，不作增收结论。"


def _more(fen: int) -> str:
    return f"增加 {yuan(fen)} 元" if fen >= 0 else f"减少 {yuan(-fen)} 元"


def _contradicted(stated: AccountIncrease) -> str:
    """Say what this account itself has of the baseline's period, if that is more than was stated of it."""
    stated_fen, booked_fen = stated.baseline_fen or 0, stated.baseline_booked_fen
    if booked_fen is None or booked_fen <= stated_fen:
        return ""
    return (
        f"注意：基期所报为 {yuan(stated_fen)} 元，本系统账上同期为 {yuan(booked_fen)} 元，"
        f"按账面为{_more(stated.figure_fen - booked_fen)}。"
    )


def _changed(stated: AccountIncrease, fit: Callable[[str], str]) -> str:
    """Say of a baseline that took another's place when it did, and what the increase was by that one."""
    if not stated.formerly:
        return ""
    former = stated.formerly[0]
    return (
        f"基期已于{_day(business_date(former.replaced_at))}经县确认更换（{fit(former.reason)}）；"
        f"按原基期为{_more(former.increase_fen)}。"
    )


def _year(found: WindowAccount) -> str:
    return f"{found.window.begin.year}年"


def _suppliers(orders: HouseholdStatement, account: HouseholdAccount) -> dict[str, Any]:
    """Say of each supplier what it brought, paid and owes; what is beyond the page is summed, and so are top-ups."""
    listed = [(name, standing(own)[0]) for _, name, own in orders.suppliers]
    listed.sort(key=lambda row: (-row[1].owed_fen, -row[1].accrued_fen, row[0]))
    shown, rest = _cut(listed)
    rows = [[shortened(name), *map(yuan, amounts)] for name, amounts in shown]
    if rest:
        sums = (sum(column) for column in zip(*(amounts for _, amounts in rest), strict=True))
        rows.append([f"其他 {len(rest)} 家合作社", *map(yuan, sums)])
    rows += _top_ups(orders)
    columns = ["合作社（单位：元）", "此前尚欠", "应得", "货款已到", "已到账", "预付", "尚欠您家"]
    begin, end = _day(account.year.window.begin), _day(account.year.window.end)
    notes = [f"{STEPS}应得、货款已到、已到账为{begin}至{end}的累计，预付、尚欠为截至{end}的余额。"]
    if not rows:
        notes = [f"{_year(account.year)}没有合作社订单带来的收入。"]
    if orders.payments:
        notes.append(confirmed(orders.payments))
    return {
        "title": f"二、{_year(account.year)}合作社带来的钱，谁还欠您家",
        "columns": columns,
        "rows": rows,
        "notes": notes,
    }


def _top_ups(orders: HouseholdStatement) -> list[list[str]]:
    """Say on a line of its own what suppliers add beyond what orders brought, if they do; of one alone, who."""
    _, total = standing(orders.total)
    if not any(total):
        return []
    names = [name for _, name, own in orders.suppliers if any(standing(own)[1])]
    who = shortened(names[0]) if len(names) == 1 else f"{len(names)} 家合作社"
    before, due, _, paid, _, owed = map(yuan, total)
    return [[f"差价补足：{who}", before, due, "—", paid, "—", owed]]


def confirmed(payments: Sequence[Received]) -> str:
    """Say by whose word the household has what it was paid, and what was reversed, in a sentence."""
    reversals = [each for each in payments if each.reverses_id]
    undone = {each.reverses_id for each in reversals}
    said = Counter(MEANS[each.means] for each in payments if each.id not in undone and not each.reverses_id)
    counted = [f"{word} {said[word]} 笔" for word in MEANS.values() if said[word]]
    if reversals:
        counted.append(f"{REVERSED} {len(reversals)} 笔（{yuan(-sum(each.amount_fen for each in reversals))} 元）")
    return f"收款确认：{'、'.join(counted)}。"


def standing(found: Statement) -> tuple[Standing, Standing]:
    """Return what a supplier's orders brought, and apart from it what it tops up."""
    balances, total = {balance.step: balance for balance in found.balances}, found.total
    owed, to_top_up = balances[Step.RECOGNISED], balances[Step.TOP_UP]
    steps = total.accrued_fen, total.recognised_fen, total.disbursed_fen
    due_fen, paid_fen = total.top_up_fen, total.top_up_paid_fen
    return (
        Standing(owed.opening_fen, *steps, found.advance.closing_fen, owed.closing_fen),
        Standing(to_top_up.opening_fen, due_fen, due_fen, paid_fen, 0, to_top_up.closing_fen),
    )


def _cut(listed: Sequence[Listed]) -> tuple[Sequence[Listed], Sequence[Listed]]:
    """Return what a list shows one by one, and the rest, which takes a line as well: one alone is shown."""
    most = len(listed) if len(listed) == MOST_ROWS + 1 else MOST_ROWS
    return listed[:most], listed[most:]


def _others(year: WindowAccount) -> dict[str, Any]:
    """Say what else came in and went out, the greatest first; what is beyond the page is summed by what it does."""
    shown, rest = _cut(sorted(year.known.items, key=lambda each: -each.fen))
    rows = [[each.name, TREATMENTS[each.treatment], yuan(each.fen)] for each in shown]
    for treatment, does in TREATMENTS.items():
        left = [each for each in rest if each.treatment is treatment]
        if left:
            name = left[0].name if len(left) == 1 else f"其余 {len(left)} 项"
            rows.append([name, does, yuan(sum(each.fen for each in left))])
    known = year.known
    notes = [f"计入收入的 {yuan(known.other_fen)} 元中，县里核对过 {yuan(known.other_checked_fen)} 元。"]
    if not rows:
        notes = [f"{_year(year)}没有登记其他收支。"]
    return {
        "title": f"三、{_year(year)}其他收支（由村代办员登记）",
        "columns": ["单位：元", "", "金额"],
        "rows": rows,
        "notes": notes,
    }


def _corrections(year: WindowAccount) -> list[dict[str, Any]]:
    """Say what a closed year was closed with, if more is known by now."""
    if year.closed is None or not year.corrections:
        return []
    rows = [
        ["收入合计", yuan(year.closed.gross_fen), yuan(year.known.gross_fen)],
        ["纯收入", yuan(year.closed.net_fen), yuan(year.known.net_fen)],
        ["人均纯收入", *(yuan(each.net_per_head.fen) for each in (year.closed, year.known))],
    ]
    heads = [each.net_per_head.heads for each in (year.closed, year.known)]
    grown = "" if heads[0] == heads[1] else f"按在册人口，结账时 {heads[0]} 人，现在 {heads[1]} 人。"
    note = f"结账后又登记了 {len(year.corrections)} 笔补记或更正；原账不改，差额如上。{grown}"
    columns = ["单位：元", "结账时", "现在"]
    return [{"title": f"四、{_year(year)}结账后的更正", "columns": columns, "rows": rows, "notes": [note]}]


def _foot(place: Place) -> list[str]:
    offices = "、".join(shortened(name) for name in place.offices) or "村代办员、县乡村振兴部门"
    return [
        f"对账有疑问、没收到钱、金额不对，请找：{offices}。可要求逐笔查看每一分钱来自哪张订单。",
        "本单不含姓名、身份证号和银行卡号。人均按该段时间最后一天的在册人口计算，不足一分的部分舍去。",
    ]
