"""Money in custody on its way to a supplier: drafted, approved by another, paid, told by the bank, recognised."""

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.rules import Step
from market.banking.rules import Meaning, PaidAfterAllError
from market.errors import FourEyesError, TransitionError
from market.settlements import queries, service
from market.settlements.models import Settlement
from market.settlements.rules import (
    LeftAlreadyError,
    NoPayeeAccountError,
    NothingToSettleError,
    NotOnStatementError,
    OpenSettlementError,
    SettlementEvent,
    SettlementStatus,
    StaleSettlementError,
)
from tests import factories
from tests.payments.bank import Movement
from tests.payments.desk import Bank, code, complaints, in_custody, of_supplier, placed, selling
from tests.settlements.custody import approve, draft, instruct, paid, settle
from tests.story import NOON, Story


@pytest.fixture
def story(session: orm.Session) -> Story:
    story = selling(session)
    of_supplier(story)
    return story


@pytest.fixture
def custody(session: orm.Session) -> Bank:
    return in_custody(session)


def test_shares_are_recognised_when_the_bank_says_that_the_money_left(story: Story, custody: Bank) -> None:
    order = paid(story, custody, "10")
    settlement = draft(story, custody)
    assert (settlement.amount_fen, settlement.status) == (10_000, SettlementStatus.DRAFT)
    approve(custody, settlement)
    instruct(custody, settlement)
    assert story.standing(order, Step.RECOGNISED) == 0
    assert complaints(story.session) == []
    with pytest.raises(NotOnStatementError):
        service.confirm(story.session, custody.clerk, settlement_id=settlement.id, now=NOON)
    custody.tell(Movement(-10_000, f"结算 {settlement.number}", "OUT-1"))
    service.confirm(story.session, custody.clerk, settlement_id=settlement.id, now=NOON)
    story.session.refresh(order)
    assert (order.paid_fen, story.standing(order, Step.ACCRUED)) == (10_000, 0)
    assert custody.waiting() == []
    assert complaints(story.session) == []


def test_who_drafts_does_not_approve_and_a_settlement_ends_once(story: Story, custody: Bank) -> None:
    paid(story, custody, "10")
    settlement = draft(story, custody)
    with pytest.raises(FourEyesError):
        service.decide(
            story.session, custody.clerk, settlement_id=settlement.id, event=SettlementEvent.APPROVE, now=NOON
        )
    with pytest.raises(OpenSettlementError):
        draft(story, custody)
    approve(custody, settlement)
    with pytest.raises(TransitionError):
        approve(custody, settlement)


def test_what_was_settled_is_not_settled_again(story: Story, custody: Bank) -> None:
    paid(story, custody, "10")
    settle(story, custody)
    with pytest.raises(NothingToSettleError):
        draft(story, custody)
    paid(story, custody, "3")
    assert settle(story, custody).amount_fen == 3_000
    assert complaints(story.session) == []


def test_goods_that_come_back_after_settlement_are_netted_up_to_half_of_the_next_ones(
    story: Story, custody: Bank
) -> None:
    first = paid(story, custody, "10")
    settle(story, custody)
    story.give_back(first, "8")
    assert complaints(story.session) == []
    paid(story, custody, "10")
    second = settle(story, custody)
    assert (second.gross_fen, second.netted_fen, second.amount_fen) == (10_000, 5_000, 5_000)
    assert (second.owed_after_fen, second.owed_apart_fen) == (3_000, 0)
    assert complaints(story.session) == []
    paid(story, custody, "10")
    third = settle(story, custody)
    assert (third.netted_fen, third.amount_fen, third.owed_after_fen) == (3_000, 7_000, 0)
    story.session.refresh(first)
    assert (first.settled_fen, first.paid_fen) == (2_000, 2_000)
    assert complaints(story.session) == []


def test_what_is_cut_of_the_price_after_settlement_is_netted_with_the_next_one(story: Story, custody: Bank) -> None:
    first = paid(story, custody, "10")
    settle(story, custody)
    story.cut(first, 3_000)
    assert complaints(story.session) == []
    paid(story, custody, "10")
    second = settle(story, custody)
    assert (second.gross_fen, second.netted_fen, second.amount_fen) == (10_000, 3_000, 7_000)
    story.session.refresh(first)
    assert (first.settled_fen, first.paid_fen) == (7_000, 7_000)
    assert complaints(story.session) == []


