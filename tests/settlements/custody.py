"""What is sold into custody, and a settlement of it taken the whole way."""

from datetime import datetime

from market.orders.models import Order
from market.settlements import service
from market.settlements.models import Settlement
from market.settlements.rules import SettlementEvent
from tests.payments.bank import Movement
from tests.payments.desk import Bank, code, placed
from tests.story import NOON, Story


def paid(story: Story, custody: Bank, quantity: str) -> Order:
    """Sell into custody: placed, paid, delivered, accepted."""
    order = placed(story, quantity)
    custody.tell(Movement(order.amount_fen, code(story, order), f"IN-{order.number}"))
    story.deliver(order)
    story.accept(order)
    return order


def draft(story: Story, custody: Bank, *, now: datetime = NOON) -> Settlement:
    return service.draft(story.session, custody.clerk, supplier_id=story.supplier.id, now=now)


def approve(custody: Bank, settlement: Settlement, *, now: datetime = NOON) -> None:
    event = SettlementEvent.APPROVE
    service.decide(custody.session, custody.colleague, settlement_id=settlement.id, event=event, now=now)


def instruct(custody: Bank, settlement: Settlement) -> None:
    service.instruct(custody.session, custody.clerk, settlement_id=settlement.id, now=NOON)


def settle(story: Story, custody: Bank, *, now: datetime = NOON) -> Settlement:
    """Take a settlement the whole way."""
    settlement = draft(story, custody, now=now)
    approve(custody, settlement, now=now)
    instruct(custody, settlement)
    custody.tell(Movement(-settlement.amount_fen, f"结算 {settlement.number}", f"OUT-{settlement.number}"))
    return service.confirm(story.session, custody.clerk, settlement_id=settlement.id, now=NOON)


def comes_back(custody: Bank, settlement: Settlement) -> None:
    """Let the statement tell the payment back, and take note of it."""
    custody.tell(Movement(settlement.amount_fen, f"退汇 {settlement.number} 账户已销户", f"BACK-{settlement.number}"))
    service.take_back(custody.session, custody.clerk, settlement_id=settlement.id, now=NOON)
