"""A market whose buyers pay online: the platform at an emulated provider, a worker, and what the auditor says."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
import stripe
from sqlalchemy import orm

from market.channels.rules import FundsModel
from market.db import Database
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.orders.models import Order
from market.orders.placing import Request, WantedLine, place
from market.payments import connecting, inbox, online, sweeping, tasks
from market.payments.gateway import Gateway
from market.payments.models import OnlinePayment, ProviderCall
from market.payments.provider import ForgedEventError
from tests import factories
from tests.payments.desk import complaints, placed, selling
from tests.story import NOON, TODAY, Story
from tests.stripe_emulator.control import Emulator
from tests.stripe_emulator.scenes import calling
from tests.stripe_emulator.server import running

CARD = "pm_card_bypassPending"


class Till:
    """A provider, the way to it, and who works with it; time goes on by a minute with every round of work."""

    def __init__(
        self,
        db: Database,
        session: orm.Session,
        emulator: Emulator,
        client: stripe.StripeClient,
        *,
        staff: Sequence[Actor] = (),
        gateway: Gateway | None = None,
    ) -> None:
        """Connect the platform to its account, by two of its members; at the emulator's time."""
        self.db, self.session, self.emulator, self.client = db, session, emulator, client
        self.gateway = gateway or Gateway(emulator.key, webhook_secret=emulator.webhook_secret, base_url=emulator.url)
        self.now = datetime.fromtimestamp(emulator.now(), UTC)
        self.clerk, self.colleague = staff or platform_staff(session)
        connecting.connect_platform(session, self.clerk, self.gateway.account(), now=self.now)
        session.flush()
        self.sweeps = tasks.Sweeps(self.gateway)

    def work(self, *, sweep: bool = False) -> None:
        """Do what a worker does with the provider, and look at everything if asked."""
        self.session.flush()
        tasks.make_calls(self.db, self.gateway, self.now)
        tasks.handle_events(self.db, self.gateway, self.now)
        if sweep:
            tasks.Sweeps(self.gateway)(self.db, self.now)
        self.session.expire_all()

    def release(self) -> None:
        """Post what is there to be sent by now."""
        self.session.flush()
        sweeping.release_due(self.db, now=self.now)
        self.session.expire_all()

    def later(self, **span: int) -> None:
        """Let time pass, here and at the provider."""
        span_of = timedelta(**span)
        self.now += span_of
        self.emulator.advance(seconds=int(span_of.total_seconds()))

    def begin(self, orderer: Actor, order: Order) -> OnlinePayment:
        """Begin to pay an order's group; the provider knows of it when this returns."""
        payment = online.begin(self.session, orderer, group_id=order.group_id, now=self.now)
        self.work()
        return self.session.get_one(OnlinePayment, payment.id)

    def pay(self, orderer: Actor, order: Order, *, card: str = CARD) -> OnlinePayment:
        """Pay an order's group by card, as the payer's browser does, and hear of it by a look at everything."""
        payment = self.begin(orderer, order)
        self.charge(payment, card)
        self.work(sweep=True)
        return self.session.get_one(OnlinePayment, payment.id)

    def charge(self, payment: OnlinePayment, card: str = CARD) -> None:
        """Confirm a payment from the payer's side."""
        assert payment.provider_id
        params: stripe.params.PaymentIntentConfirmParams = {
            "payment_method": card,
            "return_url": "https://example.org/back",
        }
        self.client.v1.payment_intents.confirm(payment.provider_id, params)

    def charge_of(self, order: Order) -> str:
        """Return the provider's charge that brought an order's money."""
        wanted = sa.select(OnlinePayment.charge_id).where(OnlinePayment.group_id == order.group_id)
        return str(self.session.scalars(wanted).one())

    def calls(self) -> list[ProviderCall]:
        """Return all calls, oldest first."""
        return list(self.session.scalars(sa.select(ProviderCall).order_by(ProviderCall.id)))

    def listen(self) -> None:
        """Let the provider send its events to the market's inbox."""

        def receive(body: bytes, headers: dict[str, str]) -> int:
            try:
                event = self.gateway.event(body, headers.get("Stripe-Signature", ""))
            except ForgedEventError:
                return 400
            with self.db.transaction() as session:
                inbox.take(session, event, now=self.now)
            return 202

        self.emulator.listen(receive)

    def complaints(self) -> list[str]:
        """Return what doctor and auditor say; the provider's own books must add up too."""
        self.emulator.check()
        return complaints(self.session)


def platform_staff(session: orm.Session) -> list[Actor]:
    """Return two members of a platform of their own."""
    platform = factories.organisation(session, kind=OrganisationKind.PLATFORM)
    members = (factories.member(session, platform, Role.OPERATOR) for _ in range(2))
    return [factories.actor(session, member, Scope.ALL) for member in members]


def online_order(story: Story, quantity: str) -> Order:
    """Place an order that is paid online."""
    return placed(story, quantity, model=FundsModel.STRIPE)


def placed_together(story: Story) -> tuple[Order, Order, Story]:
    """Place two orders of different suppliers that are paid online together; return also the other supplier's story."""
    other = Story(story.session, price_fen=1_000)
    other.lot(1_000_000, {other.household().id: 50_000_000})
    wanted = [WantedLine(each.product.id, kg, "kg", None) for each, kg in ((story, "6"), (other, "4"))]
    request = Request(
        channel_code="canteen", external_number=None, payment_days=30, lines=wanted, funds_model=FundsModel.STRIPE
    )
    until = NOON + timedelta(hours=72)
    placed = place(story.session, story.orderer, request=request, on=TODAY, now=NOON, reserved_until=until)
    orders = [story.session.get_one(Order, order_id) for order_id in placed.orders]
    first, second = sorted(orders, key=lambda order: order.supplier_id != story.supplier.id)
    return first, second, other


def sold(session: orm.Session, till: Till, quantity: str = "10") -> tuple[Story, Order, UUID]:
    """Place an order and pay it online; return its market, itself and the payment's id."""
    story = selling(session)
    order = online_order(story, quantity)
    payment = till.pay(story.orderer, order)
    return story, order, payment.id


@contextmanager
def opened(
    db: Database, session: orm.Session, *, staff: Sequence[Actor] = (), now: datetime | None = None
) -> Iterator[Till]:
    """Open a till at an emulated provider, for as long as the block runs, today or at another time."""
    with running() as emulator, calling(emulator) as client:
        if now is not None:
            emulator.advance(seconds=int(now.timestamp()) - emulator.now())
        till = Till(db, session, emulator, client, staff=staff)
        with closing(till.gateway):
            yield till
