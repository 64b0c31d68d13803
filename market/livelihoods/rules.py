"""What a household earns and spends outside the market, by kind; windows of time, figures and baselines."""

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from market.benefits.rules import MECHANISMS, IncomeClass
from market.errors import InvalidInputError, MarketError, follow
from market.households.rules import months_after
from market.identity.rules import OrganisationKind


class ItemKind(StrEnum):
    """Kinds of income and expense that reach or leave a household outside the market (domain-sources.md §2.4)."""

    WAGE_ELSEWHERE = "wage_elsewhere"
    PUBLIC_POST = "public_post"
    OTHER_OPERATING = "other_operating"
    SOLAR = "solar"
    OTHER_PROPERTY = "other_property"
    LIVING_ALLOWANCE = "living_allowance"
    EXTREME_HARDSHIP = "extreme_hardship"
    PENSION = "pension"
    FAMILY_PLANNING = "family_planning"
    ECOLOGICAL = "ecological"
    GRAIN_TO_GREEN = "grain_to_green"
    FARMLAND = "farmland"
    VETERAN = "veteran"
    DISABILITY = "disability"
    OLD_AGE = "old_age"
    RESERVOIR = "reservoir"
    INSURANCE_TOP_UP = "insurance_top_up"
    OTHER_TRANSFER = "other_transfer"
    GIFT = "gift"
    TEMPORARY_RELIEF = "temporary_relief"
    PURPOSE_TIED = "purpose_tied"
    OPERATING_EXPENSE = "operating_expense"
    SELF_PAID = "self_paid"


class Treatment(StrEnum):
    """What a kind of item does to the figures, by rule and never by choice."""

    COUNTED = "counted"
    EXCLUDED = "excluded"
    EXPENSE = "expense"
    MONITORED_EXPENSE = "monitored_expense"


class ItemTerms(NamedTuple):
    """A kind's Chinese name, what it does to the figures, and the income class of what is counted."""

    name: str
    treatment: Treatment
    income_class: IncomeClass | None


def _income(name: str, income_class: IncomeClass) -> ItemTerms:
    return ItemTerms(name, Treatment.COUNTED, income_class)


ITEMS: Mapping[ItemKind, ItemTerms] = {
    ItemKind.WAGE_ELSEWHERE: _income("外出务工工资", IncomeClass.WAGE),
    ItemKind.PUBLIC_POST: _income("公益岗位工资", IncomeClass.WAGE),
    ItemKind.OTHER_OPERATING: _income("其他生产经营收入", IncomeClass.OPERATING),
    ItemKind.SOLAR: _income("光伏收益", IncomeClass.PROPERTY),
    ItemKind.OTHER_PROPERTY: _income("其他财产性收入", IncomeClass.PROPERTY),
    ItemKind.LIVING_ALLOWANCE: _income("低保金", IncomeClass.TRANSFER),
    ItemKind.EXTREME_HARDSHIP: _income("特困供养金", IncomeClass.TRANSFER),
    ItemKind.PENSION: _income("养老金", IncomeClass.TRANSFER),
    ItemKind.FAMILY_PLANNING: _income("计划生育金", IncomeClass.TRANSFER),
    ItemKind.ECOLOGICAL: _income("生态补偿金", IncomeClass.TRANSFER),
    ItemKind.GRAIN_TO_GREEN: _income("退耕还林补助", IncomeClass.TRANSFER),
    ItemKind.FARMLAND: _income("耕地地力保护补贴", IncomeClass.TRANSFER),
    ItemKind.VETERAN: _income("退役军人补助", IncomeClass.TRANSFER),
    ItemKind.DISABILITY: _income("残疾人两项补贴", IncomeClass.TRANSFER),
    ItemKind.OLD_AGE: _income("高龄津贴", IncomeClass.TRANSFER),
    ItemKind.RESERVOIR: _income("水库移民补助", IncomeClass.TRANSFER),
    ItemKind.INSURANCE_TOP_UP: _income("保险补偿", IncomeClass.TRANSFER),
    ItemKind.OTHER_TRANSFER: _income("其他转移性收入", IncomeClass.TRANSFER),
    ItemKind.GIFT: ItemTerms("一次性慰问金(物)", Treatment.EXCLUDED, None),
    ItemKind.TEMPORARY_RELIEF: ItemTerms("临时救助", Treatment.EXCLUDED, None),
    ItemKind.PURPOSE_TIED: ItemTerms("专项补助", Treatment.EXCLUDED, None),
    ItemKind.OPERATING_EXPENSE: ItemTerms("生产经营性支出", Treatment.EXPENSE, None),
    ItemKind.SELF_PAID: ItemTerms("合规自付支出", Treatment.MONITORED_EXPENSE, None),
}
"""One-off gifts and purpose-tied subsidies are recorded and count for nothing; what a household pays itself for illness
and the like is subtracted in monitoring alone (domain.md §5)."""

