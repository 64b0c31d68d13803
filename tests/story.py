"""A small market told through the services: who is in it, and what they do day by day."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import orm

from market.attribution import queries
from market.attribution.rules import Kind, PaymentOrder, Standing, Step
from market.benefits.rules import Mechanism, PlanBody, Pool
from market.catalog.models import Product
from market.channels import service as channels
from market.channels.rules import ChannelTerms, EvidenceKind, FundsModel
from market.households.models import Household
from market.identity.models import Organisation
from market.identity.rules import Actor, OrganisationKind, Role
from market.lots.models import Contribution, Lot
from market.orders import acceptance, changing, placing, price_cutting, returns
from market.orders import queries as order_queries
from market.orders.models import Order, OrderLine, PriceCut
from market.orders.rules import OrderEvent
from market.payments import service as payments
from market.payments.rules import OrderPart
from tests import factories
from tests.money_out import paid_out

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
TODAY = date(2026, 3, 2)
CHANNELS = ("canteen", "city", "market", "online", "scenic", "workshop", "household")
ALL_EVIDENCE = {kind.value: f"凭证-{kind.value}" for kind in EvidenceKind if kind is not EvidenceKind.INVOICE}
"""Every paper but the invoice, which is for one order."""


def open_channels(session: orm.Session) -> None:
    """Publish a scheme of seven channels that any buyer may use; only `online` needs another platform's number."""
    terms = [
        ChannelTerms(
            code=code,
            name=code,
            buyer_kinds=frozenset(OrganisationKind),
            evidence_kinds=("acceptance_note",) if code == "canteen" else (),
            needs_external_number=code == "online",
            counts_to_reserved_share=code == "canteen",
            funds_models=tuple(FundsModel),
        )
        for code in CHANNELS
    ]
    channels.publish_scheme(
        session, code="qi_jin", name="七进", valid_from=date(2020, 1, 1), channels=terms, today=TODAY
    )


