"""A payment that the bank brings back is owed to the supplier again; households keep what they were paid of it."""

from uuid import UUID

import pytest
from sqlalchemy import orm

from market.attribution import confirming
from market.attribution.rules import Kind, Step
from market.banking.rules import Waiting
from market.channels.rules import FundsModel
from market.errors import TransitionError
from market.identity.rules import OrganisationKind, Role, Scope
from market.ledger import queries as ledger
from market.ledger.rules import Book
from market.orders.models import Order
from market.settlements import service
from market.settlements.rules import NotReturnedError, SettlementStatus
from tests import factories
from tests.payments.bank import Movement
from tests.payments.desk import Bank, code, complaints, in_custody, of_supplier
from tests.settlements.custody import comes_back, draft, paid, settle
from tests.story import NOON, TODAY, Story, open_channels


@pytest.fixture
def story(session: orm.Session) -> Story:
    open_channels(session)
    story = Story(session, price_fen=1_000)
    story.lot(1_000_000, {story.household().id: 300_000, story.household().id: 333_333})
    of_supplier(story)
    return story


@pytest.fixture
def custody(session: orm.Session) -> Bank:
    return in_custody(session)


def household_of(story: Story, order: Order) -> UUID:
    """Return the household whose share of the order is the greatest."""
    fens = {owner: fen for (kind, owner, _), fen in story.held([order]).items() if kind is Kind.HOUSEHOLD}
    return max(fens, key=lambda owner: fens[owner])


def steps(story: Story, order: Order, household: UUID) -> dict[Step, int]:
    """Return what the household has of the order, by step."""
    return {step: fen for (_, owner, step), fen in story.held([order]).items() if owner == household}


def test_money_that_comes_back_is_owed_to_the_supplier_again_and_recognised_no_more(
    story: Story, custody: Bank
) -> None:
    order = paid(story, custody, "10")
    settlement = settle(story, custody)
    accrued = story.held([order])
    comes_back(custody, settlement)
    story.session.refresh(order)
    assert settlement.status is SettlementStatus.RETURNED
    assert settlement.returned_on == custody.line().booked_on
    assert (order.settled_fen, order.paid_fen, story.standing(order, Step.RECOGNISED)) == (0, 0, 0)
    assert story.standing(order, Step.ACCRUED) == sum(accrued.values())
    assert ledger.balances(story.session, Book.CASH, on=TODAY)["supplier_payable"].credit_fen == 10_000
    assert custody.waiting() == []
    assert complaints(story.session) == []


def test_without_a_statement_that_tells_it_nothing_came_back(story: Story, custody: Bank) -> None:
    paid(story, custody, "10")
    settlement = settle(story, custody)
    for movement in (Movement(9_999, f"退汇 {settlement.number}", "B1"), Movement(10_000, "退汇", "B2")):
        custody.tell(movement)
        with pytest.raises(NotReturnedError):
            service.take_back(story.session, custody.clerk, settlement_id=settlement.id, now=NOON)
    assert complaints(story.session) == []


def test_what_comes_back_comes_back_once_and_only_of_what_was_paid(story: Story, custody: Bank) -> None:
    paid(story, custody, "10")
    settlement = settle(story, custody)
    comes_back(custody, settlement)
    with pytest.raises(TransitionError):
        service.take_back(story.session, custody.clerk, settlement_id=settlement.id, now=NOON)
    again = draft(story, custody)
    with pytest.raises(TransitionError):
        service.take_back(story.session, custody.clerk, settlement_id=again.id, now=NOON)


def test_the_queue_says_that_a_settlement_came_back(story: Story, custody: Bank) -> None:
    paid(story, custody, "10")
    settlement = settle(story, custody)
    custody.tell(
        Movement(settlement.amount_fen, f"退汇 {settlement.number}", "BACK"),
        Movement(settlement.amount_fen, "退汇 S20260302999999", "STRAY"),
    )
    assert custody.waiting() == [Waiting.RETURNED, Waiting.NO_CODE]


def test_a_household_keeps_what_it_was_paid_and_claims_it_when_the_next_settlement_recognises(
    story: Story, custody: Bank
) -> None:
    order = paid(story, custody, "10")
    settlement = settle(story, custody)
    household = household_of(story, order)
    assert steps(story, order, household) == {Step.RECOGNISED: 3_333}
    story.disburse({household: 300})
    comes_back(custody, settlement)
    assert steps(story, order, household) == {Step.ACCRUED: 3_333}
    assert story.advances(household) == 300
    assert complaints(story.session) == []
    assert settle(story, custody).amount_fen == 10_000
    assert steps(story, order, household) == {Step.RECOGNISED: 3_033, Step.DISBURSED: 300}
    assert story.advances(household) == 0
    assert complaints(story.session) == []


