"""Money that comes too late, is too little, too much, told twice, taken back, or fails to go back."""

from collections import Counter

import pytest

from market.attribution.rules import Kind, Step
from market.banking.rules import StatementTakenError, Waiting
from market.cash.rules import CashKind
from market.clock import business_date, utc_now
from market.ledger import queries as ledger
from market.ledger.rules import Book
from market.orders.models import Order
from market.payments import refunding
from market.payments.models import Refund
from market.payments.refunding import Payee, Wish
from market.payments.rules import DisputeOpenError, RefundEvent, RefundRoute, RefundStatus
from market.settlements import service as settlements
from market.settlements.models import Settlement
from market.settlements.rules import SettlementEvent, SettlementStatus
from tests.failures.test_events import agree, asked_back
from tests.payments.bank import Movement
from tests.payments.desk import Bank, code, complaints, placed
from tests.payments.till import Till, online_order
from tests.story import NOON, Story

PAYER = Payee("财政支付中心", "14001234567890")


def standing(story: Story, kind: CashKind) -> int:
    """Return what stands on all accounts of a kind of the cash book, credit above zero (fen)."""
    story.session.flush()
    found = ledger.balances(story.session, Book.CASH, on=business_date(utc_now()))
    return found[kind].credit_fen - found[kind].debit_fen if kind in found else 0


def given_back(story: Story, bank: Bank, order: Order, fen: int | None = None) -> Refund:
    """Take a refund out of custody as far as the bank's statement."""
    session = story.session
    (refund,) = refunding.request(session, bank.clerk, order_id=order.id, wish=Wish(fen, "退款", PAYER), now=NOON)
    refunding.decide(session, bank.colleague, refund_id=refund.id, event=RefundEvent.APPROVE, now=NOON)
    refunding.send(session, bank.clerk, refund_id=refund.id, bank_name="工行", now=NOON)
    bank.tell(Movement(-refund.amount_fen, f"退款 {refund.number}", f"OUT-{refund.number}"))
    return refund


def sold(story: Story, bank: Bank, quantity: str) -> Order:
    """Sell into custody: placed, paid, delivered, accepted."""
    order = placed(story, quantity)
    bank.tell(Movement(order.amount_fen, code(story, order), f"IN-{order.number}"))
    story.deliver(order)
    story.accept(order)
    return order


def drafted(story: Story, bank: Bank) -> Settlement:
    """Take a settlement to where the bank is told to pay it."""
    session = story.session
    settlement = settlements.draft(session, bank.clerk, supplier_id=story.supplier.id, now=NOON)
    settlements.decide(session, bank.colleague, settlement_id=settlement.id, event=SettlementEvent.APPROVE, now=NOON)
    settlements.instruct(session, bank.clerk, settlement_id=settlement.id, now=NOON)
    return settlement


def paid_by(settlement: Settlement) -> Movement:
    return Movement(-settlement.amount_fen, f"结算 {settlement.number}", f"OUT-{settlement.number}")


def settled(story: Story, bank: Bank) -> Settlement:
    settlement = drafted(story, bank)
    bank.tell(paid_by(settlement))
    return settlements.confirm(story.session, bank.clerk, settlement_id=settlement.id, now=NOON)


def test_f11_money_for_an_order_that_was_given_up_meanwhile_goes_back_once(story: Story, till: Till) -> None:
    order = online_order(story, "10")
    payment = till.begin(story.orderer, order)
    story.cancel(order)
    till.charge(payment)
    till.work(sweep=True)
    assert (order.captured_fen, till.complaints()) == (10_000, [])
    wish = Wish(None, "取消")
    (refund,) = refunding.request(story.session, till.clerk, order_id=order.id, wish=wish, now=till.now)
    refunding.decide(story.session, till.colleague, refund_id=refund.id, event=RefundEvent.APPROVE, now=till.now)
    for _ in range(2):
        till.work(sweep=True)
    assert (refund.status, order.refunded_fen) == (RefundStatus.SUCCEEDED, 10_000)
    assert agree(till) == Counter(charge=1, refund=1)


