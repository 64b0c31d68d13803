"""Settlements that two people deal with at once: a supplier is paid once, and nobody waits for ever."""

from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.db import Database
from market.identity.rules import Actor
from market.payments import refunding
from market.payments.refunding import Payee, Wish
from market.payments.rules import RefundEvent
from market.settlements import queries, service
from market.settlements.models import Settlement
from market.settlements.rules import SettlementEvent, SettlementStatus
from tests.payments.bank import Movement
from tests.payments.desk import Bank, code, placed
from tests.racing import Act, Custody, crossings, is_sound
from tests.settlements.custody import approve, draft, instruct, paid
from tests.story import NOON, Story

PAYER = Payee("财政支付中心", "14001234567890")
Step = Callable[[Story, Bank, UUID], object]


def approves(here: Story, bank: Bank, settlement_id: UUID) -> None:
    approve(bank, here.session.get_one(Settlement, settlement_id))


def instructs(here: Story, bank: Bank, settlement_id: UUID) -> None:
    instruct(bank, here.session.get_one(Settlement, settlement_id))


def confirms(here: Story, bank: Bank, settlement_id: UUID) -> None:
    service.confirm(here.session, bank.clerk, settlement_id=settlement_id, now=NOON)


def give_up(here: Story, bank: Bank) -> None:
    """End the settlement before, if one is open."""
    for before in here.session.scalars(sa.select(Settlement)):
        if before.status is SettlementStatus.DRAFT:
            event = SettlementEvent.DECLINE
            service.decide(here.session, bank.colleague, settlement_id=before.id, event=event, now=NOON)
        elif before.status in (SettlementStatus.APPROVED, SettlementStatus.INSTRUCTED):
            service.fail(here.session, bank.colleague, settlement_id=before.id, now=NOON)


def drafted(here: Story, bank: Bank, *steps: Step) -> UUID:
    """Draft a settlement and take it some steps further."""
    settlement_id = draft(here, bank).id
    for step in steps:
        step(here, bank, settlement_id)
    return settlement_id


@pytest.fixture
def custody(committed_db: Database) -> Custody:
    """A market in which one order waits to be settled."""
    custody = Custody(committed_db)
    custody.does(lambda here, bank: paid(here, bank, "10"))
    return custody


def two_draft(custody: Custody) -> None:
    """Hold that of two who draft what a supplier is paid one is refused."""

    def begin() -> tuple[Act, Act]:
        custody.does(give_up)
        return (lambda: custody.does(drafted),) * 2

    for crossed in crossings(custody.db, begin, least=3):
        assert sorted(type(each).__name__ for each in crossed) == ["OpenSettlementError", "UUID"]
    is_sound(custody.db, NOON)


def two_do(custody: Custody, step: Step, *before: Step) -> None:
    """Hold that of two who take a settlement a step further one is refused."""

    def begin() -> tuple[Act, Act]:
        custody.does(give_up)
        settlement_id = custody.does(lambda here, bank: drafted(here, bank, *before))
        return (lambda: custody.does(lambda here, bank: step(here, bank, settlement_id)),) * 2

    for crossed in crossings(custody.db, begin, least=2):
        assert sorted(type(each).__name__ for each in crossed) == ["NoneType", "TransitionError"]
    is_sound(custody.db, NOON)


def test_a_settlement_that_two_draft_approve_and_instruct_at_once_is_paid_once(custody: Custody) -> None:
    two_draft(custody)
    two_do(custody, approves)
    two_do(custody, instructs, approves)
    custody.does(give_up)
    settlement_id = custody.does(lambda here, bank: drafted(here, bank, approves, instructs))
    number = custody.does(lambda here, _: here.session.get_one(Settlement, settlement_id).number)
    custody.imports(custody.statement(-10_000, f"结算 {number}"))()
    confirming = (lambda: custody.does(lambda here, bank: confirms(here, bank, settlement_id)),) * 2
    crossed = next(crossings(custody.db, lambda: confirming, least=1))
    assert sorted(type(each).__name__ for each in crossed) == ["NoneType", "TransitionError"]
    is_sound(custody.db, NOON)
    assert custody.open_fen() == [0, 0]


def test_settlements_that_are_drafted_or_instructed_without_locks_are_seen_to_collide(
    custody: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = queries.one_settlement

    def read(session: orm.Session, actor: Actor, settlement_id: UUID, *, lock: bool = False) -> Settlement:
        del lock
        return sound(session, actor, settlement_id)

    with monkeypatch.context() as naive:
        naive.setattr(service, "lock_by", lambda *_, **__: None)
        with pytest.raises(sa.exc.IntegrityError, match="one_open_settlement"):
            two_draft(custody)
    monkeypatch.setattr(queries, "one_settlement", read)
    with pytest.raises(sa.exc.IntegrityError, match="cash:instruction"):
        two_do(custody, instructs, approves)


def refunded_in_part(custody: Custody) -> UUID:
    """Sell into custody and have half of it rejected; return the order's id."""

    def sell(here: Story, bank: Bank) -> UUID:
        order = placed(here, "10")
        bank.tell(Movement(10_000, code(here, order), f"IN-{order.number}"))
        here.deliver(order)
        here.accept(order, found={0: {"accepted": "5", "rejected": "5"}})
        return order.id

    return custody.does(sell)


def sent_back(here: Story, bank: Bank, order_id: UUID) -> str:
    """Send ten fen of an order back by the bank; return the refund's number."""
    session, wish = here.session, Wish(10, "拒收", PAYER)
    (refund,) = refunding.request(session, bank.clerk, order_id=order_id, wish=wish, now=NOON)
    refunding.decide(session, bank.colleague, refund_id=refund.id, event=RefundEvent.APPROVE, now=NOON)
    refunding.send(session, bank.clerk, refund_id=refund.id, bank_name="工行", now=NOON)
    return refund.number


def test_a_bank_tells_of_two_orders_refunds_while_the_orders_are_settled(custody: Custody) -> None:
    """It tells of them in another order than that in which who settles locks them."""
    first, second = refunded_in_part(custody), refunded_in_part(custody)

    def begin() -> tuple[Act, Act]:
        custody.does(give_up)
        numbers = custody.does(lambda here, bank: [sent_back(here, bank, order) for order in (second, first)])
        told = custody.statement(-10, *(f"退款 {number}" for number in numbers))
        return custody.imports(told), lambda: custody.does(drafted)

    for crossed in crossings(custody.db, begin, least=4):
        assert (crossed.first, type(crossed.second)) == (2, UUID)
    is_sound(custody.db, NOON)
    assert set(custody.open_fen()) == {0}
