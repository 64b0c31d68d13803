"""A long history of one supplier, the same for the same seed: everything that can happen to the book, in any order."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import TypeVar
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import orm

from market.annulments import deciding
from market.attribution import confirming
from market.attribution.rules import Kind, PaymentOrder
from market.benefits.holdings import Holding, Listed, RegisterBody, Source
from market.benefits.rules import Mechanism, RegisterKind
from market.clock import business_date
from market.distributions import collective_queries, giving_on, proposing, queries
from market.distributions.listing import Dividend, Formula, Patronage
from market.distributions.rules import Counted, Period
from market.errors import MarketError
from market.households.models import Household
from market.households.rules import HouseholdStatus
from market.identity.models import Organisation
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.lots import opening, registering
from market.lots.models import Contribution, Lot
from market.orders import price_cutting, returns
from market.orders.models import Order
from market.quantities import MeasuredIn
from tests import factories
from tests.money_out import paid_out
from tests.story import NOON, TODAY, Story

Item = TypeVar("Item")
YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))
STATUSES = (HouseholdStatus.REGISTERED_POOR, HouseholdStatus.MARGINAL, HouseholdStatus.ORDINARY)


@dataclass
class Walk:
    """Steps chosen by a hash of seed and number."""

    session: orm.Session
    seed: int
    consigning: bool = False
    cutting: bool = False
    invoicing: bool = False
    annulling: bool = False
    households: list[Household] = field(init=False)
    collective: Organisation = field(init=False)
    story: Story = field(init=False)
    village: Actor = field(init=False)
    manager: Actor = field(init=False)
    reviewer: Actor = field(init=False)
    keeper: Actor = field(init=False)
    contributions: list[Contribution] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    payments: list[UUID] = field(default_factory=list)
    given: list[UUID] = field(default_factory=list)
    shared_out: list[UUID] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    _draws: int = 0

    def __post_init__(self) -> None:
        """Bring together households of every status, a collective, a supplier with three pools (one kept), and lots."""
        session = self.session
        self.households = [factories.household(session, status=STATUSES[number % 3]) for number in range(6)]
        self.collective = factories.organisation(session, kind=OrganisationKind.VILLAGE_COLLECTIVE)
        self.story = Story(
            session,
            pools=[
                (
                    Mechanism.SHARE_DIVIDEND,
                    777,
                    [(household.id, 3 * weight + 1) for weight, household in enumerate(self.households)],
                ),
                (Mechanism.COLLECTIVE_DIVIDEND, 333, [(self.collective.id, 1)]),
                (Mechanism.PATRONAGE, 511, None),
            ],
            tax_bp=900,
            price_fen=733,
        )
        for household in self.households:
            factories.enrolment(session, self.story.supplier, household)
        office = factories.organisation(session, kind=OrganisationKind.VILLAGE_OFFICE)
        self.village = factories.actor(session, factories.member(session, office, Role.VILLAGE_CLERK), Scope.ALL)
        county = factories.organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT)
        self.reviewer = factories.actor(session, factories.member(session, county, Role.COUNTY_REVIEWER), Scope.REGION)
        self.keeper = factories.actor(session, factories.member(session, self.collective))
        manager = factories.member(session, self.story.supplier, Role.SUPPLIER_MANAGER)
        self.manager = factories.actor(session, manager)
        # The second lot releases more than it brings: it is topped up.
        for quantity_milli, fen_per_kg in ((90_000, 300), (60_000, 900), (70_000, 640)):
            self.stock(quantity_milli, fen_per_kg)
        if self.consigning:
            self.consign()

    def stock(self, quantity_milli: int, fen_per_kg: int) -> None:
        """Open a lot to which every household contributed; the rest of its quantity was bought in."""
        whole = quantity_milli // 1_000 * fen_per_kg
        amounts = {
            household.id: whole * (number + 1) // 21 + number for number, household in enumerate(self.households)
        }
        lot, contributions = self.story.lot(quantity_milli, amounts)
        lot.opened_at = NOON  # when all lists are proposed: then each says itself which lots it counted
        self.contributions += contributions

    def consign(self) -> None:
        """Open a lot mostly consigned, at basis points of two versions of a plan."""
        early, late = self.households[:4], self.households[4:]
        lot, consigned = self.story.consign(
            80_000, {household.id: 7_777 + number for number, household in enumerate(early)}, others_milli=24_195
        )
        consigned += [
            factories.contribution(self.session, lot, household, measure_milli=12_345 + number, proceeds_bp=8_000)
            for number, household in enumerate(late)
        ]
        self.contributions += consigned

    def number(self, bound: int) -> int:
        """Return the next number below a bound."""
        self._draws += 1
        return int.from_bytes(sha256(f"{self.seed}:{self._draws}".encode()).digest()[:8]) % bound

    def one(self, items: Sequence[Item]) -> Item:
        """Return the next one of several."""
        return items[self.number(len(items))]

    def day(self) -> date:
        """Return a day of six weeks."""
        return TODAY + timedelta(days=self.number(40))

    def step(self) -> None:
        """Do one thing, or have it refused."""
        step = self.one(
            [
                *(self.sell, self.sell, self.prepay, self.pay, self.pay, self.give_back, self.give_back),
                *(self.disburse, self.confirm, self.move_on, self.share_out, self.give_on, self.confirm_given),
                *([self.cut_price] if self.cutting else []),
                *([self.annul, self.share_out, self.annul_contribution] if self.annulling else []),
            ]
        )
        try:
            with self.session.begin_nested():
                step()
            self.taken[step.__name__] += 1
        except MarketError:
            self.refused += 1

    def sell(self) -> None:
        """Sell one to three lines, some of them short or damaged."""
        order = self.story.place(*(str(1 + self.number(9)) for _ in range(1 + self.number(3))))
        self.orders.append(order)
        self.story.deliver(order)
        self._accept(order)

    def _accept(self, order: Order) -> None:
        lines = self.story.lines(order)
        found = {}
        for line in lines:
            whole = line.shipped_milli // 1_000
            if self.number(3) == 0 and whole:
                short = self.number(whole + 1)
                found[line.position] = {
                    "short": str(short),
                    "received": str(whole - short),
                    "accepted": str(whole - short),
                }
        self.story.accept(order, found=found, on=self.day())

    def prepay(self) -> None:
        """Sell an order that is paid, perhaps in part, before it is accepted."""
        order = self.story.place(str(1 + self.number(20)), str(1 + self.number(9)))
        self.orders.append(order)
        self.story.pay(order, 1 + self.number(order.amount_fen), on=self.day())
        self.story.deliver(order)
        self._accept(order)

    def pay(self) -> None:
        """Pay something of an order."""
        order = self.one(self.orders or [self.story.place("1")])
        self.story.pay(order, 1 + self.number(order.amount_fen), on=self.day())

    def give_back(self) -> None:
        """Return something of an order, down to the gram."""
        if not self.orders:
            return
        order = self.one(self.orders)
        line = self.one(self.story.lines(order))
        left = line.accepted_milli - line.returned_milli
        milli = self.one([left, 1 + self.number(max(left, 1)), 1 + self.number(7)])
        self.session.refresh(order)
        on = (order.accepted_on or TODAY) + timedelta(days=self.number(9))
        back = returns.ComesBack(line.id, f"{milli // 1_000}.{milli % 1_000:03d}", bool(self.number(3)))
        claim = returns.Claim([back], "品质不符", on)
        returns.take_back(self.session, self.story.receiver, order_id=order.id, claim=claim, now=NOON)

    def cut_price(self) -> None:
        """Take off a part of the price of something accepted, sometimes all but a fen."""
        if not self.orders:
            return
        order = self.one(self.orders)
        line = self.one(self.story.lines(order))
        left = line.accepted_fen - line.returned_fen
        fen = self.one([1 + self.number(max(left, 1)), 1 + self.number(9), max(left - 1, 1)])
        self.session.refresh(order)
        on = (order.accepted_on or TODAY) + timedelta(days=self.number(9))
        cut = price_cutting.Offer([returns.IsCut(line.id, fen)], "果径偏小", on, "折让协议")
        made = price_cutting.offer(self.session, self.manager, order_id=order.id, offered=cut, now=NOON)
        price_cutting.accept(self.session, self.story.receiver, price_cut_id=made.id, now=NOON)

    def annul_contribution(self) -> None:
        """Find out that a household never gave what it is on record of, perhaps after others have."""
        subject = deciding.Subject(contribution_id=self.one(self.contributions).id)
        made, _ = deciding.propose(
            self.session, self.manager, subject=subject, reason="未交售", evidence="审计报告", now=NOON
        )
        on = self.noon()
        deciding.approve(
            self.session, self.reviewer, annulment_id=made.id, opinion="属实", on=business_date(on), now=on
        )

    def move_on(self) -> None:
        """Make a lot of part of another; it takes its part of the contributions along."""
        lots = self.session.scalars(
            sa.select(Lot).where(Lot.supplier_id == self.story.supplier.id).execution_options(populate_existing=True)
        ).all()
        if not (lots := [lot for lot in lots if lot.available_milli > 1_000]):
            self.stock(20_000, 500)
            return
        lot = self.one(lots)
        milli = 1 + self.number(lot.available_milli // 2)
        made = registering.register_lot(
            self.session,
            self.story.clerk,
            product_id=self.story.product.id,
            quantity_milli=milli,
            measured_in=MeasuredIn.KG,
            produced_on=TODAY,
            expires_on=None,
            origin_code=lot.origin_code,
            inputs=[(lot.id, milli)],
            now=NOON,
        )
        if self.number(3) == 0:
            opening.discard(self.session, self.story.clerk, lot_id=made.id)
        else:
            opening.open_lot(self.session, self.manager, lot_id=made.id, now=NOON)

    def disburse(self) -> None:
        """Pay households and the collective, sometimes for one contribution or by invoice, too little or too much."""
        orders = []
        for _ in range(1 + self.number(3)):
            given = self.one(self.contributions)
            tied = given.id if self.number(2) else None
            fen = 1 + self.number(3_000)
            invoice = f"2614{self._draws:016}" if self.invoicing and fen % 2 else None
            orders.append(PaymentOrder(Kind.HOUSEHOLD, given.household_id, fen, uuid4().hex, tied, invoice))
        orders.append(PaymentOrder(Kind.COLLECTIVE, self.collective.id, 1 + self.number(300), uuid4().hex, None))
        _, rows, _ = paid_out(self.session, self.story.clerk, orders, on=self.day(), now=NOON)
        self.payments += [row.id for row in rows]

    def confirm(self) -> None:
        """Confirm some payments."""
        chosen = {self.one(self.payments) for _ in range(3)} if self.payments else set()
        if chosen:
            confirming.confirm(self.session, self.village, payment_ids=sorted(chosen), on=TODAY, now=NOON)

    def noon(self) -> datetime:
        """Return noon of a day."""
        return datetime.combine(self.day(), time(4), tzinfo=UTC)

    def share_out(self) -> None:
        """Share out what stands recognised for a year, by volume (once) or by shares, these also of a few weeks of it.

        Sometimes it is more than there is.
        """
        supplier_id, by_volume = self.story.supplier.id, self.number(2)
        mechanism = Mechanism.PATRONAGE if by_volume else Mechanism.SHARE_DIVIDEND
        begin, end = sorted((self.day(), self.day()))
        weeks = [Period(begin, end), Period(YEAR.begins_on, end), Period(begin, YEAR.ends_on)]
        period = YEAR if by_volume else self.one([YEAR, *weeks])
        standing = sum(fund.fen for fund in queries.funds(self.session, supplier_id, mechanism, period))
        fen = 1 + self.number(standing + standing // 4 + 1)
        counted = Counted.VOLUME if self.consigning else self.one(list(Counted))  # what is consigned has no value yet
        formula: Formula = Patronage(fen, 10_000, counted)
        if not by_volume:
            rows = tuple(Holding(str(each.id), own_fen=1 + self.number(9)) for each in self.households)
            body = RegisterBody(RegisterKind.SHARES, rows)
            version = factories.register_version(self.session, self.story.supplier, body)
            formula = Dividend(version.id, fen, (Source.OWN,))
        made, _ = proposing.propose(
            self.session, self.story.clerk, formula=formula, period=period, evidence="成员大会决议", now=NOON
        )
        on = self.noon()
        proposing.approve(
            self.session, self.reviewer, distribution_id=made.id, opinion="同意", on=business_date(on), now=on
        )
        self.shared_out.append(made.id)

    def annul(self) -> None:
        """Annul what was shared out, unless its collective has given on what it got of it."""
        if not self.shared_out:
            self.share_out()
            return
        subject, on = deciding.Subject(self.one(self.shared_out)), self.noon()
        made, _ = deciding.propose(
            self.session, self.manager, subject=subject, reason="名单有误", evidence="审计报告", now=NOON
        )
        deciding.approve(
            self.session, self.reviewer, annulment_id=made.id, opinion="属实", on=business_date(on), now=on
        )

    def give_on(self) -> None:
        """Let the collective give on what it holds, or less, or more than that."""
        funds = collective_queries.received(self.session, self.collective.id, self.story.supplier.id)
        held = sum(fund.fen for fund in funds)
        given_on = max([self.day(), *(fund.paid_on for fund in funds if fund.paid_on)])
        rows = tuple(Listed(str(each.id), 1 + self.number(5)) for each in self.households[self.number(3) :])
        version = factories.register_version(self.session, self.collective, RegisterBody(RegisterKind.LIST, rows))
        amount_fen = 1 + self.number(held + held // 4 + 1)
        given = giving_on.Given(self.story.supplier.id, version.id, amount_fen, given_on, "签字表", uuid4().hex)
        made, _ = giving_on.give_on(self.session, self.keeper, given=given, now=NOON)
        giving_on.approve(self.session, self.reviewer, distribution_id=made.id, opinion="同意", now=self.noon())
        self.given.append(made.id)

    def confirm_given(self) -> None:
        """Confirm that households have what their collective gave them."""
        if self.given:
            on = self.noon()
            giving_on.confirm(
                self.session, self.village, distribution_id=self.given.pop(), on=business_date(on), now=on
            )
