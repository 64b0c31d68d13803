"""The whole market as a machine of random steps, each compared with the model after it (Hypothesis)."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from datetime import date, timedelta
from functools import partial, wraps
from itertools import count
from typing import Any, TypeVar
from uuid import UUID, uuid4

from hypothesis import HealthCheck, Phase, assume, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import orm
from typing_extensions import override

from market import quantities
from market.attribution import disbursing
from market.attribution.models import Disbursement
from market.attribution.models import Payment as PaymentRow
from market.attribution.rules import (
    AlreadyConfirmedError,
    ForeignContributionError,
    Kind,
    PayeeWithoutTieError,
    PaymentOrder,
    PaymentReferenceTakenError,
    Settlement,
)
from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.clock import business_date
from market.errors import MarketError, TransitionError
from market.identity.rules import Actor
from market.ledger import service as ledger
from market.ledger.rules import Book as LedgerBook
from market.ledger.rules import PeriodClosedError, PeriodOrderError
from market.lots import stock
from market.lots.rules import OutOfStockError
from market.orders import acceptance, changing, placing, returns
from market.orders.rules import LineNotOfOrderError, OrderEvent, OutcomeError, ReturnTooMuchError
from market.payments import service as payments
from market.payments.rules import NotPayableError, OverpaidError, ReceiptTakenError
from tests.market_book import Book, Happened, check_book, check_settled
from tests.market_model import (
    ACCEPTING,
    GIVEN_UP,
    OPEN,
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
from tests.market_world import FIRST_DAY, FIRST_NOON, LAST_DAY, ProductTerms, World, rows
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
    "date_into_a_closed_month",
)

STEPS = {
    *("place", "confirm", "ship", "accept", "decline", "cancel", "expire", "pay", "give_back", "spoil"),
    *("disburse", "disburse_to_all", "confirm_payments", "close_the_month"),
    *("take_a_wrong_step", *UNLAWFUL),
}
"""Everything that can happen."""
GOING_ON = ("placed", "confirmed", *ACCEPTING)

Act = Callable[[orm.Session], Any]


def step(**drawn: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a rule that says which step it is, so that every step that held can be counted."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def take(self: "Market", **arguments: Any) -> None:
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


class Market(RuleBasedStateMachine):
    """Two cooperatives, two buyers and their county, who do whatever comes to their minds."""

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
        given = None if parts is None else [self.quantity(line, milli) for line, milli in parts]
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
            parts=[payments.OrderPart(UUID(order.id), fen) for order, fen in parts],
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
        return lambda session: disbursing.disburse(
            session,
            self.world.suppliers[listed[0].supplier].clerk,
            paid_on=on,
            method="bank_transfer",
            evidence="银行回单",
            payments=orders,
            now=self.now,
        )

    def confirming(self, chosen: Sequence[Payment]) -> Act:
        ids = [UUID(payment.id) for payment in chosen]
        return lambda session: disbursing.confirm(
            session, self.world.county, payment_ids=ids, on=self.today, now=self.now
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

    @initialize(chance=st.integers(0, 2**32))
    def begin(self, chance: int) -> None:
        """Leave out the example that Hypothesis always tries first: the first step over and over."""
        assume(chance)

    # -- from an order to its acceptance ---------------------------------------------------------------------------

    @step(buyer=st.integers(0, 1), wanted=WANTS, hours=HOURS)
    def place(self, buyer: int, wanted: Wants, hours: int) -> None:
        self.wait(hours)
        self.try_to_place(buyer, self.wants(wanted))

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

    @precondition(lambda self: self.orders(*GOING_ON))
    @step(number=ANY, parts=TROUBLE, wrongly=st.booleans())
    def go_on(self, number: int, parts: Parts | None, wrongly: bool) -> None:  # noqa: FBT001 - drawn by name
        """Let happen to an order what comes next, perhaps after what must not."""
        order = of(self.orders(*GOING_ON), number)
        if wrongly:
            self.next("take_a_wrong_step")
            self.mistake(order)
        self.advance(order, number, parts)

    def advance(self, order: Order, number: int, parts: Parts | None) -> None:
        """Confirm, ship or accept an order: whole, or in parts."""
        match order.status:
            case "placed":
                self.next("confirm")
                self.confirm_order(order)
            case "confirmed":
                self.next("ship")
                self.ship(order, [part for part, _ in parts] if parts else None)
            case _:
                self.next("accept")
                self.accept(order, number if parts else 0, parts or [(WHOLE, 0)] * 3, self.ago(number % 4))

    def confirm_order(self, order: Order) -> None:
        self.do(lambda session: changing.confirm(session, self.clerk(order), order_id=UUID(order.id), now=self.now))
        order.status = "confirmed"

    @precondition(lambda self: self.orders(*OPEN))
    @step(number=ANY, how=st.sampled_from(["decline", "cancel", "expire"]))
    def stop(self, number: int, how: str) -> None:
        """Let an order be declined, cancelled by either party, or (with every other that is due) expire."""
        order = of(self.orders(*OPEN), number)
        self.taken = how if order.status == "placed" else "cancel"
        if self.taken == "expire":
            self.expire(order, number)
        elif self.taken == "decline":
            self.do(self.giving_up(order, OrderEvent.DECLINE, self.clerk(order)))
            self.model.release(order, "declined")
        else:
            actor = self.clerk(order) if number % 2 else self.world.buyers[order.buyer].orderer
            self.do(self.giving_up(order, OrderEvent.CANCEL, actor))
            self.model.release(order, "cancelled")

    def expire(self, order: Order, number: int) -> None:
        """Wait until its reservation has run out, or not quite."""
        if business_date(order.reserved_until) <= LAST_DAY:
            self.now = max(self.now, order.reserved_until + timedelta(seconds=number % 2))
        due = [each for each in self.orders("placed") if each.reserved_until < self.now]
        expired = self.do(self.expiring)
        hold(expired == len(due), expired, "orders expired instead of", len(due))
        for each in due:
            self.model.release(each, "expired")

    def expiring(self, session: orm.Session) -> int:
        due = changing.due_orders(session, now=self.now)
        return sum(changing.expire(session, order_id=order_id, now=self.now) for order_id in due)

    def ship(self, order: Order, parts: Sequence[int] | None) -> None:
        """Ship an order whole, or part of each line; something is shipped."""
        if parts is None:
            self.ship_order(order, None)
            return
        shipped = {line.id: line.milli * part // WHOLE for line, part in zip(order.lines, parts, strict=False)}
        shipped[order.lines[0].id] = max(shipped[order.lines[0].id], 1)
        self.ship_order(order, shipped)

    def ship_order(self, order: Order, shipped: dict[str, int] | None) -> None:
        parts = None if shipped is None else [(self.model.lines[key], milli) for key, milli in shipped.items()]
        self.do(self.shipping(order, parts))
        self.model.ship(order, shipped or {line.id: line.milli for line in order.lines}, self.today)

    def accept(self, order: Order, skipped: int, parts: Parts, on: date) -> None:
        """Accept some lines whole or in part, of which the rest was rejected, damaged or short."""
        lines = [line for bit, line in enumerate(order.acceptable) if not skipped >> bit & 1] or order.acceptable
        found = {
            line.id: (accepted := line.shipped * good // WHOLE, (line.shipped - accepted) * rejected // WHOLE)
            for line, (good, rejected) in zip(lines, parts, strict=False)
        }
        self.accept_lines(order, found, max(on, order.shipped_on or on))

    def accept_lines(self, order: Order, found: dict[str, tuple[int, int]], on: date) -> None:
        judged = [self.found(self.model.lines[key], *parts) for key, parts in found.items()]
        self.do(self.accepting(order, judged, on))
        for line_id, (accepted, rejected) in found.items():
            self.model.judge(self.model.lines[line_id], accepted, rejected, on)
        self.model.accept(order, on)
        self.happened = Happened(accepted=dict.fromkeys(found, on))

    def found(self, line: Line, accepted: int, rejected: int) -> acceptance.FoundLine:
        """Say what was found of a line; of what is neither accepted nor rejected, a third is short."""
        lost = line.shipped - accepted - rejected
        short = lost // 3
        judged = (line.shipped - short, accepted, rejected, lost - short, short)
        received, good, bad, damaged, missing = (quantities.text(milli, line.product.unit_milli) for milli in judged)
        return acceptance.FoundLine(UUID(line.id), received, good, bad, damaged, missing, "到货有差异")

    @step(buyer=st.integers(0, 1), wanted=WANTS, hours=HOURS, number=ANY, parts=TROUBLE, permille=AT_ONCE)
    def sell(self, *, buyer: int, wanted: Wants, hours: int, number: int, parts: Parts | None, permille: int) -> None:
        """From an order to its acceptance, with troubles or without; some are paid at once."""
        self.wait(hours)
        self.taken = "place"
        for order in self.try_to_place(buyer, self.wants(wanted)):
            for _ in ("confirm", "ship", "accept"):
                self.advance(order, number, parts)
            if permille and order.payable:
                self.next("pay")
                self.record(order.supplier, [(order, part_of(order.payable, permille))], self.today)

    def next(self, name: str) -> None:
        """End a step of several, and begin the next."""
        if self.taken in STEPS:
            self.everything_holds()
        self.taken = name

    # -- money in, goods back ---------------------------------------------------------------------------------------

    def payable(self) -> list[Order]:
        return [order for order in self.model.orders.values() if order.payable]

    @precondition(lambda self: self.payable())
    @step(number=ANY, permille=st.one_of(st.just(WHOLE), PART), also=st.booleans(), days=DAYS_AGO)
    def pay(self, number: int, permille: int, also: bool, days: int) -> None:  # noqa: FBT001 - drawn by name
        """Pay an order, before or after its goods; perhaps another one of the supplier by the same transfer."""
        first = of(self.payable(), number)
        paying = [order for order in self.payable() if order.supplier == first.supplier and order is not first]
        orders = [first, of(paying, number)] if also and paying else [first]
        on = self.ago(days, *(order.placed_on for order in orders))
        self.record(first.supplier, [(order, part_of(order.payable, permille)) for order in orders], on)

    def record(self, supplier: int, parts: Sequence[tuple[Order, int]], on: date) -> None:
        reference = uuid4().hex
        self.do(self.receiving(supplier, parts, reference, on))
        for order, fen in parts:
            order.paid += fen
        self.model.receipts.append((supplier, reference, parts[0][0]))

    def returnable(self, *, again: bool) -> list[Order]:
        """Return orders of which something can come back; those first and alone of which something has."""
        orders = [
            order for order in self.orders("partly_accepted", "accepted") if any(line.left for line in order.lines)
        ]
        begun = [order for order in orders if any(0 < line.left < line.accepted for line in order.lines)]
        return begun if again and begun else orders

    @precondition(lambda self: self.returnable(again=False))
    @step(
        number=ANY,
        parts=st.lists(st.tuples(MAYBE_PART, st.booleans()), min_size=3, max_size=3),
        how=st.sampled_from(["whole", "first", "again", "again"]),
        days=DAYS_AGO,
    )
    def give_back(self, number: int, parts: list[tuple[int, bool]], how: str, days: int) -> None:
        order = of(self.returnable(again=how == "again"), number)
        coming = [
            (line, line.left if how == "whole" else part_of(line.left, permille // 2), resaleable)
            for line, (permille, resaleable) in zip(order.lines, parts, strict=False)
            if line.left and (permille or how == "whole")
        ]
        if not coming:
            return
        on = self.ago(days, *(line.accepted_on for line, _, _ in coming))
        returned = self.do(self.returning(order, coming, on))
        fallen: dict[str, int] = {}
        for (line, milli, resaleable), (_, row) in zip(coming, returned.lines, strict=True):
            before = line.net(line.left)
            self.model.take_back(line, self.by_lot(str(row.id), milli), resaleable=resaleable)
            fallen[line.id] = before - line.net(line.left)
        self.happened = Happened(returned=fallen)

    def by_lot(self, row_id: str, milli: int) -> dict[str, int]:
        """Read from which lots the returned goods were."""
        ((draws,),) = rows(self.connection, "SELECT draws FROM return_lines WHERE id = %(id)s", {"id": row_id})
        parts = {lot: after - before for lot, before, after, _ in draws}
        hold(sum(parts.values()) == milli, "of", milli, "returned,", parts, "came off lots")
        return parts

    def in_stock(self) -> list[Lot]:
        return [lot for lot in self.model.lots.values() if lot.places["available"]]

    @precondition(lambda self: self.in_stock() and self.spoilages < len(self.model.orders))
    @step(number=ANY, permille=PART)
    def spoil(self, number: int, permille: int) -> None:
        lot = of(self.in_stock(), number)
        # A little at a time, or soon nothing would be left to sell.
        milli = part_of(lot.places["available"], permille // 20 + 1)
        self.do(self.writing_off(lot, milli))
        lot.move("available", "spoiled", milli)
        self.spoilages += 1

    # -- money out --------------------------------------------------------------------------------------------------

    @step(
        supplier=st.integers(0, 1),
        number=ANY,
        how=st.sampled_from(["below", "at", "above", "contribution"]),
        fen=st.integers(1, 9_999),
        days=DAYS_AGO,
    )
    def disburse(self, supplier: int, number: int, how: str, fen: int, days: int) -> None:
        """Pay a payee below, at or above what it is owed, or for a contribution, whether or not it is owed anything."""
        body = self.world.suppliers[supplier]
        made = [
            (contribution, ("household", household))
            for product in self.world.products
            if product.supplier == supplier
            for lot in product.lots
            for contribution, (household, _) in lot.contributions.items()
        ]
        contribution, payee = of(made, number) if how == "contribution" else (None, of(body.payees, number))
        owed = self.book.owed(body.id, payee, contribution, self.model)
        amount = {"below": max(owed * fen // 9_999, 1), "at": max(owed, 1), "above": owed + fen}.get(how, fen)
        payment = Payment("", supplier, payee, amount, contribution, uuid4().hex)
        self.pay_out([payment], self.ago(days))
        before = (owed, self.book.advance(body.id, payee))

        def check() -> None:
            after = self.book.owed(body.id, payee, contribution, self.model), self.book.advance(body.id, payee)
            check_settled(before, after, amount, payee=payee)

        self.settled = check

    def pay_out(self, batch: Sequence[Payment], on: date) -> None:
        _, made, _ = self.do(self.paying_out(batch, on))
        for payment, row in zip(batch, made, strict=True):
            payment.id = str(row.id)
            self.model.payments[payment.id] = payment

    @precondition(lambda self: any(order.paid and order.accepted_on for order in self.model.orders.values()))
    @step(supplier=st.integers(0, 1), days=DAYS_AGO)
    def disburse_to_all(self, supplier: int, days: int) -> None:
        """Pay everybody what is owed, in one batch, twice over to the first so that its second payment is ahead."""
        body = self.world.suppliers[supplier]
        owed = {payee: self.book.owed(body.id, payee, None, self.model) for payee in body.payees}
        batch = [Payment("", supplier, payee, fen, None, uuid4().hex) for payee, fen in owed.items() if fen]
        if not batch:
            return
        batch.append(Payment("", supplier, batch[0].payee, batch[0].fen, None, uuid4().hex))
        self.pay_out(batch, self.ago(days))

        def check() -> None:
            for payee in body.payees:
                left = self.book.owed(body.id, payee, None, self.model)
                hold(left == 0, "payee", payee, "was paid all and is still owed", left)

        self.settled = check

    def unconfirmed(self) -> list[Payment]:
        return [payment for payment in self.model.payments.values() if not payment.confirmed]

    @precondition(lambda self: self.unconfirmed())
    @step(number=ANY, count=st.integers(1, 5))
    def confirm_payments(self, number: int, count: int) -> None:
        waiting = self.unconfirmed()
        start = number % len(waiting)
        chosen = waiting[start : start + count]
        self.do(self.confirming(chosen))
        for payment in chosen:
            payment.confirmed = True

    @precondition(lambda self: self.open_from < self.today.replace(day=1) and self.today.month > FIRST_DAY.month)
    @step()
    def close_the_month(self) -> None:
        """Close the month that is over, for ever."""
        self.do(self.closing(FIRST_DAY))
        self.open_from = self.today.replace(day=1)

    def date_into_a_closed_month(self, number: int, more: int) -> None:
        """Record today what was paid in a month that has been closed; or close it again."""
        if self.open_from > date.min:
            late = Payment("", 0, of(self.world.suppliers[0].payees, number), more, None, uuid4().hex)
            self.refused(PeriodClosedError, self.paying_out([late], self.open_from - timedelta(days=1)))
            self.refused(PeriodOrderError, self.closing(FIRST_DAY))

    # -- what must be refused ---------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.orders)
    @step(number=ANY, more=st.integers(1, 5_000), what=st.sampled_from(UNLAWFUL))
    def be_refused(self, number: int, more: int, what: str) -> None:
        """Do what nobody may do."""
        self.taken = what
        getattr(self, what)(number, more)

    @precondition(lambda self: self.model.orders)
    @step(number=ANY, status=st.integers(0, 7))
    def take_a_wrong_step(self, number: int, status: int) -> None:
        statuses = sorted({order.status for order in self.model.orders.values()})
        self.mistake(of(self.orders(of(statuses, status)), number))

    def mistake(self, order: Order) -> None:
        """Try with an order every event that its status does not allow."""
        lawful = {
            OrderEvent.CONFIRM: ("placed",),
            OrderEvent.DECLINE: ("placed",),
            OrderEvent.EXPIRE: ("placed",),
            OrderEvent.CANCEL: OPEN,
            OrderEvent.SHIP: ("confirmed",),
            OrderEvent.ACCEPT_SOME: ACCEPTING,
            OrderEvent.ACCEPT_ALL: ACCEPTING,
            OrderEvent.RETURN: ("partly_accepted", "accepted"),
        }
        for event, allowing in lawful.items():
            if order.status not in allowing:
                self.refused(TransitionError, self.event(order, event))

    def event(self, order: Order, event: OrderEvent) -> Act:
        match event:
            case OrderEvent.CONFIRM:
                return lambda session: changing.confirm(
                    session, self.clerk(order), order_id=UUID(order.id), now=self.now
                )
            case OrderEvent.SHIP:
                return self.shipping(order, None)
            case OrderEvent.ACCEPT_SOME:
                return self.accepting(order, [self.found(order.lines[0], order.lines[0].shipped, 0)])
            case OrderEvent.ACCEPT_ALL:
                return self.accepting(order, [self.found(line, line.shipped, 0) for line in order.lines])
            case OrderEvent.RETURN:
                return self.returning(order, [(line, 1, True) for line in order.lines])
            case _:
                return self.giving_up(order, event, self.clerk(order))

    def name_a_foreign_line(self, number: int, _: int) -> None:
        """Deal with a line of another order, or judge one that was judged."""
        order = of(list(self.model.orders.values()), number)
        lines = [line for line in self.model.lines.values() if line.order is not order]
        if order.status in ACCEPTING:
            lines += [line for line in order.lines if line.judged]
        if not lines:
            return
        foreign = of(lines, number)
        match order.status:
            case "confirmed":
                self.refused(LineNotOfOrderError, self.shipping(order, [(foreign, 1)]))
            case "shipped" | "partly_accepted":
                found = self.found(foreign, foreign.shipped, 0)
                self.refused(LineNotOfOrderError, self.accepting(order, [found]))
            case "accepted":
                self.refused(LineNotOfOrderError, self.returning(order, [(foreign, 1, True)]))
            case _:
                self.refused(TransitionError, self.accepting(order, []))

    def ask_too_much(self, number: int, more: int) -> None:
        """Ship, accept, return or write off more than there is."""
        order = of(list(self.model.orders.values()), number)
        line = of(order.lines, number)
        lot = of(list(self.model.lots.values()), number)
        self.refused(OutOfStockError, self.writing_off(lot, lot.places["available"] + more))
        match order.status:
            case "confirmed":
                self.refused(LineNotOfOrderError, self.shipping(order, [(line, line.milli + more)]))
            case "shipped":
                line = of(order.acceptable, number)
                _, text = self.quantity(line, line.shipped + more)
                found = self.found(line, line.shipped, 0)._replace(received=text, accepted=text)
                self.refused(OutcomeError, self.accepting(order, [found]))
            case "partly_accepted" | "accepted":
                self.refused(ReturnTooMuchError, self.returning(order, [(line, line.left + more, True)]))
            case _:
                return

    def overpay(self, number: int, more: int) -> None:
        order = of(list(self.model.orders.values()), number)
        parts = [(order, order.payable + more)]
        refusal = NotPayableError if order.status in GIVEN_UP else OverpaidError
        self.refused(refusal, self.receiving(order.supplier, parts, uuid4().hex, self.today))

    def use_a_reference_twice(self, number: int, _: int) -> None:
        """Use a bank line again, in or out, and confirm a payment again."""
        if self.model.receipts:
            supplier, reference, order = of(self.model.receipts, number)
            self.refused(ReceiptTakenError, self.receiving(supplier, [(order, 1)], reference, self.today))
        if self.model.payments:
            used = of(list(self.model.payments.values()), number)
            again = Payment("", used.supplier, used.payee, 1, None, used.reference)
            self.refused(PaymentReferenceTakenError, self.paying_out([again], self.today))
            if used.confirmed:
                self.refused(AlreadyConfirmedError, self.confirming([used]))

    def pay_a_stranger(self, number: int, _: int) -> None:
        """Pay one who has no tie with the second supplier, or for a contribution that the payee did not make."""
        first, second = self.world.suppliers
        stranger = next(payee for payee in first.payees if payee not in second.payees)
        to_stranger = Payment("", 1, stranger, 100, None, uuid4().hex)
        self.refused(PayeeWithoutTieError, self.paying_out([to_stranger], self.today))
        contribution, (lot, _fen) = of(list(self.model.owed_by_lot.items()), number)
        maker, _fen = lot.terms.contributions[contribution]
        other = next(payee for payee in second.payees if payee[1] != maker)
        misled = Payment("", lot.product.supplier, other, 100, contribution, uuid4().hex)
        self.refused(ForeignContributionError, self.paying_out([misled], self.today))

    def order_beyond_stock(self, number: int, more: int) -> None:
        terms = of(self.world.products, number)
        left = sum(lot.places["available"] for lot in self.model.shelf(terms, self.today))
        hold(not self.try_to_place(number % 2, [(terms, (left // 100 + more) * 100)]), "more was placed than there is")

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


EXAMPLE = 50
"""Steps from the opening of a market to its end."""


def play(
    world: World,
    *,
    steps: int,
    chance: int,
    phases: Collection[Phase] = (Phase.generate, Phase.shrink),
    audited: bool = True,
) -> Counter[str]:
    """Play markets until so many steps have held, each audited at its end; return how often each was taken.

    A run is asked for one example, because Hypothesis would spend most others on small changes of it.
    """
    fired: Counter[str] = Counter()
    chosen = settings(
        max_examples=1,
        stateful_step_count=EXAMPLE + 1,
        phases=phases,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    for number in count(chance):
        market = seed(number)(partial(Market, world, fired, audited=audited))
        run_state_machine_as_test(market, settings=chosen)  # type: ignore[arg-type]
        world.sweep()
        if fired.total() >= steps:
            return fired
    raise AssertionError("unreachable")
