"""What a bank tells of the buyers' money: in custody or at a supplier's bank, matched to the fen, or waiting."""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.rules import Step
from market.audit.reconciling import reconcile
from market.audit.rules import Reason
from market.banking.models import BankAccount, BankLine
from market.banking.rules import BankAccountTakenError, Meaning, StatementTakenError, Waiting
from market.banks.rules import StatementFaultsError
from market.cash.rules import CashKind
from market.channels.rules import FundsModel
from market.errors import FourEyesError, InvalidInputError, NotFoundError, TransitionError
from market.identity.rules import Role, Scope
from market.ledger.queries import Balance, balances
from market.ledger.rules import Book
from market.orders.models import Order
from market.orders.queries import owed_back
from market.payments import matching
from market.payments import meaning as said
from market.payments.models import Receipt
from market.payments.rules import (
    LineSpentError,
    MatchedOnceError,
    NotOfThisAccountError,
    NotUndoneError,
    OrderPart,
    OverpaidError,
    ProposalEvent,
)
from tests import factories
from tests.payments.bank import Movement, export
from tests.payments.desk import Bank, code, complaints, in_custody, of_supplier, placed, selling
from tests.story import NOON, Story


@pytest.fixture
def story(session: orm.Session) -> Story:
    return selling(session)


@pytest.fixture
def custody(session: orm.Session) -> Bank:
    return in_custody(session)


@pytest.fixture
def own(story: Story) -> Bank:
    return of_supplier(story)


def test_money_in_custody_is_held_until_acceptance_and_recognises_nothing(story: Story, custody: Bank) -> None:
    order = placed(story, "10")
    assert custody.tell(Movement(10_000, f"货款 识别码{code(story, order)}"), Movement(-700, "手续费")) == 1
    story.session.refresh(order)
    assert (order.captured_fen, order.paid_fen) == (10_000, 0)
    assert custody.waiting() == [Waiting.WENT_OUT]
    story.deliver(order)
    story.accept(order)
    assert story.standing(order, Step.RECOGNISED) == 0
    assert story.standing(order, Step.ACCRUED) > 0
    assert complaints(story.session) == []


def test_one_transfer_pays_orders_of_several_groups_and_two_transfers_pay_one(story: Story, custody: Bank) -> None:
    first, second, third = (placed(story, quantity) for quantity in ("1", "2", "3"))
    both = Movement(3_000, code(story, first, second), "A1")
    parts = [Movement(1_000, code(story, third), "A2"), Movement(2_000, code(story, third), "A3", name="县财政局")]
    assert custody.tell(both, *parts) == 3
    for order in (first, second, third):
        story.session.refresh(order)
        assert order.captured_fen == order.amount_fen
    assert complaints(story.session) == []


@pytest.mark.parametrize(
    ("fen", "why"), [(9_999, Waiting.TOO_LITTLE), (10_001, Waiting.TOO_MUCH), (20_000, Waiting.TOO_MUCH)]
)
def test_what_is_paid_too_little_or_too_much_waits_and_is_never_guessed(
    story: Story, custody: Bank, fen: int, why: Waiting
) -> None:
    order = placed(story, "10")
    assert custody.tell(Movement(fen, code(story, order))) == 0
    story.session.refresh(order)
    assert (order.captured_fen, custody.waiting()) == (0, [why])
    assert complaints(story.session) == []


def test_what_was_too_little_pays_with_the_transfer_that_completes_it(story: Story, custody: Bank) -> None:
    order = placed(story, "10")
    assert custody.tell(Movement(6_000, code(story, order), "A1")) == 0
    assert custody.tell(Movement(4_000, code(story, order), "A2")) == 2
    assert custody.waiting() == []
    assert complaints(story.session) == []


def test_money_for_an_order_that_was_given_up_waits(story: Story, custody: Bank) -> None:
    order = placed(story, "10")
    story.cancel(order)
    assert custody.tell(Movement(10_000, code(story, order))) == 0
    assert custody.waiting() == [Waiting.NOTHING_OWED]


def test_a_wrong_digit_finds_no_order(story: Story, custody: Bank) -> None:
    order = placed(story, "10")
    digits = code(story, order)
    wrong = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    assert custody.tell(Movement(10_000, wrong, "A1"), Movement(10_000, "没有识别码", "A2")) == 0
    assert custody.waiting() == [Waiting.NO_CODE, Waiting.NO_CODE]