def test_what_changed_after_the_draft_is_not_approved(story: Story, custody: Bank) -> None:
    order = paid(story, custody, "10")
    settlement = draft(story, custody)
    story.give_back(order, "1")
    with pytest.raises(StaleSettlementError):
        approve(custody, settlement)


def test_a_payment_that_fails_leaves_the_supplier_owed_what_it_was(story: Story, custody: Bank) -> None:
    order = paid(story, custody, "10")
    settlement = draft(story, custody)
    approve(custody, settlement)
    instruct(custody, settlement)
    with pytest.raises(FourEyesError):  # the file is still in the hands of who instructed it
        service.fail(story.session, custody.clerk, settlement_id=settlement.id, now=NOON)
    service.fail(story.session, custody.colleague, settlement_id=settlement.id, now=NOON)
    story.session.refresh(order)
    assert (order.settled_fen, story.standing(order, Step.RECOGNISED)) == (0, 0)
    assert complaints(story.session) == []
    assert settle(story, custody).amount_fen == 10_000
    assert complaints(story.session) == []


def test_nothing_is_settled_anew_while_a_statement_tells_that_what_failed_was_paid(story: Story, custody: Bank) -> None:
    paid(story, custody, "10")
    settlement = draft(story, custody)
    approve(custody, settlement)
    instruct(custody, settlement)
    service.fail(story.session, custody.colleague, settlement_id=settlement.id, now=NOON)
    custody.tell(Movement(-10_000, f"结算 {settlement.number}", "OUT"))
    with pytest.raises(PaidAfterAllError):
        draft(story, custody)
    custody.mean(Meaning.BANK_ERROR)
    assert draft(story, custody).amount_fen == 10_000


def test_what_was_drafted_anew_is_not_paid_either_once_a_statement_tells_that_what_failed_was(
    story: Story, custody: Bank
) -> None:
    paid(story, custody, "10")
    first = draft(story, custody)
    approve(custody, first)
    instruct(custody, first)
    service.fail(story.session, custody.colleague, settlement_id=first.id, now=NOON)
    second = draft(story, custody)
    with story.session.begin_nested() as before:
        custody.tell(Movement(-10_000, f"结算 {first.number}", "OUT"))
        with pytest.raises(PaidAfterAllError):
            approve(custody, second)
        before.rollback()
    approve(custody, second)
    custody.tell(Movement(-10_000, f"结算 {first.number}", "OUT"))
    with pytest.raises(PaidAfterAllError):
        instruct(custody, second)


def test_goods_accepted_before_they_are_paid_for_are_settled_as_far_as_they_are_paid(
    story: Story, custody: Bank
) -> None:
    order = placed(story, "10")
    story.deliver(order)
    story.accept(order)
    with pytest.raises(NothingToSettleError):
        draft(story, custody)
    custody.tell(Movement(10_000, code(story, order), "IN"))
    assert settle(story, custody).amount_fen == 10_000
    assert complaints(story.session) == []


def test_a_supplier_without_an_account_that_another_confirmed_is_not_paid(session: orm.Session, custody: Bank) -> None:
    story = selling(session)
    paid(story, custody, "10")
    known = factories.bank_account(session, story.clerk, confirmed=False)
    with pytest.raises(NoPayeeAccountError, match="confirmed and open"):
        draft(story, custody)
    factories.confirm(session, known)
    for opener in (story.clerk, custody.clerk):
        factories.bank_account(session, opener, confirmed=False)
    settlement = draft(story, custody)
    assert (settlement.payee_account_id, settlement.paying_account_id) == (known.id, custody.account.id)


def test_the_items_say_of_which_order_every_fen_is(story: Story, custody: Bank) -> None:
    orders = {paid(story, custody, "10").id: 10_000, paid(story, custody, "4").id: 4_000}
    settlement = settle(story, custody)
    found = queries.items_of(story.session, [settlement.id])
    assert {item.order_id: item.gross_fen for item in found} == orders
    assert story.session.scalar(sa.select(Settlement.amount_fen)) == sum(orders.values())


def test_a_settlement_that_a_statement_tells_has_left_did_not_fail(story: Story, custody: Bank) -> None:
    paid(story, custody, "10")
    settlement = draft(story, custody)
    approve(custody, settlement)
    instruct(custody, settlement)
    custody.tell(Movement(-10_000, f"结算 {settlement.number}", "OUT"))
    for said in (None, Meaning.BANK_FEE):
        if said:
            custody.mean(said)
        with pytest.raises(LeftAlreadyError):
            service.fail(story.session, custody.colleague, settlement_id=settlement.id, now=NOON)