def test_f11_a_transfer_for_an_order_that_was_given_up_waits_for_a_person(story: Story, custody: Bank) -> None:
    order = placed(story, "10")
    story.cancel(order)
    custody.tell(Movement(10_000, code(story, order)))
    assert (custody.waiting(), standing(story, CashKind.UNMATCHED)) == ([Waiting.NOTHING_OWED], 10_000)
    assert complaints(story.session) == []


@pytest.mark.parametrize(("fen", "why"), [(9_999, Waiting.TOO_LITTLE), (10_001, Waiting.TOO_MUCH)])
def test_f12_a_transfer_of_another_amount_waits_whole_and_pays_nothing(
    story: Story, custody: Bank, fen: int, why: Waiting
) -> None:
    order = placed(story, "10")
    custody.tell(Movement(fen, code(story, order)))
    story.session.refresh(order)
    assert (order.captured_fen, custody.waiting(), standing(story, CashKind.UNMATCHED)) == (0, [why], fen)
    assert complaints(story.session) == []


def test_f13_of_goods_accepted_in_part_the_accepted_part_is_settled_and_the_rest_goes_back(
    story: Story, custody: Bank
) -> None:
    order = placed(story, "10")
    custody.tell(Movement(10_000, code(story, order), "IN"))
    story.deliver(order)
    story.accept(order, found={0: {"accepted": "7", "rejected": "3"}})
    settlement, refund = settled(story, custody), given_back(story, custody, order)
    assert (settlement.amount_fen, refund.amount_fen, refund.status) == (7_000, 3_000, RefundStatus.SUCCEEDED)
    assert (standing(story, CashKind.HELD), standing(story, CashKind.REFUND_PAYABLE), custody.waiting()) == (0, 0, [])
    assert complaints(story.session) == []


def test_f14_goods_that_come_back_before_the_settlement_are_paid_back_and_not_settled(
    story: Story, custody: Bank
) -> None:
    order = sold(story, custody, "10")
    story.give_back(order, "4")
    refund, settlement = given_back(story, custody, order), settled(story, custody)
    assert (refund.amount_fen, settlement.amount_fen, settlement.netted_fen) == (4_000, 6_000, 0)
    assert complaints(story.session) == []


def test_f14_goods_that_come_back_after_the_settlement_are_owed_by_the_supplier(story: Story, custody: Bank) -> None:
    order = sold(story, custody, "10")
    custody.tell(Movement(10_000, "备付金", "OWN"))
    settled(story, custody)
    recognised = story.standing(order, Step.RECOGNISED)
    story.give_back(order, "4")
    refund = given_back(story, custody, order)
    assert (refund.amount_fen, standing(story, CashKind.SUPPLIER_RECEIVABLE)) == (4_000, -4_000)
    assert story.standing(order, Step.RECOGNISED) < recognised
    assert complaints(story.session) == []


def test_f15_a_refund_that_fails_after_it_had_succeeded_goes_another_way_once(
    story: Story, till: Till, custody: Bank
) -> None:
    order = online_order(story, "10")
    till.pay(story.orderer, order)
    refund = asked_back(till, story, order)
    till.emulator.fail_refund(str(refund.provider_id))
    till.later(minutes=11)
    for _ in range(2):
        till.work(sweep=True)
    assert (refund.status, order.refunded_fen) == (RefundStatus.FAILED, 0)
    wish, payee = "改付银行", PAYER
    again = refunding.reroute(story.session, till.clerk, refund_id=refund.id, payee=payee, reason=wish, now=till.now)
    refunding.decide(story.session, till.colleague, refund_id=again.id, event=RefundEvent.APPROVE, now=till.now)
    refunding.send(story.session, till.clerk, refund_id=again.id, bank_name="工行", now=till.now)
    custody.tell(Movement(10_000, "备付金", "OWN"))
    custody.tell(Movement(-10_000, f"退款 {again.number}", "OUT"))
    till.work(sweep=True)
    assert (again.route, again.status, order.refunded_fen) == (RefundRoute.BANK, RefundStatus.SUCCEEDED, 10_000)
    assert agree(till) == Counter(charge=1, refund=1, refund_failure=1)