def test_the_same_statement_is_imported_once_and_overlapping_ones_tell_each_line_once(
    story: Story, custody: Bank
) -> None:
    order = placed(story, "10")
    paid = Movement(10_000, code(story, order), "A1")
    custody.tell(paid)
    with pytest.raises(StatementTakenError):
        custody.tell(paid)
    assert custody.tell(paid, Movement(500, "利息", "A2")) == 0
    told = story.session.scalars(sa.select(BankLine.amount_fen).order_by(BankLine.id)).all()
    assert told == [10_000, 500]
    assert complaints(story.session) == []


def test_a_statement_with_a_fault_changes_nothing(story: Story, custody: Bank) -> None:
    order = placed(story, "10")
    good = export(Movement(10_000, code(story, order)))
    with pytest.raises(StatementFaultsError):
        matching.take_over(
            story.session,
            custody.clerk,
            account_id=custody.account.id,
            content=good.replace(b"100.00", b"100.001"),
            profile=None,
            now=NOON,
        )
    assert story.session.scalar(sa.select(sa.func.count()).select_from(BankLine)) == 0


def test_a_suppliers_own_account_recognises_at_once_what_its_buyers_paid(story: Story, own: Bank) -> None:
    order = placed(story, "10", model=FundsModel.DIRECT)
    story.deliver(order)
    story.accept(order)
    assert own.tell(Movement(10_000, code(story, order), "A1")) == 1
    story.session.refresh(order)
    assert (order.captured_fen, order.paid_fen) == (10_000, 10_000)
    assert story.standing(order, Step.ACCRUED) == 0
    assert complaints(story.session) == []


def test_what_a_supplier_recorded_by_hand_is_not_counted_again_when_its_bank_tells_it(story: Story, own: Bank) -> None:
    order = placed(story, "10", model=FundsModel.DIRECT)
    story.pay(order, 10_000, reference="农行-A1")
    assert own.tell(Movement(10_000, code(story, order), "农行 a1")) == 1
    story.session.refresh(order)
    assert (order.captured_fen, own.waiting()) == (10_000, [])
    assert len(story.session.scalars(sa.select(Receipt)).all()) == 1
    assert complaints(story.session) == []


def test_a_code_in_the_wrong_account_pays_nothing(story: Story, custody: Bank, own: Bank) -> None:
    direct, held = placed(story, "1", model=FundsModel.DIRECT), placed(story, "1")
    assert custody.tell(Movement(1_000, code(story, direct))) == 0
    assert own.tell(Movement(1_000, code(story, held))) == 0
    assert custody.waiting() == own.waiting() == [Waiting.UNKNOWN_CODE]
    with pytest.raises(NotOfThisAccountError):
        own.propose(OrderPart(held.id, 1_000))


def test_who_proposes_a_match_does_not_decide_on_it_and_a_line_has_one_at_a_time(story: Story, custody: Bank) -> None:
    order = placed(story, "10")
    custody.tell(Movement(12_000, "货款"))
    proposal = custody.propose(OrderPart(order.id, 10_000))
    with pytest.raises(FourEyesError):
        custody.decide(proposal, ProposalEvent.APPROVE, by=custody.clerk)
    with pytest.raises(MatchedOnceError):
        custody.propose(OrderPart(order.id, 1))


def test_what_is_left_of_a_matched_line_goes_on_waiting(story: Story, custody: Bank) -> None:
    order = placed(story, "10")
    custody.tell(Movement(12_000, "货款"))
    custody.decide(custody.propose(OrderPart(order.id, 10_000)), ProposalEvent.APPROVE)
    story.session.refresh(order)
    assert (order.captured_fen, custody.line().open_fen, custody.waiting()) == (10_000, 2_000, [Waiting.NO_CODE])
    assert complaints(story.session) == []


def test_a_declined_match_pays_nothing_and_another_may_be_proposed(story: Story, custody: Bank) -> None:
    order = placed(story, "10")
    custody.tell(Movement(10_000, "货款"))
    proposal = custody.propose(OrderPart(order.id, 10_000))
    custody.decide(proposal, ProposalEvent.DECLINE)
    assert custody.line().open_fen == 10_000
    with pytest.raises(TransitionError):
        custody.decide(proposal, ProposalEvent.APPROVE)
    custody.decide(custody.propose(OrderPart(order.id, 10_000)), ProposalEvent.APPROVE)
    assert custody.waiting() == []


