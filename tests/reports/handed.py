"""Accounts of households made up by hand, from one with nothing on it to the fullest there can be."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

from market.attribution.net_income import Correction, NetIncome
from market.attribution.received import Received
from market.attribution.rules import Kind, Means, Step
from market.attribution.statements import HouseholdStatement, Position, statement
from market.benefits.rules import Mechanism
from market.livelihoods.rules import Figure, ItemKind, Window, calendar_year, rolling_year
from market.reports.household_account import (
    AccountIncrease,
    FormerBaseline,
    HouseholdAccount,
    WindowAccount,
    figures_of,
)
from market.reports.household_page import Place
from market.reports.rules import WindowKind

HOUSEHOLD = UUID(int=1)
AT = datetime(2026, 2, 3, 4, tzinfo=UTC)
ON = date(2026, 3, 20)
ORDINARY = (ItemKind.PENSION, ItemKind.GRAIN_TO_GREEN, ItemKind.OPERATING_EXPENSE)


class Handed(NamedTuple):
    """What a page or a workbook is made of."""

    account: HouseholdAccount
    orders: HouseholdStatement
    place: Place


def of_length(letters: int, number: int) -> str:
    """Return a cooperative's name of so many letters, like all others but for its end."""
    name = "交城县洪相镇王村富山红薯种植农民专业合作社"
    return (name * (letters // len(name) + 1))[: letters - 2] + f"{number:02d}"


def handed(
    names: Sequence[str] = ("交城县富山农民专业合作社", "东坡底羊肚菌合作社"),
    *,
    kinds: Sequence[ItemKind] = ORDINARY,
    unit_fen: int = 162_140,
    baseline: str | None = None,
    corrections: int = 0,
    place: Place | None = None,
    topped_up: bool = False,
) -> Handed:
    """Return the account of a household with these suppliers, kinds of item, a baseline's source and corrections."""
    owned = [_positions((number + 1) * unit_fen, topped_up=topped_up) for number in range(len(names))]
    year = _window(WindowKind.CALENDAR_YEAR, calendar_year(2025), owned, kinds, unit_fen)
    if baseline:
        year = replace(year, increases=[_increase(year.known.net_fen, baseline)])
    if corrections:
        told = [Correction(f"item:{n}", "补记", AT, date(2025, 5, 1), None, item_fen=n) for n in range(corrections)]
        year = replace(year, closed_at=AT, closed=year.known, corrections=told)
    rolling = _window(WindowKind.LAST_TWELVE_MONTHS, rolling_year(ON), owned, kinds, unit_fen)
    orders = HouseholdStatement(
        HOUSEHOLD,
        "1411221062010007",
        statement(each for own in owned for each in own),
        [(UUID(int=100 + n), name, statement(own)) for n, (name, own) in enumerate(zip(names, owned, strict=True))],
        [_payment(number, name, unit_fen) for number, name in enumerate(names)],
    )
    account = HouseholdAccount(HOUSEHOLD, orders.household_code, 4, ON, year, rolling)
    return Handed(account, orders, place or Place("山西省吕梁市交城县洪相镇王村", ("王村村委会", "交城县农业农村局")))


def fullest() -> Handed:
    """Return the fullest account: every kind of item, millions of yuan, and every name and word as long as may be."""
    place = Place("山西省吕梁市交城县" + "洪相镇王村" * 6, ("王村村民委员会代办点" * 4, "交城县乡村振兴局农户" * 4))
    names = [of_length(40, number) for number in range(12)]
    return handed(
        names,
        kinds=tuple(reversed(ItemKind)),
        unit_fen=123_456_789,
        baseline="农户收入采集" * 33,
        corrections=30,
        place=place,
        topped_up=True,
    )


def _positions(fen: int, *, topped_up: bool) -> list[Position]:
    """Return what a cooperative's orders brought: half of it paid, a quarter owed, and something ahead."""
    steps = {Step.ACCRUED: fen // 4, Step.RECOGNISED: fen // 4, Step.DISBURSED: fen // 2, Step.ADVANCE: fen // 8}
    if topped_up:
        steps |= {Step.TOP_UP: fen // 4, Step.TOP_UP_PAID: fen // 2}
    mechanism = Mechanism.ORDER_PURCHASE
    return [Position(Kind.HOUSEHOLD, step, mechanism, True, 0, part, 0, 0, 0) for step, part in steps.items()]


def _window(
    kind: WindowKind, window: Window, owned: Sequence[Sequence[Position]], kinds: Sequence[ItemKind], unit_fen: int
) -> WindowAccount:
    items: dict[str, int] = {each: unit_fen + number for number, each in enumerate(kinds)}
    orders = statement(each for own in owned for each in own)
    known = NetIncome(window, 4, orders, items, {each: fen // 2 for each, fen in items.items()})
    return WindowAccount(kind, window, figures_of(known), None, None, (), ())


def _increase(net_fen: int, source: str) -> AccountIncrease:
    before = calendar_year(2023)
    former = FormerBaseline(net_fen // 3, before.begin, before.end, source, AT, AT, source, net_fen - net_fen // 3)
    return AccountIncrease(
        *(Figure.NET, net_fen, net_fen // 2, before.begin, before.end, source, AT, net_fen - net_fen // 2, None),
        formerly=[former],
        baseline_booked_fen=net_fen - 1,
    )


def _payment(number: int, supplier: str, fen: int) -> Received:
    means = [None, Means.VILLAGE_CLERK.value, Means.HOUSEHOLD_CODE.value][number % 3]
    about = UUID(int=900 + number), UUID(int=100 + number), supplier, date(2025, 6, 1), date(2025, 6, 1)
    return Received(*about, AT, "bank_transfer", fen, f"农商行-{number}", means, AT if means else None, None)