@dataclass
class Story:
    """One supplier with a product, one buyer, and what passes between them; a pool without a list is kept."""

    session: orm.Session
    pools: Sequence[tuple[Mechanism, int, Sequence[tuple[UUID, int]] | None]] = ()
    tax_bp: int = 0
    price_fen: int = 1_000
    region_code: str = "141122"
    assisted_only: bool = False
    reserve_bp: int | None = None
    supplier: Organisation = field(init=False)
    buyer: Organisation = field(init=False)
    clerk: Actor = field(init=False)
    orderer: Actor = field(init=False)
    receiver: Actor = field(init=False)
    product: Product = field(init=False)

    def __post_init__(self) -> None:
        """Bring the parties together."""
        session = self.session
        self.supplier = factories.organisation(session, region_code=self.region_code)
        self.buyer = factories.organisation(session, kind=OrganisationKind.SCHOOL, region_code=self.region_code)
        self.clerk = factories.actor(session, factories.member(session, self.supplier, Role.SUPPLIER_CLERK))
        self.orderer = factories.actor(session, factories.member(session, self.buyer, Role.BUYER_CLERK))
        self.receiver = factories.actor(session, factories.member(session, self.buyer, Role.BUYER_RECEIVER))
        body = PlanBody(
            lot_mechanisms=(Mechanism.ORDER_PURCHASE, Mechanism.LABOUR),
            pools=tuple(
                Pool(
                    mechanism,
                    bp,
                    tuple((str(payee), weight) for payee, weight in shares or ()),
                    kept=shares is None,
                    assisted_only=self.assisted_only,
                    reserve_bp=self.reserve_bp if mechanism is Mechanism.PATRONAGE else None,
                )
                for mechanism, bp, shares in self.pools
            ),
        )
        plan = factories.plan(session, self.supplier, body=body)
        self.product = factories.product(
            session, self.supplier, plan=plan, tax_bp=self.tax_bp, tiers=(("1", self.price_fen),)
        )

    @property
    def manager(self) -> Actor:
        """Return a manager of the supplier."""
        return factories.actor(self.session, factories.member(self.session, self.supplier, Role.SUPPLIER_MANAGER))

    def elsewhere(self, session: orm.Session) -> "Story":
        """Return the same people at work in another transaction."""
        other = copy(self)
        other.session = session
        other.supplier, other.buyer = session.merge(self.supplier), session.merge(self.buyer)
        other.product = session.merge(self.product)
        return other

    def household(self, **keywords: object) -> Household:
        """Add an enrolled household."""
        household = factories.household(self.session, **keywords)  # type: ignore[arg-type]
        factories.enrolment(self.session, self.supplier, household)
        return household

    def lot(self, quantity_milli: int, amounts: Mapping[UUID, int] | None = None) -> tuple[Lot, list[Contribution]]:
        """Open a lot to which households contributed these amounts (fen), in equal parts; the rest was bought in."""
        measure_milli = quantity_milli // max(len(amounts or {}), 1)
        bought_in_milli = quantity_milli - measure_milli * len(amounts or {})
        lot = factories.lot(self.session, self.product, quantity_milli=quantity_milli, bought_in_milli=bought_in_milli)
        contributions = [
            factories.contribution(
                self.session,
                lot,
                self.session.get_one(Household, household_id),
                amount_fen=amount_fen,
                measure_milli=measure_milli,
            )
            for household_id, amount_fen in (amounts or {}).items()
        ]
        return lot, contributions

    def consign(
        self, quantity_milli: int, measures: Mapping[UUID, int], *, bp: int = 9_000, others_milli: int = 0
    ) -> tuple[Lot, list[Contribution]]:
        """Open a lot that households consigned (milli) and of which the supplier bought in the rest."""
        lot = factories.lot(self.session, self.product, quantity_milli=quantity_milli, bought_in_milli=others_milli)
        contributions = [
            factories.contribution(
                self.session,
                lot,
                self.session.get_one(Household, household_id),
                measure_milli=milli,
                proceeds_bp=bp,
            )
            for household_id, milli in measures.items()
        ]
        return lot, contributions

    def place(
        self, *quantities: str, channel: str = "canteen", now: datetime = NOON, funds_model: FundsModel | None = None
    ) -> Order:
        """Order lines of the product; return the one order."""
        request = placing.Request(
            channel_code=channel,
            external_number=uuid4().hex if channel == "online" else None,
            payment_days=30,
            lines=[placing.WantedLine(self.product.id, quantity, "kg", None) for quantity in quantities],
            funds_model=funds_model,
        )
        placed = placing.place(
            self.session,
            self.orderer,
            request=request,
            on=TODAY,
            now=now,
            reserved_until=now + timedelta(hours=72),
        )
        (order_id,) = placed.orders
        return self.session.get_one(Order, order_id)

    def deliver(self, order: Order) -> None:
        """Confirm and ship."""
        changing.confirm(self.session, self.clerk, order_id=order.id, now=NOON)
        changing.ship(self.session, self.clerk, order_id=order.id, quantities=None, shipped_on=TODAY, now=NOON)

    def accept(
        self,
        order: Order,
        *,
        found: Mapping[int, Mapping[str, str]] | None = None,
        only: Sequence[int] | None = None,
        on: date = TODAY,
    ) -> acceptance.Accepted:
        """Accept every line, or only some by position, whole or as found by position."""
        lines = []
        for line in self.lines(order):
            if only is not None and line.position not in only:
                continue
            whole = str(line.shipped_milli // 1_000)
            seen = dict.fromkeys(("rejected", "damaged", "short"), "0") | {"received": whole, "accepted": whole}
            seen |= (found or {}).get(line.position, {})
            reason = "到货有差异" if found and line.position in found else None
            lines.append(acceptance.FoundLine(order_line_id=line.id, reason=reason, **seen))
        report = acceptance.Report(lines, ALL_EVIDENCE, on)
        return acceptance.accept(self.session, self.receiver, order_id=order.id, report=report, now=NOON)

    def sell(self, *quantities: str, channel: str = "canteen", on: date = TODAY) -> Order:
        """Place, deliver and accept."""
        order = self.place(*quantities, channel=channel)
        self.deliver(order)
        self.accept(order, on=on)
        return order

    def pay(self, order: Order, amount_fen: int, *, on: date = TODAY, reference: str | None = None) -> None:
        """Record the buyer's money at the supplier's bank."""
        payments.record(
            self.session,
            self.clerk,
            bank_reference=reference or uuid4().hex,
            payer_name="财政支付中心",
            amount_fen=amount_fen,
            received_on=on,
            parts=[OrderPart(order.id, amount_fen)],
            now=NOON,
        )

    def give_back(
        self, order: Order, quantity: str, *, position: int = 0, resaleable: bool = True, on: date = TODAY
    ) -> returns.Returned:
        """Return part of a line."""
        line = self.lines(order)[position]
        claim = returns.Claim([returns.ComesBack(line.id, quantity, resaleable)], "品质不符", on)
        return returns.take_back(self.session, self.receiver, order_id=order.id, claim=claim, now=NOON)

    def cut(self, order: Order, amount_fen: int, *, position: int = 0, on: date = TODAY) -> returns.Returned:
        """Take a part of the price of a line off, as the buyer agrees; its goods stay with it."""
        offered = self.offer(order, amount_fen, position=position, on=on)
        return price_cutting.accept(self.session, self.receiver, price_cut_id=offered.id, now=NOON)

    def offer(self, order: Order, amount_fen: int, *, position: int = 0, on: date = TODAY) -> PriceCut:
        """Offer the buyer to take a part of the price of a line off."""
        offered = price_cutting.Offer(
            [returns.IsCut(self.lines(order)[position].id, amount_fen)], "果径偏小", on, "折让协议"
        )
        return price_cutting.offer(self.session, self.manager, order_id=order.id, offered=offered, now=NOON)

    def disburse(
        self, amounts: Mapping[UUID, int], *, contributions: Mapping[UUID, UUID] | None = None, on: date = TODAY
    ) -> list[UUID]:
        """Let households have been paid (fen), whatever they had delivered; return the payments' ids."""
        orders = [
            PaymentOrder(Kind.HOUSEHOLD, payee, fen, uuid4().hex, (contributions or {}).get(payee))
            for payee, fen in amounts.items()
        ]
        _, rows, _ = paid_out(self.session, self.clerk, orders, on=on, now=NOON)
        return [row.id for row in rows]

    def lines(self, order: Order) -> list[OrderLine]:
        """Return the order's lines as they are now."""
        return order_queries.lines_of(self.session, [order.id])

    def standing(self, order: Order, step: Step) -> int:
        """Return what of the order's shares stands at a step, in fen."""
        return sum(each.fen for each in self.standings(order) if each.step is step)

    def cancel(self, order: Order) -> None:
        """Give the order up, as its supplier."""
        changing.give_up(
            self.session, self.clerk, order_id=order.id, event=OrderEvent.CANCEL, reason="道路中断", now=NOON
        )

    def standings(self, order: Order) -> list[Standing]:
        """Return what stands posted on the order's lines."""
        found = queries.standings(self.session, [line.id for line in self.lines(order)])
        return [standing for own in found.values() for standing in own]

    def held(self, orders: Sequence[Order]) -> dict[tuple[Kind, UUID, Step], int]:
        """Sum what stands posted on orders by owner and step."""
        sums: dict[tuple[Kind, UUID, Step], int] = {}
        for order in orders:
            for share, step, _, fen, *_ in self.standings(order):
                key = (share.kind, share.owner_id, step)
                sums[key] = sums.get(key, 0) + fen
        return sums

    def advances(self, *owners: UUID) -> int:
        """Sum what is left of advances to households (fen)."""
        return sum(advance.fen for advance in queries.advances(self.session, self.supplier.id, owners))