def _too_much_of_the_line(order: Order) -> list[OrderPart]:
    return [OrderPart(order.id, 5_001)]


def _too_much_for_the_order(order: Order) -> list[OrderPart]:
    return [OrderPart(order.id, 10_001)]


@pytest.mark.parametrize(
    ("parts", "refusal"), [(_too_much_of_the_line, LineSpentError), (_too_much_for_the_order, OverpaidError)]
)
def test_a_match_gives_no_more_than_the_line_has_and_the_order_owes(
    story: Story, custody: Bank, parts: Callable[[Order], list[OrderPart]], refusal: type[Exception]
) -> None:
    order = placed(story, "10")
    custody.tell(Movement(5_000, "货款"))
    with pytest.raises(refusal):
        custody.propose(*parts(order))


def test_another_suppliers_clerk_neither_sees_the_account_nor_its_lines(session: orm.Session, own: Bank) -> None:
    own.tell(Movement(10_000, "货款"))
    stranger = factories.actor(
        session, factories.member(session, factories.organisation(session), Role.SUPPLIER_CLERK), Scope.OWN
    )
    line_id = own.line().id
    with pytest.raises(NotFoundError):
        matching.propose(session, stranger, line_id=line_id, parts=[OrderPart(UUID(int=1), 1)], reason="看看", now=NOON)
    with pytest.raises(NotFoundError):
        matching.take_over(session, stranger, account_id=own.account.id, content=export(), profile=None, now=NOON)


def test_an_account_is_registered_once_however_its_number_is_written(session: orm.Session, custody: Bank) -> None:
    number = session.get_one(BankAccount, custody.account.id).number
    with pytest.raises(BankAccountTakenError):
        factories.bank_account(session, custody.clerk, account_number=number.replace(" ", "-"))


LATER = NOON + timedelta(days=30)


def test_money_counts_from_the_day_on_which_the_bank_booked_it(story: Story, own: Bank) -> None:
    order = placed(story, "10", model=FundsModel.DIRECT)
    own.tell(Movement(10_000, code(story, order), on=date(2026, 3, 5)), now=LATER)
    story.session.refresh(order)
    assert order.paid_on == date(2026, 3, 5)


@pytest.mark.parametrize("on", [date(2026, 3, 3), date(2024, 12, 1)])
def test_a_bank_tells_neither_the_future_nor_what_is_long_past(custody: Bank, on: date) -> None:
    with pytest.raises(StatementFaultsError):
        custody.tell(Movement(10_000, "货款", on=on))


def test_money_from_before_an_order_was_placed_is_not_its(story: Story, custody: Bank) -> None:
    order = placed(story, "10")
    custody.tell(Movement(10_000, code(story, order), on=date(2026, 3, 1)))
    assert custody.waiting() == [Waiting.NO_CODE]
    with pytest.raises(InvalidInputError):
        custody.propose(OrderPart(order.id, 10_000))


def test_a_line_of_a_supplier_is_matched_in_two_parts(story: Story, own: Bank) -> None:
    orders = [placed(story, "5", model=FundsModel.DIRECT) for _ in range(2)]
    own.tell(Movement(10_000, "货款", "0001"))
    for order in orders:
        own.decide(own.propose(OrderPart(order.id, 5_000)), ProposalEvent.APPROVE)
    assert own.waiting() == []
    assert complaints(story.session) == []


def test_a_bank_gives_a_reference_again(story: Story, own: Bank) -> None:
    first, second, third = (placed(story, "5", model=FundsModel.DIRECT) for _ in range(3))
    told = [
        Movement(5_000, code(story, first), "0001"),
        Movement(5_000, code(story, second), "0001", on=date(2026, 3, 20)),
        Movement(5_000, code(story, third), "0"),
    ]
    assert own.tell(*told, now=LATER) == 3
    assert complaints(story.session) == []


