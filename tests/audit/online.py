"""What buyers paid online in the history: refunded, contested, and transferred to the supplier that earned it."""

from contextlib import closing
from datetime import datetime

from sqlalchemy import orm

from market.channels.rules import FundsModel
from market.clock import utc_now
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.orders.models import Order
from market.payments import calls, connecting, noting, online, refunding
from market.payments.gateway import Gateway
from market.payments.models import OnlinePayment, ProviderCall
from market.payments.provider import Asked
from market.payments.refunding import Wish
from market.payments.rules import Operation, RefundEvent
from market.settlements import service
from market.settlements.rules import SettlementEvent
from tests import factories
from tests.story import Story
from tests.stripe_emulator.scenes import calling
from tests.stripe_emulator.server import running


def pay_online(session: orm.Session) -> None:
    """Sell two orders online: one is given up and refunded, the other contested in vain, accepted and transferred."""
    now = utc_now()
    with running() as emulator, closing(Gateway(emulator.key, base_url=emulator.url)) as gateway:
        platform = factories.organisation(session, kind=OrganisationKind.PLATFORM)
        clerk, colleague = (
            factories.actor(session, factories.member(session, platform, Role.OPERATOR), Scope.ALL) for _ in range(2)
        )
        connecting.connect_platform(session, clerk, gateway.account(), now=now)
        story = Story(session, price_fen=1_000)
        story.lot(10_000, {story.household().id: 3_333})
        given_up, kept = (story.place(quantity, funds_model=FundsModel.STRIPE) for quantity in ("2", "3"))
        with calling(emulator) as client:
            for order in (given_up, kept):
                payment = _begun(session, gateway, story, order, now)
                client.v1.payment_intents.confirm(
                    payment, {"payment_method": "pm_card_bypassPending", "return_url": "https://example.org"}
                )
                noting.note(session, gateway.payment(payment), now=now)
        story.cancel(given_up)
        (refund,) = refunding.request(session, clerk, order_id=given_up.id, wish=Wish(None, "取消"), now=now)
        refunding.decide(session, colleague, refund_id=refund.id, event=RefundEvent.APPROVE, now=now)
        _make_calls(session, gateway, now)
        charge = session.query(OnlinePayment).filter_by(group_id=kept.group_id).one().charge_id
        dispute = emulator.open_dispute(str(charge))["id"]
        noting.note(session, gateway.dispute(dispute), now=now)
        emulator.win_dispute(dispute)
        noting.note(session, gateway.dispute(dispute), now=now)
        story.deliver(kept)
        story.accept(kept)
        connecting.connect(session, story.clerk, now=now)
        _make_calls(session, gateway, now)
        account, _ = connecting.account_of(session, story.supplier.id)
        emulator.activate(account.number)
        noting.note(session, gateway.account(account.number), now=now)
        _hand_on(session, story, clerk, colleague, now)


def _begun(session: orm.Session, gateway: Gateway, story: Story, order: Order, now: datetime) -> str:
    payment = online.begin(session, story.orderer, group_id=order.group_id, now=now)
    _make_calls(session, gateway, now)
    return str(payment.provider_id)


def _make_calls(session: orm.Session, gateway: Gateway, now: datetime) -> None:
    """Make the calls that are due; in use each is made outside of any transaction."""
    for call_id in calls.due(session, set(Operation), now=now):
        call = session.get_one(ProviderCall, call_id)
        seen = gateway.ask(Asked(call.operation, call.subject_id, call.params), key=str(call.id))
        calls.settled_by_others(session, call.operation, call.subject_id, seen.id)
        noting.note(session, seen, now=now)


def _hand_on(session: orm.Session, story: Story, clerk: Actor, colleague: Actor, now: datetime) -> None:
    settlement = service.draft(session, clerk, supplier_id=story.supplier.id, model=FundsModel.STRIPE, now=now)
    service.decide(session, colleague, settlement_id=settlement.id, event=SettlementEvent.APPROVE, now=now)
    service.instruct(session, clerk, settlement_id=settlement.id, now=now)
