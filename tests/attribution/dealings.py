"""A supplier, its households and its buyer dealing by chance for two months, of which the first may be closed."""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import orm

from market.attribution import confirming
from market.attribution.models import Payment
from market.attribution.payment_reversal import reverse_payment
from market.households.models import Household
from market.identity.rules import OrganisationKind, Role, Scope
from market.ledger import service as ledger
from market.ledger.rules import Book
from market.livelihoods.rules import Window
from market.orders.models import Order
from tests import factories
from tests.story import NOON, Story
from tests.year.dice import Dice

CLOSED, OPEN = Window(date(2026, 1, 1), date(2026, 3, 31)), Window(date(2026, 4, 1), date(2026, 12, 31))
FIFTH, NINTH = date(2026, 3, 5), date(2026, 3, 9)
DAYS = [date(2026, 3, 2) + timedelta(days=4 * step) for step in range(16)]


def reverse(story: Story, payment_id: UUID, *, on: date) -> None:
    manager = factories.actor(story.session, factories.member(story.session, story.supplier, Role.SUPPLIER_MANAGER))
    reverse_payment(story.session, manager, payment_id=payment_id, reason="重复付款", on=on, now=NOON)


def confirm(session: orm.Session, payment_id: UUID, *, on: date, now: datetime = NOON) -> None:
    office = factories.organisation(session, kind=OrganisationKind.VILLAGE_OFFICE)
    clerk = factories.actor(session, factories.member(session, office, Role.VILLAGE_CLERK), Scope.ALL)
    confirming.confirm(session, clerk, payment_ids=[payment_id], on=on, now=now)


def close_march(session: orm.Session) -> None:
    member = factories.member(session, factories.organisation(session))
    ledger.close_month(session, Book.ATTRIBUTION, month=FIFTH, closed_by=member.id, today=date(2026, 5, 1))


class Dealings:
    """Deeds drawn by chance, each of a day no earlier than its order's; some months are closed on the way."""

    def __init__(self, session: orm.Session, seed: int) -> None:
        """Let three households deliver, of whom one is owed more than sales bring."""
        self.session, self.dice, self.story = session, Dice(seed), Story(session)
        self.households = [self.story.household(head_count=2) for _ in range(3)]
        amounts = {each.id: fen for each, fen in zip(self.households, (300_000, 200_000, 900_000), strict=True)}
        self.story.lot(1_000_000, amounts)
        self.orders: list[Order] = []
        self.slips: list[tuple[UUID, UUID, date, int]] = []
        self.is_closed = False

    def day(self, since: date = DAYS[0]) -> date:
        return self.dice.of([day for day in DAYS if day >= since] or [since])

    def act(self) -> None:
        often = (self.sell, self.paid, self.disburse, self.back)
        self.dice.of([*often, *often, self.cut, self.reverse, self.confirm, self.close])()

    def sell(self) -> None:
        self.orders.append(self.story.sell(str(1 + self.dice.below(20)), on=self.day()))

    def _accepted_on(self, order: Order) -> date:
        (line,) = self.story.lines(order)
        assert line.accepted_on is not None
        return line.accepted_on

    def paid(self) -> None:
        for order in self.orders[-2:]:
            (line,) = self.story.lines(order)
            due = line.accepted_fen - line.returned_fen - line.paid_fen
            if due > 0:
                part = self.dice.of([due, max(due // 3, 1)])
                self.story.pay(order, part, on=self.day(self._accepted_on(order)))

    def disburse(self) -> None:
        household, on = self.dice.of(self.households), self.day()
        fen = self.dice.of([1_000, 7_777, 20_000])
        (slip,) = self.story.disburse({household.id: fen}, on=on)
        self.slips.append((slip, household.id, on, fen))

    def back(self) -> None:
        if not self.orders:
            return
        order = self.dice.of(self.orders)
        (line,) = self.story.lines(order)
        left = (line.accepted_milli - line.returned_milli) // 1_000
        if left:
            quantity = self.dice.of([left, max(left // 2, 1)])
            self.story.give_back(order, str(quantity), on=self.day(self._accepted_on(order)))

    def cut(self) -> None:
        for order in self.orders[-2:]:
            (line,) = self.story.lines(order)
            if (left := line.accepted_fen - line.returned_fen) > 1:
                self.story.cut(order, self.dice.of([1, left // 3 or 1]), on=self.day(self._accepted_on(order)))

    def return_all(self) -> None:
        for order in self.orders:
            (line,) = self.story.lines(order)
            if left := (line.accepted_milli - line.returned_milli) // 1_000:
                self.story.give_back(order, str(left), on=DAYS[-1])

    def reverse(self) -> None:
        for slip, _, on, _ in self.slips[-1:]:
            payment = self.session.get_one(Payment, slip)
            if payment.confirmed_at is None and payment.reversed_at is None:
                reverse(self.story, slip, on=self.day(on))

    def confirm(self) -> None:
        for slip, _, on, _ in self.slips[:1]:
            payment = self.session.get_one(Payment, slip)
            if payment.confirmed_at is None and payment.reversed_at is None:
                confirm(self.session, slip, on=self.day(on))

    def close(self) -> None:
        if self.dice.happens(30) and not self.is_closed:
            self.is_closed = True
            close_march(self.session)

    def paid_in(self, household: Household, window: Window) -> int:
        """Return what payments that were not reversed came to."""
        return sum(
            fen
            for slip, owner, on, fen in self.slips
            if owner == household.id
            and window.begin <= on <= window.end
            and self.session.get_one(Payment, slip).reversed_at is None
        )