def test_what_a_household_has_confirmed_it_keeps_and_stands_confirmed_again(story: Story, custody: Bank) -> None:
    order = paid(story, custody, "10")
    settlement = settle(story, custody)
    household = household_of(story, order)
    payments = story.disburse({household: 300})
    office = factories.organisation(story.session, kind=OrganisationKind.VILLAGE_OFFICE)
    member = factories.member(story.session, office, Role.VILLAGE_CLERK)
    clerk = factories.actor(story.session, member, Scope.ALL)
    confirming.confirm(story.session, clerk, payment_ids=payments, on=TODAY, now=NOON)
    comes_back(custody, settlement)
    assert (steps(story, order, household), story.advances(household)) == ({Step.ACCRUED: 3_333}, 300)
    assert complaints(story.session) == []
    settle(story, custody)
    assert steps(story, order, household) == {Step.RECOGNISED: 3_033, Step.CONFIRMED: 300}
    assert complaints(story.session) == []


def test_what_it_keeps_is_claimed_at_once_by_what_other_orders_brought_it(story: Story, custody: Bank) -> None:
    first = paid(story, custody, "10")
    returned = settle(story, custody)
    household = household_of(story, first)
    story.disburse({household: 300})
    other = paid(story, custody, "10")
    settle(story, custody)
    comes_back(custody, returned)
    assert steps(story, other, household)[Step.DISBURSED] == 300
    assert story.advances(household) == 0
    assert complaints(story.session) == []


def test_goods_that_had_come_back_before_are_not_owed_again(story: Story, custody: Bank) -> None:
    order = paid(story, custody, "10")
    settlement = settle(story, custody)
    story.give_back(order, "8")
    comes_back(custody, settlement)
    assert complaints(story.session) == []
    assert settle(story, custody).amount_fen == 2_000
    assert complaints(story.session) == []


def test_what_was_netted_meanwhile_is_paid_by_the_next_settlement(story: Story, custody: Bank) -> None:
    first = paid(story, custody, "10")
    returned = settle(story, custody)
    story.give_back(first, "8")
    second = paid(story, custody, "10")
    assert settle(story, custody).netted_fen == 5_000
    comes_back(custody, returned)
    story.session.refresh(first)
    assert (first.settled_fen, first.paid_fen, story.standing(first, Step.RECOGNISED)) == (-5_000, -5_000, 0)
    assert complaints(story.session) == []
    assert settle(story, custody).amount_fen == 7_000
    assert (first.settled_fen, second.settled_fen) == (2_000, 10_000)
    assert complaints(story.session) == []


def test_a_payment_in_which_a_debt_was_netted_leaves_it_owed_when_it_comes_back(story: Story, custody: Bank) -> None:
    first = paid(story, custody, "10")
    settle(story, custody)
    story.give_back(first, "8")
    paid(story, custody, "10")
    comes_back(custody, settle(story, custody))
    assert ledger.balances(story.session, Book.CASH, on=TODAY)["supplier_receivable"].debit_fen == 8_000
    assert complaints(story.session) == []
    assert settle(story, custody).netted_fen == 5_000
    assert complaints(story.session) == []


def test_part_of_an_order_is_un_recognised_when_one_of_its_two_settlements_comes_back(
    story: Story, custody: Bank
) -> None:
    order = story.place("3", "7", funds_model=FundsModel.CUSTODIAN)
    custody.tell(Movement(order.amount_fen, code(story, order), "IN"))
    story.deliver(order)
    story.accept(order, only=[0])
    returned = settle(story, custody)
    story.accept(order, only=[1])
    settle(story, custody)
    comes_back(custody, returned)
    story.session.refresh(order)
    lost = {line.position: line.accepted_fen - line.paid_fen for line in story.lines(order)}
    assert sum(lost.values()) == returned.gross_fen
    assert all(lost.values())
    assert complaints(story.session) == []
    settle(story, custody)
    assert story.standing(order, Step.ACCRUED) == 0
    assert complaints(story.session) == []
