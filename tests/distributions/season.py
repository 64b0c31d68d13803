"""A year of a cooperative that keeps pools, and what is shared out at its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import orm

from market.attribution import confirming
from market.attribution.rules import Kind, PaymentOrder, Step
from market.benefits import registers
from market.benefits.holdings import (
    Entitlement,
    Holding,
    Listed,
    Part,
    RegisterBody,
    ShareScheme,
    Source,
    check_register,
)
from market.benefits.models import RegisterVersion
from market.benefits.rules import Mechanism, RegisterKind
from market.clock import business_date
from market.distributions import giving_on, proposing
from market.distributions.listing import Custody, Dividend, Formula, Patronage, Profit
from market.distributions.models import Distribution, SecondDistribution
from market.distributions.rules import Counted, Period
from market.households.models import Household
from market.identity.models import Organisation
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.orders.models import Order
from tests import factories
from tests.money_out import paid_out
from tests.story import TODAY, Story

YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))
AFTER = date(2027, 1, 15)
NOW = datetime(2027, 1, 15, 4, tzinfo=UTC)
VILLAGE = "141122106201"


@dataclass
class Season:
    """A story with pools kept, a county that decides, and a village collective."""

    session: orm.Session
    pools: Sequence[tuple[Mechanism, int, Sequence[tuple[UUID, int]] | None]] = ((Mechanism.PATRONAGE, 1_000, None),)
    collective_bp: int = 0
    reserve_bp: int | None = None
    story: Story = field(init=False)
    collective: Organisation = field(init=False)
    reviewer: Actor = field(init=False)
    village: Actor = field(init=False)
    keeper: Actor = field(init=False)

    def __post_init__(self) -> None:
        """Bring together supplier, county, village office and collective."""
        session = self.session
        kind = OrganisationKind
        self.collective = factories.organisation(session, kind=kind.VILLAGE_COLLECTIVE, region_code=VILLAGE)
        pools = list(self.pools)
        if self.collective_bp:
            pools.append((Mechanism.COLLECTIVE_DIVIDEND, self.collective_bp, [(self.collective.id, 1)]))
        self.story = Story(session, pools=pools, reserve_bp=self.reserve_bp)
        county = factories.organisation(session, kind=kind.AGRICULTURE_DEPARTMENT)
        self.reviewer = factories.actor(session, factories.member(session, county, Role.COUNTY_REVIEWER), Scope.REGION)
        office = factories.organisation(session, kind=kind.VILLAGE_OFFICE, region_code=VILLAGE)
        self.village = factories.actor(session, factories.member(session, office, Role.VILLAGE_CLERK), Scope.REGION)
        self.keeper = factories.actor(session, factories.member(session, self.collective, Role.SUPPLIER_CLERK))

    def deliver(self, kilogrammes: Mapping[UUID, int], *, delivered_on: date = date(2026, 1, 4)) -> None:
        """Open a lot of what households delivered, for 1 fen each: until it is sold out they are released nothing."""
        lot = factories.lot(self.session, self.story.product, quantity_milli=sum(kilogrammes.values()) * 1_000)
        for household_id, weight in kilogrammes.items():
            factories.contribution(
                self.session,
                lot,
                self.session.get_one(Household, household_id),
                measure_milli=weight * 1_000,
                amount_fen=1,
                delivered_on=delivered_on,
            )

    def sell(self, *quantities: str, paid: bool = True, on: date = TODAY) -> Order:
        """Sell and, unless told otherwise, have it paid whole at once."""
        order = self.story.sell(*quantities, on=on)
        if paid:
            self.story.pay(order, order.amount_fen, on=on)
        return order

    def propose(self, formula: Formula, *, period: Period = YEAR) -> Distribution:
        """Have the cooperative's clerk propose a list."""
        distribution, _ = proposing.propose(
            self.session, self.story.clerk, formula=formula, period=period, evidence="成员大会决议", now=NOW
        )
        return distribution

    def approve(self, distribution: Distribution, *, on: date = AFTER) -> Distribution:
        """Have the county approve it."""
        return proposing.approve(
            self.session, self.reviewer, distribution_id=distribution.id, opinion="同意", on=on, now=NOW
        )

    def share_out(self, formula: Formula, *, period: Period = YEAR, on: date = AFTER) -> Distribution:
        """Propose and approve."""
        return self.approve(self.propose(formula, period=period), on=on)

    def patronage(self, surplus_fen: int, *, by_volume_bp: int = 10_000) -> Patronage:
        """Return by volume what of a surplus the reserve leaves."""
        return Patronage(surplus_fen, by_volume_bp, Counted.VOLUME)

    def shares(self, *holdings: Holding, scheme: ShareScheme | None = None) -> RegisterVersion:
        """Return an approved share register of the supplier."""
        return factories.register_version(
            self.session, self.story.supplier, RegisterBody(RegisterKind.SHARES, holdings, scheme)
        )

    def next_version(self, old: RegisterVersion, *, valid_from: date) -> RegisterVersion:
        """Have the county approve the same register anew, to hold from a day."""
        maker = self.keeper if "list" in old.body else self.story.clerk
        body = registers.body_of(old)
        new = registers.draft(
            self.session,
            maker,
            register_id=old.register_id,
            body=body,
            valid_from=valid_from,
            evidence=old.evidence,
            now=NOW,
        )
        registers.submit(self.session, maker, version_id=new.id)
        return registers.approve(self.session, self.reviewer, version_id=new.id, opinion="同意", now=NOW)

    def dividend(self, amount_fen: int, *holdings: Holding) -> Dividend:
        """Share an amount by the capital of these holdings."""
        return Dividend(self.shares(*holdings).id, amount_fen, tuple(Source))

    def profit(self, fen_per_mu: int, scheme: ShareScheme, **modes: UUID) -> Profit:
        """Share the profit of land by the modes of a scheme: half a mu of each household, with what its mode takes."""
        takes = {mode.code: mode.parts for mode in scheme.modes}
        holdings = [
            Holding(
                str(household_id),
                own_fen=1_250_00 if Part.OWN_FUNDS in takes[mode] else 0,
                land_fen=1_500_00 if Part.LAND in takes[mode] else 0,
                grant_fen=3_750_00 if Part.BASE in takes[mode] else 0,
                area_milli_mu=500,
                mode=mode,
            )
            for mode, household_id in modes.items()
        ]
        check_register(RegisterBody(RegisterKind.SHARES, holdings, scheme))
        return Profit(self.shares(*holdings, scheme=scheme).id, fen_per_mu)

    def custody(self, *entitlements: Entitlement, months: int = 12) -> Custody:
        """Give what these entitlements have earned."""
        body = RegisterBody(RegisterKind.ENTITLEMENTS, entitlements)
        return Custody(factories.register_version(self.session, self.story.supplier, body).id, months)

    def listed(self, weights: Mapping[UUID, int]) -> RegisterVersion:
        """Return an approved list of the collective's own."""
        rows = tuple(Listed(str(household_id), weight) for household_id, weight in weights.items())
        return factories.register_version(self.session, self.collective, RegisterBody(RegisterKind.LIST, rows))

    def pay_collective(self, amount_fen: int, *, on: date = AFTER) -> UUID:
        """Have the cooperative pay the collective."""
        payment = PaymentOrder(Kind.COLLECTIVE, self.collective.id, amount_fen, f"C{factories.number()}", None)
        _, (row,), _ = paid_out(self.session, self.story.clerk, [payment], on=on, now=NOW)
        return row.id

    def confirm_payment(self, payment_id: UUID, *, now: datetime = NOW) -> None:
        """Have the village confirm a payment."""
        confirming.confirm(self.session, self.village, payment_ids=[payment_id], on=business_date(now), now=now)

    def state(self, amount_fen: int, weights: Mapping[UUID, int], *, on: date = AFTER) -> SecondDistribution:
        """Have the collective state that it gave on what it received of this supplier."""
        given = giving_on.Given(
            supplier_id=self.story.supplier.id,
            register_version_id=self.listed(weights).id,
            amount_fen=amount_fen,
            given_on=on,
            evidence="村民代表会议决议、领款签字表",
            reference=f"二次分配{factories.number()}",
        )
        distribution, _ = giving_on.give_on(self.session, self.keeper, given=given, now=NOW)
        return distribution

    def admit(self, given: SecondDistribution, *, now: datetime = NOW) -> SecondDistribution:
        """Have the county approve what the collective states."""
        return giving_on.approve(self.session, self.reviewer, distribution_id=given.id, opinion="同意", now=now)

    def give_on(self, amount_fen: int, weights: Mapping[UUID, int], *, on: date = AFTER) -> SecondDistribution:
        """Have the collective give on what it received of this supplier, as the county approves."""
        return self.admit(self.state(amount_fen, weights, on=on))

    def sums(self, orders: Sequence[Order]) -> dict[tuple[Kind, Step], int]:
        """Sum what stands on orders by kind and step."""
        found: dict[tuple[Kind, Step], int] = {}
        for (kind, _, step), fen in self.story.held(orders).items():
            found[kind, step] = found.get((kind, step), 0) + fen
        return found

    def of(self, orders: Sequence[Order], owner_id: UUID, mechanism: Mechanism) -> dict[Step, int]:
        """Sum what stands of an owner's mechanism on orders by step."""
        found: dict[Step, int] = {}
        for order in orders:
            for standing in self.story.standings(order):
                if (standing.share.owner_id, standing.share.mechanism) == (owner_id, mechanism):
                    found[standing.step] = found.get(standing.step, 0) + standing.fen
        return found
