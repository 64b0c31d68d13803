"""What there is in a place of online payments and refunds: a refund in each state, paid directly and out of custody."""

from sqlalchemy import orm

from market.banks.rules import Form
from market.channels.rules import FundsModel
from market.identity.models import Organisation
from market.identity.rules import Actor
from market.orders.models import Order
from market.payments import calls, refund_files, refunding
from market.payments.models import Dispute, OnlinePart, OnlinePayment, ProviderEvent, Refund
from market.payments.refunding import Payee, Wish
from market.payments.rules import CallStatus, DisputeStatus, EventStatus, OnlineStatus, Operation, RefundEvent
from tests import factories
from tests.payments.bank import Movement
from tests.payments.desk import Bank, code
from tests.story import NOON, TODAY, Story

PART_FEN = 1_000


def online(session: orm.Session, story: Story) -> dict[str, str]:
    """Place an order still to be paid online, and one whose payment is open; of another one a dispute is open."""
    unpaid, begun, disputed = (story.place("1", funds_model=FundsModel.STRIPE) for _ in range(3))
    payment, quarrelled = (_open_payment(session, story, order) for order in (begun, disputed))
    dispute = Dispute(
        provider_id=f"dp_{quarrelled.id.hex}",
        payment_id=quarrelled.id,
        amount_fen=quarrelled.amount_fen,
        reason="fraudulent",
        status=DisputeStatus.OPEN,
        opened_on=TODAY,
        seen_at=NOON,
    )
    session.add(dispute)
    session.flush()
    parked = calls.ask(session, Operation.CONFIRM_PAYMENT, quarrelled.id, {"payment": quarrelled.provider_id}, now=NOON)
    parked.status = CallStatus.PARKED
    event = ProviderEvent(id=f"evt_{quarrelled.id.hex}", kind="charge.updated", object_id="ch_1", received_at=NOON)
    event.status, event.next_at = EventStatus.PARKED, NOON
    session.add(event)
    made = {
        "online_group": unpaid.group_id,
        "online_payment": payment.id,
        "dispute": dispute.id,
        "provider_call": parked.id,
        "provider_event": event.id,
    }
    return {name: str(id_) for name, id_ in made.items()}


def _open_payment(session: orm.Session, story: Story, order: Order) -> OnlinePayment:
    """Write down a payment that the provider waits for; what the provider says of it is not asked."""
    payment = OnlinePayment(
        group_id=order.group_id,
        buyer_id=order.buyer_id,
        amount_fen=order.amount_fen,
        status=OnlineStatus.OPEN,
        provider_id=f"pi_{order.id.hex}",
        begun_by=story.orderer.member_id,
        begun_at=NOON,
        seen_at=NOON,
    )
    session.add(payment)
    session.flush()
    session.add(OnlinePart(payment_id=payment.id, order_id=order.id, amount_fen=order.amount_fen))
    return payment


def refunds(session: orm.Session, custody: Bank, story: Story) -> dict[str, str]:
    """Give up an order of each kind that was paid, and take refunds of its parts as far as each may stand."""
    directly, into_custody = (
        story.place("10", funds_model=model) for model in (FundsModel.DIRECT, FundsModel.CUSTODIAN)
    )
    story.pay(directly, directly.amount_fen)
    custody.tell(Movement(into_custody.amount_fen, code(story, into_custody), into_custody.number))
    for order in (directly, into_custody):
        story.cancel(order)
    by_supplier = _in_every_state(session, directly, story.orderer, _colleague(session, story.clerk))
    by_platform = _in_every_state(session, into_custody, custody.clerk, _colleague(session, custody.clerk))
    return {
        "custody_account": str(custody.account.id),
        "paid_directly": str(directly.id),
        "paid_into_custody": str(into_custody.id),
        "refund_file_direct": str(by_supplier.pop("filed").file_id),
        "refund_file_custody": str(by_platform.pop("filed").file_id),
        **{f"{name}_direct": str(refund.id) for name, refund in by_supplier.items()},
        **{f"{name}_custody": str(refund.id) for name, refund in by_platform.items()},
    }


def _colleague(session: orm.Session, member: Actor) -> Actor:
    """Return another of the same organisation and role, who decides what others then do something with."""
    organisation = session.get_one(Organisation, member.organisation_id)
    return factories.actor(session, factories.member(session, organisation, member.role), member.scope)


def _in_every_state(session: orm.Session, order: Order, asker: Actor, decider: Actor) -> dict[str, Refund]:
    """Refunds that one decides on and another hands to the bank."""
    sender = _colleague(session, decider)
    made: dict[str, Refund] = {}
    for name in ("requested", "approved", "filed", "sent", "failed"):
        wish = Wish(PART_FEN, "订单取消", Payee("财政支付中心", "14001234567890"))
        (made[name],) = refunding.request(session, asker, order_id=order.id, wish=wish, now=NOON)
    for name in ("approved", "filed", "sent", "failed"):
        refunding.decide(session, decider, refund_id=made[name].id, event=RefundEvent.APPROVE, now=NOON)
    for name in ("filed", "sent", "failed"):
        refunding.send(session, sender, refund_id=made[name].id, bank_name="工行", now=NOON)
        if name == "filed":
            account_id = made[name].account_id
            assert account_id
            refund_files.prepare(session, sender, account_id=account_id, form=Form.XML, now=NOON)
    refunding.fail(session, decider, refund_id=made["failed"].id, reason="账户已销户", now=NOON)
    return made
