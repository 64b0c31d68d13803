"""The year day by day: orders, shortages, returns, money late or never, payments ahead, months that close."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from heapq import heappop, heappush
from itertools import count
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution import confirming, payment_reversal
from market.attribution.models import Payment
from market.attribution.rules import Kind, PaymentOrder
from market.db import Database
from market.ledger import service as ledger
from market.ledger.rules import Book
from market.lots.rules import OutOfStockError
from market.orders import acceptance, changing, placing, returns
from market.orders import queries as orders
from market.orders.models import OrderLine
from market.payments import service as payments
from market.payments.rules import OrderPart
from market.quantities import text
from market.reports.rollups import roll_up
from tests.money_out import paid_out
from tests.story import ALL_EVIDENCE
from tests.year import occasions
from tests.year.dice import Dice
from tests.year.occasions import noon
from tests.year.world import FIRST, Buyer, Cooperative, Size, World, build, harvest

MONTHS_CLOSE_AFTER = timedelta(days=14)
LARGEST_TENTHS = 200
KG_A_LINE, LINES_AN_ORDER = 10, 2
MONTHS_WITHOUT_ORDERS = 2
"""The last ones, in which money and goods still come."""

_OWED = sa.text(
    """
    SELECT a.kind, a.owner_id, sum(m.fen)::bigint AS fen
      FROM ledger_accounts a
      JOIN LATERAL (SELECT amount_fen AS fen FROM ledger_transfers WHERE credit_account_id = a.id
                    UNION ALL SELECT -amount_fen FROM ledger_transfers WHERE debit_account_id = a.id) m ON true
     WHERE a.counterpart_id = :supplier AND a.step IN ('recognised', 'top_up') AND a.kind IN ('household', 'collective')
     GROUP BY a.kind, a.owner_id
    HAVING sum(m.fen) > 0
     ORDER BY a.kind, a.owner_id
    """
)
_FRESH = sa.text(
    """
    SELECT c.id, c.household_id, c.amount_fen FROM contributions c JOIN lots l ON l.id = c.lot_id
     WHERE l.supplier_id = :supplier AND l.produced_on = :day AND c.amount_fen > 1 AND c.carried_from IS NULL
     ORDER BY c.id
    """
)

Deed = Callable[[orm.Session, date], None]


@dataclass(frozen=True)
class Deal:
    """An order of a buyer's with a cooperative."""

    buyer: Buyer
    cooperative: Cooperative
    order_id: UUID

    def lines(self, session: orm.Session) -> list[OrderLine]:
        return orders.lines_of(session, [self.order_id])


@dataclass
class Year:
    """A year while it happens; `done` counts what did."""

    db: Database
    world: World
    dice: Dice
    done: Counter[str] = field(default_factory=Counter)
    due: list[tuple[date, int, Deed]] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=count)

    def plan(self, day: date, deed: Deed) -> None:
        """Let something happen on a later day of the year, or never."""
        if day <= self.world.size.last:
            heappush(self.due, (day, next(self.numbers), deed))

    def late(self, day: date, first: date) -> date:
        """Return the day of something that is written down on a day: one in five times it is some weeks ago."""
        return max(first, day - timedelta(days=self.dice.below(40))) if self.dice.happens(20) else day

    def within(self, day: date, first: int, last: int) -> date:
        return day + timedelta(days=first + self.dice.below(last - first + 1))


