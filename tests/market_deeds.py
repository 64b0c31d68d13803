"""Who is in the random market, what they may try, lawful or not, and what is looked at after each step."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import date, timedelta
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
)
from sqlalchemy import orm
from typing_extensions import override

from market import quantities
from market.attribution import confirming
from market.attribution.models import Disbursement
from market.attribution.models import Payment as PaymentRow
from market.attribution.rules import (
    Kind,
    PaymentOrder,
    Settlement,
)
from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.clock import business_date
from market.errors import MarketError
from market.identity.rules import Actor
from market.ledger import service as ledger
from market.ledger.rules import Book as LedgerBook
from market.lots import stock
from market.lots.rules import OutOfStockError
from market.orders import acceptance, changing, placing, price_cutting, returns
from market.orders.models import PriceCut
from market.orders.rules import OrderEvent
from market.payments import service as payments
from market.payments.rules import OrderPart
from tests.market_book import Book, Happened, check_book
from tests.market_model import (
    ACCEPTING,
    BrokenInvariantError,
    Line,
    Lot,
    Model,
    Order,
    Payment,
    check_orders,
    check_payments,
    check_stock,
    facts_of,
    hold,
)
from tests.market_world import FIRST_NOON, LAST_DAY, ProductTerms, World
from tests.money_out import paid_out
from tests.story import ALL_EVIDENCE

T = TypeVar("T")
WHOLE = 1_000
ANY = st.integers(0, 2**16 - 1)
PART = st.integers(1, WHOLE)
MAYBE_PART = st.one_of(st.just(WHOLE), st.integers(0, WHOLE))
HOURS = st.integers(0, 20)
TROUBLE = st.one_of(st.none(), st.lists(st.tuples(MAYBE_PART, MAYBE_PART), min_size=3, max_size=3))
AT_ONCE = st.sampled_from([0, 0, 333, 500, WHOLE])
Wants = list[tuple[int, int]]
Parts = list[tuple[int, int]]
"""For each line how many thousandths are shipped or good, and how many of the rest are rejected."""
DAYS_AGO = st.integers(0, 3)
HALF_THE_SHELF = 50
WANTS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, HALF_THE_SHELF)), min_size=1, max_size=3)

UNLAWFUL = (
    "name_a_foreign_line",
    "ask_too_much",
    "overpay",
    "use_a_reference_twice",
    "pay_a_stranger",
    "order_beyond_stock",
    "close_a_closed_month",
)

STEPS = {
    *("place", "confirm", "ship", "accept", "decline", "cancel", "expire", "pay", "give_back", "cut_price", "spoil"),
    *("disburse", "disburse_to_all", "confirm_payments", "close_the_month", "annul"),
    *("take_a_wrong_step", *UNLAWFUL),
}
"""Everything that can happen."""
GOING_ON = ("placed", "confirmed", *ACCEPTING)

Act = Callable[[orm.Session], Any]


def step(**drawn: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a rule that says which step it is, so that every step that held can be counted."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def take(self: "Deeds", **arguments: Any) -> None:
            self.taken = function.__name__
            function(self, **arguments)

        made: Callable[..., None] = rule(**drawn)(take)  # type: ignore[call-overload]
        return made

    return decorate


def of(options: Sequence[T], number: int) -> T:
    return options[number % len(options)]


def part_of(whole: int, permille: int) -> int:
    """Return at least one of a whole that is above zero."""
    return max(whole * permille // WHOLE, 1)


class Deeds(RuleBasedStateMachine):
    """Two cooperatives, two buyers and a village, who do whatever comes to their minds."""

    def __init__(self, world: World, fired: Counter[str], *, audited: bool) -> None:
        """Open the market; `fired` counts the steps after which everything held."""
        super().__init__()
        self.world, self.fired, self.audited = world, fired, audited
        self.exits = ExitStack()
        self.connection = self.exits.enter_context(world.entered())
        self.sessions = orm.sessionmaker(
            self.connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        )
        self.now, self.spoilages, self.open_from = FIRST_NOON, 0, date.min
        self.model, self.book = Model(world), Book(self.connection)
        self.happened = Happened()
        self.settled: Callable[[], None] | None = None
        self.taken: str | None = None

    @override
    def teardown(self) -> None:
        with self.exits:
            # A step that failed says more than the book does after it.
            if self.taken is None:
                self.book.recount()
                if self.audited:
                    self.audit()

    def audit(self) -> None:
        """Hold that the auditor finds nothing either: all follows from the facts, and all is in good health."""
        with self.sessions() as session:
            found = verify(session)
            hold(not found.findings, "verification finds", found.findings)
            hold(not (symptoms := examine(session)), "the doctor finds", symptoms)

    @property
    def today(self) -> date:
        return business_date(self.now)

    def do(self, act: Callable[[orm.Session], T]) -> T:
        """Do what must be possible now."""
        with self.sessions.begin() as session:
            return act(session)

    def refused(self, refusal: type[MarketError], act: Act) -> None:
        """Hold that a step is refused for that reason; that it changed nothing is seen by the invariants."""
        try:
            self.do(act)
        except refusal:
            return
        raise BrokenInvariantError(f"{self.taken} was not refused with {refusal.__name__}")

    # -- what may be tried, lawful or not ---------------------------------------------------------------------------

    def shipping(self, order: Order, parts: Sequence[tuple[Line, int]] | None) -> Act:
        given = None if parts is None else [changing.Shipped(*self.quantity(line, milli)) for line, milli in parts]
        return lambda session: changing.ship(
            session, self.clerk(order), order_id=UUID(order.id), quantities=given, shipped_on=self.today, now=self.now
        )

    def accepting(self, order: Order, found: Sequence[acceptance.FoundLine], on: date | None = None) -> Act:
        report = acceptance.Report(found, ALL_EVIDENCE, on or self.today)
        receiver = self.world.buyers[order.buyer].receiver
        return lambda session: acceptance.accept(
            session, receiver, order_id=UUID(order.id), report=report, now=self.now
        )

    def returning(
        self, order: Order, coming: Sequence[tuple[Line, int, bool]], on: date | None = None
    ) -> Callable[[orm.Session], returns.Returned]:
        lines = [returns.ComesBack(*self.quantity(line, milli), resaleable) for line, milli, resaleable in coming]
        claim = returns.Claim(lines, "品质不符", on or self.today)
        receiver = self.world.buyers[order.buyer].receiver
        return lambda session: returns.take_back(session, receiver, order_id=UUID(order.id), claim=claim, now=self.now)

    def offering(self, line: Line, fen: int, on: date) -> Callable[[orm.Session], PriceCut]:
        cut = price_cutting.Offer([returns.IsCut(UUID(line.id), fen)], "果径偏小", on, "折让协议")
        order = line.order
        return lambda session: price_cutting.offer(
            session, self.clerk(order), order_id=UUID(order.id), offered=cut, now=self.now
        )

    def agreeing(self, line: Line, offered: PriceCut) -> Act:
        receiver = self.world.buyers[line.order.buyer].receiver
        return lambda session: price_cutting.accept(session, receiver, price_cut_id=offered.id, now=self.now)

    def parting(self, line: Line, offered: PriceCut, *, declined: bool) -> Act:
        """Let an offer come to nothing: the buyer declines it, or the supplier takes it back."""
        receiver, clerk = self.world.buyers[line.order.buyer].receiver, self.clerk(line.order)
        if declined:
            return lambda session: price_cutting.decline(
                session, receiver, price_cut_id=offered.id, reason="与协议不符", now=self.now
            )
        return lambda session: price_cutting.withdraw(session, clerk, price_cut_id=offered.id, now=self.now)

    def giving_up(self, order: Order, event: OrderEvent, actor: Actor) -> Act:
        return lambda session: changing.give_up(
            session, actor, order_id=UUID(order.id), event=event, reason="计划变更", now=self.now
        )

    def receiving(self, supplier: int, parts: Sequence[tuple[Order, int]], reference: str, on: date) -> Act:
        return lambda session: payments.record(
            session,
            self.world.suppliers[supplier].clerk,
            bank_reference=reference,
            payer_name="财政支付中心",
            amount_fen=sum(fen for _, fen in parts),
            received_on=on,
            parts=[OrderPart(UUID(order.id), fen) for order, fen in parts],
            now=self.now,
        )

    def writing_off(self, lot: Lot, milli: int) -> Act:
        clerk = self.world.suppliers[lot.product.supplier].clerk
        return lambda session: stock.record_spoilage(
            session, clerk, lot_id=UUID(lot.terms.id), quantity_milli=milli, reason="受潮霉变", now=self.now
        )

    def paying_out(
        self, listed: Sequence[Payment], on: date
    ) -> Callable[[orm.Session], tuple[Disbursement, list[PaymentRow], list[Settlement]]]:
        orders = [
            PaymentOrder(
                Kind(each.payee[0]),
                UUID(each.payee[1]),
                each.fen,
                each.reference,
                UUID(each.contribution) if each.contribution else None,
            )
            for each in listed
        ]
        clerk = self.world.suppliers[listed[0].supplier].clerk
        return lambda session: paid_out(session, clerk, orders, on=on, now=self.now)

    def confirming(self, chosen: Sequence[Payment]) -> Act:
        ids = [UUID(payment.id) for payment in chosen]
        return lambda session: confirming.confirm(
            session, self.world.village, payment_ids=ids, on=self.today, now=self.now
        )

    def quantity(self, line: Line, milli: int) -> tuple[UUID, str]:
        return UUID(line.id), quantities.text(milli, line.product.unit_milli)

    def orders(self, *statuses: str) -> list[Order]:
        return [order for order in self.model.orders.values() if order.status in statuses]

    def clerk(self, order: Order) -> Actor:
        return self.world.suppliers[order.supplier].clerk

    def closing(self, month: date) -> Act:
        clerk = self.world.suppliers[0].clerk
        return lambda session: ledger.close_month(
            session, LedgerBook.ATTRIBUTION, month=month, closed_by=clerk.member_id, today=self.today
        )

    def ago(self, days: int, *facts: date | None) -> date:
        """Return a day that many days ago: after what it follows from, and in a month that is open."""
        return max(self.today - timedelta(days=days), self.open_from, *filter(None, facts))

    def wait(self, hours: int) -> None:
        if business_date(self.now + timedelta(hours=hours)) <= LAST_DAY:
            self.now += timedelta(hours=hours)

    def wants(self, wanted: Sequence[tuple[int, int]]) -> list[tuple[ProductTerms, int]]:
        """Return products and milli-units: so many hundred grams, or half of what is left on the shelf."""
        wants = []
        for product, tenths in wanted:
            terms = self.world.products[product]
            left = sum(lot.places["available"] for lot in self.model.shelf(terms, self.today))
            wants.append((terms, max(left // 200, 1) * 100 if tenths == HALF_THE_SHELF else tenths * 100))
        return wants

    def try_to_place(self, buyer: int, wants: list[tuple[ProductTerms, int]]) -> list[Order]:
        """Place if there is stock; hold that the market refuses if there is none."""
        drawn = self.model.draws(wants, self.today)
        lines = [
            placing.WantedLine(UUID(p.id), quantities.text(milli, p.unit_milli), p.unit, None) for p, milli in wants
        ]
        request = placing.Request("canteen", None, 30, lines)
        until = self.now + timedelta(hours=72)

        def act(session: orm.Session) -> placing.PlacedGroup:
            orderer = self.world.buyers[buyer].orderer
            return placing.place(session, orderer, request=request, on=self.today, now=self.now, reserved_until=until)

        if drawn is None:
            self.refused(OutOfStockError, act)
            return []
        return self.model.place(self.do(act), wants, drawn, buyer=buyer, on=self.today)

    def found(self, line: Line, accepted: int, rejected: int) -> acceptance.FoundLine:
        """Say what was found of a line; of what is neither accepted nor rejected, a third is short."""
        lost = line.shipped - accepted - rejected
        short = lost // 3
        judged = (line.shipped - short, accepted, rejected, lost - short, short)
        received, good, bad, damaged, missing = (quantities.text(milli, line.product.unit_milli) for milli in judged)
        return acceptance.FoundLine(UUID(line.id), received, good, bad, damaged, missing, "到货有差异")

    def next(self, name: str) -> None:
        """End a step of several, and begin the next."""
        if self.taken in STEPS:
            self.everything_holds()
        self.taken = name

    # -- after each step --------------------------------------------------------------------------------------------

    @invariant()
    def everything_holds(self) -> None:
        facts = facts_of(self.connection)
        check_stock(self.model, facts)
        check_orders(self.model, facts)
        check_payments(self.model, facts)
        changes = self.book.read()
        check_book(self.model, self.book, changes, facts, self.happened)
        if self.settled is not None:
            self.settled()
        if self.taken is not None:
            self.fired[self.taken] += 1
        self.happened, self.settled, self.taken = Happened(), None, None