def test_new_money_under_a_reference_that_was_recorded_long_ago_is_new(story: Story, own: Bank) -> None:
    known, new = (placed(story, "5", model=FundsModel.DIRECT) for _ in range(2))
    story.pay(known, 5_000, reference="0001")
    assert own.tell(Movement(5_000, code(story, new), "0001", on=date(2026, 3, 20)), now=LATER) == 1
    story.session.refresh(new)
    assert new.captured_fen == 5_000
    assert complaints(story.session) == []


def _cancel(story: Story, order: Order) -> None:
    story.cancel(order)


def _reject(story: Story, order: Order) -> None:
    story.deliver(order)
    story.accept(order, found={0: {"accepted": "6", "rejected": "4"}})


def _return(story: Story, order: Order) -> None:
    story.deliver(order)
    story.accept(order)
    story.give_back(order, "4")


@pytest.mark.parametrize(("happens", "back_fen"), [(_cancel, 10_000), (_reject, 4_000), (_return, 4_000)])
def test_what_was_paid_into_custody_and_is_not_kept_is_owed_back(
    story: Story, custody: Bank, happens: Callable[[Story, Order], None], back_fen: int
) -> None:
    order = placed(story, "10")
    custody.tell(Movement(10_000, code(story, order)))
    happens(story, order)
    assert owed_back(story.session, [order.id]) == {order.id: back_fen}
    assert complaints(story.session) == []


def test_goods_accepted_earlier_than_they_were_paid_for_are_held_on_no_day_below_zero(
    story: Story, custody: Bank
) -> None:
    order = placed(story, "10")
    story.deliver(order)
    custody.tell(Movement(10_000, code(story, order), on=date(2026, 3, 20)), now=LATER)
    story.accept(order, on=date(2026, 3, 5))
    for day in (date(2026, 3, 10), date(2026, 3, 31)):
        held = balances(story.session, Book.CASH, on=day).get(CashKind.HELD, Balance(0, 0))
        assert held.debit_fen == 0
    assert complaints(story.session) == []


def test_lines_of_no_order_are_booked_by_two_peoples_word_and_wait_again_when_it_is_undone(
    story: Story, custody: Bank
) -> None:
    told = [
        (3_000, Meaning.INTEREST),
        (-700, Meaning.BANK_FEE),
        (5_000, Meaning.NOT_OURS),
        (-900, Meaning.OWN_TRANSFER),
    ]
    matches = []
    for fen, meaning in told:
        custody.tell(Movement(fen, "无订单", f"N{fen}"))
        matches.append(custody.mean(meaning))
    assert (custody.waiting(), complaints(story.session)) == ([], [])
    on_the_way = {(each.reason, each.fen) for each in reconcile(story.session, now=NOON).breaks}
    assert on_the_way == {(Reason.MISTAKEN, 5_000), (Reason.OWN_TRANSFER, -900)}
    custody.tell(Movement(-5_000, "退回误入款", "N0"))
    custody.mean(Meaning.NOT_OURS)
    undoing = said.undo(story.session, custody.clerk, proposal_id=matches[0], reason="是货款", now=NOON)
    with pytest.raises(FourEyesError):
        custody.decide(undoing.id, ProposalEvent.APPROVE, by=custody.clerk)
    custody.decide(undoing.id, ProposalEvent.APPROVE)
    assert (custody.waiting(), complaints(story.session)) == ([Waiting.NO_CODE], [])
    found = reconcile(story.session, now=NOON)
    assert {(each.reason, each.fen) for each in found.breaks} == {
        (Reason.UNMATCHED, 3_000),
        (Reason.OWN_TRANSFER, -900),
    }
    assert found.unexplained_fen == 0
    for again in (matches[0], undoing.id):
        with pytest.raises(NotUndoneError):
            said.undo(story.session, custody.clerk, proposal_id=again, reason="再撤", now=NOON)


def test_a_line_has_the_meaning_of_all_that_is_open_of_it_and_in_custody_none_is_unrelated(
    story: Story, custody: Bank, own: Bank
) -> None:
    own.tell(Movement(800, "货款", "A1"))
    own.mean(Meaning.UNRELATED)
    assert (own.waiting(), complaints(story.session)) == ([], [])
    with pytest.raises(LineSpentError):
        own.mean(Meaning.INTEREST)
    custody.tell(Movement(800, "货款", "A1"))
    with pytest.raises(InvalidInputError):
        custody.mean(Meaning.UNRELATED)