KIND_OF_NAME: Mapping[str, ItemKind] = {terms.name: kind for kind, terms in ITEMS.items()}


BROUGHT_BY_ORDERS = frozenset(terms.income_class for terms in MECHANISMS.values())
"""The classes of income that orders bring: of these, orders and lists say what of a supplier's money reached whom."""

OF_THE_VILLAGE = frozenset({ItemKind.SOLAR, ItemKind.PUBLIC_POST})
"""What a village collective pays a household for that no order brings: its own station, its posts (domain.md §10)."""

_LEAST_NAME = 4


class CheckState(StrEnum):
    """Whether a second person has checked an item."""

    UNCHECKED = "unchecked"
    CHECKED = "checked"


class Supplier(NamedTuple):
    """A supplier in the market, by what a source may name it."""

    name: str
    credit_code: str | None
    kind: OrganisationKind


@lru_cache(maxsize=10_000)  # a file's every row is compared with every supplier's name
def normalised(text: str) -> str:
    """Return letters and digits alone, of one width and case: how a name is told however it is written."""
    return "".join(each for each in unicodedata.normalize("NFKC", text).casefold() if each.isalnum())


def check_source(kind: ItemKind, source: str, suppliers: Iterable[Supplier]) -> None:
    """Raise `SupplierAsSourceError` for income of a class that orders bring, whose source names a supplier.

    It is named by its whole name or its credit code, alone or among other words. What it pays households reaches their
    accounts through orders, lists and disbursements, and would be counted twice.
    """
    if ITEMS[kind].income_class not in BROUGHT_BY_ORDERS:
        return
    said = normalised(source)
    for supplier in suppliers:
        of_the_village = kind in OF_THE_VILLAGE and supplier.kind is OrganisationKind.VILLAGE_COLLECTIVE
        if not of_the_village and _names(said, supplier):
            raise SupplierAsSourceError(named=supplier.name, pointer="/source")


def _names(said: str, supplier: Supplier) -> bool:
    name = normalised(supplier.name)
    by_name = said == name if len(name) < _LEAST_NAME else name in said
    return by_name or (supplier.credit_code is not None and normalised(supplier.credit_code) in said)


class Window(NamedTuple):
    """Days from the first to the last, both included."""

    begin: date
    end: date

    @property
    def next_day(self) -> date:
        """Return the first day after it."""
        return date.fromordinal(self.end.toordinal() + 1)


def calendar_year(year: int) -> Window:
    """Return the whole of a year."""
    return Window(date(year, 1, 1), date(year, 12, 31))


def year_until(year: int, on: date) -> Window:
    """Return a year as of a day: until that day if it lies in the year. Raises `InvalidInputError` if it is before."""
    whole = calendar_year(year)
    if on < whole.begin:
        raise InvalidInputError("the year begins after the day `on`", "所查年度晚于截至日期", pointer="/query/year")
    return Window(whole.begin, min(whole.end, on))


def rolling_year(on: date) -> Window:
    """Return the 12 months that end with the month before a day (domain-sources.md §2.3)."""
    first = on.replace(day=1)
    return Window(first.replace(year=first.year - 1), date.fromordinal(first.toordinal() - 1))


def check_not_too_old(occurred_on: date, *, registered_on: date) -> None:
    """Raise `ItemTooOldError` for a day before the twelve months by which a household was registered."""
    earliest = rolling_year(registered_on).begin
    if occurred_on < earliest:
        raise ItemTooOldError(registered_on=registered_on, earliest=earliest, pointer="/occurred_on")