def play(db: Database, size: Size) -> Year:
    """Play a year, step by step through the services, each in its own transaction."""
    with db.transaction() as session:
        year = Year(db, build(session, size), Dice(size.chance))
    whole = (size.last - FIRST).days
    days = whole - 30 * MONTHS_WITHOUT_ORDERS
    for number in range(whole + 1):
        day = FIRST + timedelta(days=number)
        if day.day == 1:
            _begin_month(year, day)
        wanted = min(size.orders, size.orders * (number + 1) // days)
        for _ in range(3 * (wanted - year.done["orders"])):
            if year.done["orders"] < wanted:
                _place(year, day)
        while year.due and year.due[0][0] <= day:
            _, _, deed = heappop(year.due)
            with db.transaction() as session:
                deed(session, day)
        for cooperative in year.world.cooperatives:
            _now_and_then(year, cooperative, day)
    return year


def _now_and_then(year: Year, cooperative: Cooperative, day: date) -> None:
    if day.day == 6:
        with year.db.transaction() as session:
            year.done["lots made of lots"] += occasions.make_lots(session, cooperative, day)
    if day.day == 20 and day.month in {4, 7, 10}:
        with year.db.transaction() as session:
            shared = occasions.to_share(session, cooperative, day)
        for each in shared:
            with year.db.transaction() as session:
                occasions.share_out(session, year.world.county, cooperative, each, day)
            year.done["distributions"] += 1
    if day.day == 25:
        _pay_households(year, cooperative, day)
    if day.day == 28 and day.month % 3 == 0:
        with year.db.transaction() as session:
            year.done["second distributions"] += occasions.give_on(session, year.world, cooperative, day)


def _begin_month(year: Year, day: date) -> None:
    size = year.world.size
    months = size.last.month - MONTHS_WITHOUT_ORDERS
    kg = -(-size.orders * LINES_AN_ORDER * KG_A_LINE * 10 // (size.suppliers * 2 * months * 9))
    for cooperative in year.world.cooperatives:
        with year.db.transaction() as session:
            harvest(session, cooperative, day.month, kg * 1_000)
        _pay_ahead(year, cooperative, day)
    if day > FIRST:
        last = day - timedelta(days=1)
        year.plan(day + MONTHS_CLOSE_AFTER, lambda session, today: _close(year, session, last, today))


def _close(year: Year, session: orm.Session, month: date, today: date) -> None:
    by = year.world.county.member_id
    ledger.close_month(session, Book.ATTRIBUTION, month=month, closed_by=by, today=today)
    roll_up(session)
    year.done["months closed"] += 1


def _place(year: Year, day: date) -> None:
    """Order one to three lines of a cooperative; what is not in stock is not ordered."""
    dice, buyer, cooperative = year.dice, year.dice.of(year.world.buyers), year.dice.of(year.world.cooperatives)
    lines = [
        placing.WantedLine(
            dice.of(cooperative.products), text(100 * (1 + dice.below(LARGEST_TENTHS)), 1_000), "kg", None
        )
        for _ in range(1 + dice.below(3))
    ]
    request = placing.Request("canteen", None, 30, lines)
    now = noon(day)
    try:
        with year.db.transaction() as session:
            placed = placing.place(
                session, buyer.orderer, request=request, on=day, now=now, reserved_until=now + timedelta(hours=72)
            )
    except OutOfStockError:
        year.done["out of stock"] += 1
        return
    (order_id,) = placed.orders
    year.done["orders"] += 1
    deal = Deal(buyer, cooperative, order_id)
    year.plan(day, lambda session, on: _deliver(year, session, deal, on))


def _deliver(year: Year, session: orm.Session, deal: Deal, day: date) -> None:
    clerk, now = deal.cooperative.clerk, noon(day)
    changing.confirm(session, clerk, order_id=deal.order_id, now=now)
    changing.ship(session, clerk, order_id=deal.order_id, quantities=None, shipped_on=day, now=now)
    year.plan(year.within(day, 1, 5), lambda session, on: _accept(year, session, deal, on))


def _accept(year: Year, session: orm.Session, deal: Deal, day: date) -> None:
    """Accept whole, or one line in ten with a shortage; some money comes late, some in parts, some never."""
    dice = year.dice
    found = [_found(year, line) for line in deal.lines(session)]
    report = acceptance.Report(found, ALL_EVIDENCE, day)
    acceptance.accept(session, deal.buyer.receiver, order_id=deal.order_id, report=report, now=noon(day))
    year.done["acceptances"] += 1
    if dice.happens(95):
        pays = _pay_half if dice.happens(year.world.size.parts_percent) else _pay
        year.plan(year.within(day, 3, 45), lambda session, on: pays(year, session, deal, on))
    if dice.happens(year.world.size.returns_percent):
        year.plan(year.within(day, 1, 90), lambda session, on: _give_back(year, session, deal, on))


def _found(year: Year, line: OrderLine) -> acceptance.FoundLine:
    tenths = line.shipped_milli // 100
    short = 1 + year.dice.below(tenths) if year.dice.happens(10) and tenths > 1 else 0
    whole, good, missing = (text(100 * part, 1_000) for part in (tenths - short, tenths - short, short))
    return acceptance.FoundLine(line.id, whole, good, "0", "0", missing, "到货短少" if short else None)


def _pay_half(year: Year, session: orm.Session, deal: Deal, day: date) -> None:
    _record(year, session, deal, -(-_unpaid(session, deal) // 2), day)
    year.plan(year.within(day, 5, 60), lambda session, on: _pay(year, session, deal, on))


def _pay(year: Year, session: orm.Session, deal: Deal, day: date) -> None:
    _record(year, session, deal, _unpaid(session, deal), day)


def _unpaid(session: orm.Session, deal: Deal) -> int:
    return sum(line.accepted_fen - line.returned_fen - line.paid_fen for line in deal.lines(session))


def _record(year: Year, session: orm.Session, deal: Deal, fen: int, day: date) -> None:
    if fen <= 0:
        return
    first = max(line.accepted_on for line in deal.lines(session) if line.accepted_on)
    payments.record(
        session,
        deal.cooperative.clerk,
        bank_reference=uuid4().hex,
        payer_name="财政支付中心",
        amount_fen=fen,
        received_on=year.late(day, first),
        parts=[OrderPart(deal.order_id, fen)],
        now=noon(day),
    )
    year.done["receipts"] += 1


def _give_back(year: Year, session: orm.Session, deal: Deal, day: date) -> None:
    """Send part of a line back, or all of it; often when the month of the acceptance is closed."""
    line = year.dice.of(deal.lines(session))
    tenths = (line.accepted_milli - line.returned_milli) // 100
    if not tenths:
        return
    back = tenths if year.dice.happens(40) else 1 + year.dice.below(tenths)
    coming = [returns.ComesBack(line.id, text(100 * back, 1_000), year.dice.happens(50))]
    claim = returns.Claim(coming, "品质不符", year.late(day, line.accepted_on or day))
    returns.take_back(session, deal.buyer.receiver, order_id=deal.order_id, claim=claim, now=noon(day))
    year.done["returns"] += 1
    if line.accepted_on is not None and day.month > line.accepted_on.month + 1:
        year.done["returns of closed months"] += 1
    if year.dice.happens(30):
        year.plan(year.within(day, 1, 30), lambda session, on: _give_back(year, session, deal, on))


def _pay_ahead(year: Year, cooperative: Cooperative, day: date) -> None:
    """Pay half of those who contributed this month three fifths of it on delivery."""
    with year.db.transaction() as session:
        fresh = session.execute(_FRESH, {"supplier": cooperative.id, "day": day}).all()
        listed = [
            PaymentOrder(Kind.HOUSEHOLD, row.household_id, row.amount_fen * 3 // 5, uuid4().hex, row.id)
            for row in fresh
            if year.dice.happens(50)
        ]
        _disburse(year, session, cooperative, listed, day)


def _pay_households(year: Year, cooperative: Cooperative, day: date) -> None:
    """Pay most of those who are owed something: exactly, a little less, or a little more."""
    with year.db.transaction() as session:
        owed = session.execute(_OWED, {"supplier": cooperative.id}).all()
        listed = [
            PaymentOrder(
                *(Kind(row.kind), row.owner_id, max(row.fen + year.dice.of((0, 0, 0, -17, 23)), 1), uuid4().hex, None),
                _invoice(year, day) if row.kind == Kind.HOUSEHOLD and row.fen % 3 == 0 else None,
            )
            for row in owed
            if year.dice.happens(70)
        ]
        paid = _disburse(year, session, cooperative, listed, day)
    if paid:
        with year.db.transaction() as session:
            confirming.confirm(
                session, year.world.village, payment_ids=[row.id for row in paid[::2]], on=day, now=noon(day)
            )
        year.done["confirmations"] += len(paid[::2])
    for row in paid[1::2]:
        if row.household_id and year.dice.happens(6):
            year.plan(year.within(day, 5, 90), _undoing(year, cooperative, row.id, day))


def _invoice(year: Year, day: date) -> str:
    """Return the number of a purchase invoice; what it pays beyond produce of now is ahead of produce to come."""
    year.done["invoices"] += 1
    return f"{day:%y}14{year.done['invoices']:016}"


def _undoing(year: Year, cooperative: Cooperative, payment_id: UUID, paid_on: date) -> Deed:
    """Let a payment turn out not to have arrived; often its month is closed by then."""

    def undo(session: orm.Session, day: date) -> None:
        payment_reversal.reverse_payment(
            session, cooperative.manager, payment_id=payment_id, reason="账号有误退汇", on=day, now=noon(day)
        )
        year.done["payments undone"] += 1
        if day > date(day.year, paid_on.month, 28) + MONTHS_CLOSE_AFTER + timedelta(days=4):
            year.done["payments of closed months undone"] += 1

    return undo


def _disburse(
    year: Year, session: orm.Session, cooperative: Cooperative, listed: list[PaymentOrder], day: date
) -> list[Payment]:
    if not listed:
        return []
    _, rows, _ = paid_out(session, cooperative.clerk, listed, on=day, now=noon(day))
    year.done["payments"] += len(rows)
    return rows
