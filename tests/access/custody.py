"""Settlements of a place in every state: the place's own supplier has a draft, others are further."""

from sqlalchemy import orm

from market.channels.rules import FundsModel
from market.payments import calls
from market.payments.rules import Operation
from market.settlements import service
from market.settlements.models import Settlement
from market.settlements.rules import SettlementEvent
from tests.payments.bank import Movement
from tests.payments.desk import Bank, code, of_supplier
from tests.story import NOON, Story


def settlements(session: orm.Session, custody: Bank, home: Story, region_code: str) -> dict[str, str]:
    """Let six suppliers of a place earn in custody, and take each one a step further than the one before."""
    others = [Story(session, region_code=region_code) for _ in range(5)]
    for story in others:
        story.lot(10_000)
        of_supplier(story)
    earning, *further = others
    for story in (home, *others):
        _earn(custody, story)
    drafts = [service.draft(session, custody.clerk, supplier_id=story.supplier.id, now=NOON) for story in further]
    own = service.draft(session, custody.clerk, supplier_id=home.supplier.id, now=NOON)
    approved, instructed, paid, returning = drafts
    for settlement in drafts:
        _approve(custody, settlement)
    for settlement in (instructed, paid, returning):
        service.instruct(session, custody.clerk, settlement_id=settlement.id, now=NOON)
    for settlement in (paid, returning):
        custody.tell(Movement(-settlement.amount_fen, f"结算 {settlement.number}", settlement.number))
    service.confirm(session, custody.clerk, settlement_id=returning.id, now=NOON)
    custody.tell(Movement(returning.amount_fen, f"退汇 {returning.number}", "BACK"))
    calls.ask(session, Operation.TRANSFER, returning.id, {"transfer_group": returning.number}, now=NOON)
    calls.settled_by_others(session, Operation.TRANSFER, returning.id, f"tr_{returning.id.hex}")
    return {
        "earning": str(earning.supplier.id),
        "settlement": str(own.id),
        "approved_settlement": str(approved.id),
        "instructed_settlement": str(instructed.id),
        "paid_settlement": str(paid.id),
        "returning_settlement": str(returning.id),
    }


def _earn(custody: Bank, story: Story) -> None:
    order = story.place("1", funds_model=FundsModel.CUSTODIAN)
    custody.tell(Movement(order.amount_fen, code(story, order), order.number))
    story.deliver(order)
    story.accept(order)


def _approve(custody: Bank, settlement: Settlement) -> None:
    event = SettlementEvent.APPROVE
    service.decide(custody.session, custody.colleague, settlement_id=settlement.id, event=event, now=NOON)