class Figure(StrEnum):
    """The figures of a household that a baseline may be of, in fen: an increase is of the same figure."""

    GROSS = "gross"
    NET = "net"
    NET_PER_HEAD = "net_per_head"


class BaselineStatus(StrEnum):
    """A household's baseline is proposed by its village and decided by its county."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class BaselineEvent(StrEnum):
    """What a county may say of a proposed baseline."""

    CONFIRM = "confirm"
    REJECT = "reject"


BASELINE_TRANSITIONS: Mapping[tuple[BaselineStatus, BaselineEvent], BaselineStatus] = {
    (BaselineStatus.PROPOSED, BaselineEvent.CONFIRM): BaselineStatus.CONFIRMED,
    (BaselineStatus.PROPOSED, BaselineEvent.REJECT): BaselineStatus.REJECTED,
}


def baseline_after(status: BaselineStatus, event: BaselineEvent) -> BaselineStatus:
    """Return the status after an event; raises `TransitionError` if the machine has no such step."""
    return follow(BASELINE_TRANSITIONS, status, event, machine="baseline")


def check_baseline_period(window: Window, *, today: date) -> None:
    """Raise `BaselinePeriodError` unless the window is of twelve whole months that are over."""
    if window.begin.day != 1 or window.next_day != months_after(window.begin, 12) or window.end >= today:
        raise BaselinePeriodError(pointer="/period_to")


class Fraction(NamedTuple):
    """An amount per head: whole fen, rounded down, and the fen left over that a head has no whole part of."""

    fen: int
    left_fen: int
    heads: int


def per_head(amount_fen: int, heads: int) -> Fraction:
    """Return what each registered member has: exactly fen + left_fen over heads, also for a loss."""
    fen, left_fen = divmod(amount_fen, heads)
    return Fraction(fen, left_fen, heads)


class ItemRecordedError(MarketError):
    """The same money is recorded once: of a kind and day an evidence, however it is typed, shows one amount."""

    status = 409
    en = "By this evidence an item is already on record: {item_kind}, {day}, {yuan} yuan."
    zh = "该凭证已登记收支:{item_kind},{day},{yuan} 元。"


class ItemTooOldError(MarketError):
    """What lies before the months by which a household was registered stands in no figure of it."""

    en = "The household is on the register from {registered_on} on: record what it had from {earliest} on."
    zh = "该户自 {registered_on} 起在册,仅登记 {earliest} 及以后的收支。"


class SupplierAsSourceError(MarketError):
    """Income from the market comes from orders only."""

    en = "{named} is a supplier in the market: what it pays comes from its orders and lists, never as an item."
    zh = "{named}为平台供应商,其付给农户的款项只由订单与兑付清单计入,不得另行登记为其他收入。"


class ItemReversedError(MarketError):
    """An item is reversed once, and a reversal never."""

    status = 409
    en = "This item is reversed, or a reversal itself."
    zh = "该笔收支已冲销,或本身为冲销记录。"


class RowsAtFaultError(MarketError):
    """A file is imported whole or not at all."""

    en = "{faults} of {rows} rows are at fault, the first in line {line}: {reason}. Ask with dry_run=true to see all."
    zh = "{rows} 行中有 {faults} 行有误,首个在第 {line} 行:{reason_zh}。可用 dry_run=true 查看全部。"


class BaselinePeriodError(MarketError):
    """A year is compared with a year."""

    en = "The baseline of a household is of twelve whole months that are over."
    zh = "农户增收基期须为已结束的整十二个月。"


class BaselineConfirmedError(MarketError):
    """What the county confirmed stays in force until it confirms what is to take its place."""

    status = 409
    en = "A baseline of this figure from {begin} to {end} stands confirmed: name it in `replaces` and say why."
    zh = "该指标 {begin} 至 {end} 的基期已经县确认;如需更换,请在 `replaces` 中写明并说明理由。"


class LineSetError(MarketError):
    """A year has one line in a region."""

    status = 409
    en = "This region already has a line for {year}."
    zh = "该地区 {year} 年监测线已设定。"
