"""What a clerk recorded by hand and what the supplier's bank told under the same reference: it counts once."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.rules import CountedByHandError, Meaning, ToldByStatementError, Waiting
from market.channels.rules import FundsModel
from market.db import Database
from market.orders.models import Order
from market.payments.models import Receipt
from market.payments.rules import LineSpentError, OrderPart, ProposalEvent, ReceiptTakenError
from tests.payments.bank import Movement
from tests.payments.desk import Bank, code, complaints, of_supplier, selling
from tests.payments.desk import placed as placed_paying
from tests.racing import Act, crossings, is_sound
from tests.story import NOON, Story

LATER = NOON + timedelta(days=30)


@pytest.fixture
def story(session: orm.Session) -> Story:
    return selling(session)


@pytest.fixture
def own(story: Story) -> Bank:
    return of_supplier(story)


def placed(story: Story, quantity: str = "10") -> Order:
    return placed_paying(story, quantity, model=FundsModel.DIRECT)


def captured(story: Story, *orders: Order) -> list[int]:
    for order in orders:
        story.session.refresh(order)
    return [order.captured_fen for order in orders]


def test_a_receipt_recorded_by_hand_closes_the_line_that_told_it_before(story: Story, own: Bank) -> None:
    recorded, other = placed(story), placed(story)
    own.tell(Movement(10_000, "货款", "农行-777"))
    story.pay(recorded, 10_000, reference="农行 777", on=date(2026, 3, 2))
    assert (own.waiting(), own.line().open_fen) == ([], 0)
    with pytest.raises(LineSpentError):
        own.propose(OrderPart(other.id, 10_000))
    assert own.tell(Movement(10_000, code(story, other), "778")) == 1
    assert captured(story, recorded, other) == [10_000, 10_000]
    assert complaints(story.session) == []


@pytest.mark.parametrize(
    "told", [Movement(9_000, "货款", "777"), Movement(10_000, "货款", "777", on=date(2026, 3, 20))]
)
def test_a_receipt_that_a_statement_tells_otherwise_is_not_recorded_by_hand(
    story: Story, own: Bank, told: Movement
) -> None:
    order = placed(story)
    own.tell(told, now=LATER)
    with pytest.raises(ToldByStatementError) as refused:
        story.pay(order, 10_000, reference="7-77")
    assert refused.value.pointer == "/bank_reference"
    assert (captured(story, order), own.waiting()) == ([0], [Waiting.NO_CODE])


def test_of_two_lines_that_tell_the_same_nobody_knows_which_was_recorded(story: Story, own: Bank) -> None:
    own.tell(Movement(10_000, "货款", "777"), Movement(10_000, "货款", "777", on=date(2026, 3, 3)), now=LATER)
    with pytest.raises(ToldByStatementError):
        story.pay(placed(story), 10_000, reference="777")


def test_a_line_whose_match_waits_for_its_decision_is_not_recorded_by_hand(story: Story, own: Bank) -> None:
    recorded, proposed = placed(story), placed(story)
    own.tell(Movement(10_000, "货款", "777"))
    proposal = own.propose(OrderPart(proposed.id, 10_000))
    with pytest.raises(ToldByStatementError):
        story.pay(recorded, 10_000, reference="777")
    own.decide(proposal, ProposalEvent.APPROVE)
    with pytest.raises(ReceiptTakenError):
        story.pay(recorded, 10_000, reference="777")
    assert captured(story, recorded, proposed) == [0, 10_000]


def test_a_line_that_brought_no_money_stands_in_no_receipts_way(story: Story, own: Bank) -> None:
    order = placed(story)
    own.tell(Movement(-50, "手续费", "777"))
    story.pay(order, 10_000, reference="777")
    assert captured(story, order) == [10_000]


def test_a_line_that_tells_otherwise_what_was_recorded_is_matched_by_two_people_and_by_no_more_than_is_left(
    story: Story, own: Bank
) -> None:
    recorded, named = placed(story, "4"), placed(story)
    story.pay(recorded, 4_000, reference="777")
    assert own.tell(Movement(10_000, code(story, named), "777")) == 0
    assert (captured(story, named), own.waiting()) == ([0], [Waiting.RECORDED_OTHERWISE])
    with pytest.raises(CountedByHandError):
        own.propose(OrderPart(named.id, 6_001))
    own.decide(own.propose(OrderPart(named.id, 6_000)), ProposalEvent.APPROVE)
    assert captured(story, named) == [6_000]
    with pytest.raises(CountedByHandError):
        own.propose(OrderPart(named.id, 1))
    assert complaints(story.session) == []
    own.mean(Meaning.UNRELATED)
    assert (own.waiting(), complaints(story.session)) == ([], [])


def test_of_two_lines_that_tell_what_was_recorded_one_may_pay(story: Story, own: Bank) -> None:
    recorded, other, third = (placed(story) for _ in range(3))
    story.pay(recorded, 10_000, reference="777")
    assert own.tell(Movement(10_000, code(story, other), "777"), Movement(10_000, code(story, third), "7 77")) == 0
    assert own.waiting() == [Waiting.RECORDED_OTHERWISE] * 2
    own.decide(own.propose(OrderPart(other.id, 10_000)), ProposalEvent.APPROVE)
    assert complaints(story.session) == []
    own.tell(Movement(1, "利息", "A9"))
    assert (captured(story, third), len(story.session.scalars(sa.select(Receipt)).all())) == ([0], 2)
    assert complaints(story.session) == []


def test_a_line_is_recorded_by_hand_while_its_statement_is_imported_and_counts_once(committed_db: Database) -> None:
    with committed_db.transaction() as session:
        story = selling(session)
        bank = of_supplier(story)
    references: list[str] = []

    def begin() -> tuple[Act, Act]:
        references.append(f"777{len(references)}")
        reference = references[-1]
        with committed_db.transaction() as session:
            here = story.elsewhere(session)
            order, other = placed(here), placed(here)
            remark = code(here, other)

        def by_hand() -> None:
            with committed_db.transaction() as session:
                here = story.elsewhere(session)
                here.pay(session.get_one(Order, order.id), 10_000, reference=reference)

        def imports() -> int:
            with committed_db.transaction() as session:
                teller = Bank.__new__(Bank)
                teller.__dict__ |= bank.__dict__ | {"session": session}
                return teller.tell(Movement(10_000, remark, reference))

        return by_hand, imports

    for crossed in crossings(committed_db, begin, least=2):
        assert [type(each) for each in crossed] in ([type(None), int], [ReceiptTakenError, int])
    with committed_db.transaction() as session:
        receipts = session.scalars(sa.select(Receipt.reference_key)).all()
        assert sorted(receipts) == sorted(references)
    is_sound(committed_db, NOON)