@pytest.mark.parametrize("lost", [True, False])
def test_f16_what_a_payers_bank_has_taken_back_is_not_refunded_as_well(story: Story, till: Till, *, lost: bool) -> None:
    order = online_order(story, "10")
    till.pay(story.orderer, order)
    story.cancel(order)
    wish = Wish(None, "取消")
    (asked,) = refunding.request(story.session, till.clerk, order_id=order.id, wish=wish, now=till.now)
    dispute = till.emulator.open_dispute(till.charge_of(order))
    till.work(sweep=True)
    with pytest.raises(DisputeOpenError), story.session.begin_nested():
        refunding.decide(story.session, till.colleague, refund_id=asked.id, event=RefundEvent.APPROVE, now=till.now)
    (till.emulator.lose_dispute if lost else till.emulator.win_dispute)(dispute["id"])
    for _ in range(2):
        till.work(sweep=True)
    if lost:
        assert (asked.status, order.refunded_fen) == (RefundStatus.DECLINED, 10_000)
        assert agree(till) == Counter(charge=1, adjustment=1)
        return
    refunding.decide(story.session, till.colleague, refund_id=asked.id, event=RefundEvent.APPROVE, now=till.now)
    till.work(sweep=True)
    assert order.refunded_fen == 10_000
    assert agree(till) == Counter(charge=1, adjustment=2, refund=1)


def test_f17_what_a_supplier_owes_is_taken_off_by_half_and_a_household_keeps_what_it_has(
    story: Story, custody: Bank
) -> None:
    first = sold(story, custody, "10")
    settled(story, custody)
    (household,) = {each.share.owner_id for each in story.standings(first) if each.share.kind is Kind.HOUSEHOLD}
    owed = story.held([first])[Kind.HOUSEHOLD, household, Step.RECOGNISED]
    story.disburse({household: owed})
    story.give_back(first, "10")
    assert standing(story, CashKind.SUPPLIER_RECEIVABLE) == -10_000
    assert story.advances(household) == owed
    taken = []
    for _ in range(3):
        sold(story, custody, "8")
        taken.append(settled(story, custody).netted_fen)
    assert taken == [4_000, 4_000, 2_000]
    assert standing(story, CashKind.SUPPLIER_RECEIVABLE) == 0
    assert complaints(story.session) == []


def test_f18_a_statement_told_twice_pays_a_settlement_and_a_refund_once(story: Story, custody: Bank) -> None:
    sold(story, custody, "10")
    cancelled = placed(story, "5")
    custody.tell(Movement(5_000, code(story, cancelled), "IN-5"))
    story.cancel(cancelled)
    settlement = drafted(story, custody)
    wish = Wish(None, "取消", PAYER)
    (refund,) = refunding.request(story.session, custody.clerk, order_id=cancelled.id, wish=wish, now=NOON)
    refunding.decide(story.session, custody.colleague, refund_id=refund.id, event=RefundEvent.APPROVE, now=NOON)
    refunding.send(story.session, custody.clerk, refund_id=refund.id, bank_name="工行", now=NOON)
    left = [paid_by(settlement), Movement(-5_000, f"退款 {refund.number}", "OUT-R")]
    custody.tell(*left)
    settlements.confirm(story.session, custody.clerk, settlement_id=settlement.id, now=NOON)
    with pytest.raises(StatementTakenError):
        custody.tell(*left)
    custody.tell(*left, Movement(77, "利息", "INT"))  # a longer statement tells the same lines again
    assert (settlement.status, refund.status) == (SettlementStatus.CONFIRMED, RefundStatus.SUCCEEDED)
    assert (cancelled.refunded_fen, standing(story, CashKind.IN_TRANSIT), standing(story, CashKind.SETTLEMENT)) == (
        5_000,
        0,
        0,
    )
    assert standing(story, CashKind.UNMATCHED) == 77
    assert complaints(story.session) == []
