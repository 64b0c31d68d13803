"""What consigned produce brings: the household's basis points of its part of the proceeds, and never more."""

from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution import disbursing
from market.attribution.paying import Method, PaidBeyondDeliveryError
from market.attribution.rules import Kind, PaymentOrder, Step
from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.ledger.models import LedgerEntry
from tests.story import NOON, TODAY, Story, open_channels


@pytest.fixture
def story(session: orm.Session) -> Story:
    open_channels(session)
    return Story(session, tax_bp=900, price_fen=1_090)


def brought(story: Story, *orders: object) -> dict[UUID, int]:
    sums: dict[UUID, int] = {}
    for (kind, owner, _), fen in story.held(orders).items():  # type: ignore[arg-type]
        if kind is Kind.HOUSEHOLD:
            sums[owner] = sums.get(owner, 0) + fen
    return sums


def test_a_consigned_lot_brings_what_it_is_sold_for_and_falls_with_returns(story: Story) -> None:
    session = story.session
    first, second = story.household(), story.household()
    story.consign(100_000, {first.id: 45_000, second.id: 30_000}, others_milli=25_000)
    order = story.sell("40")
    assert brought(story, order) == {first.id: 162_00, second.id: 108_00}
    facts = session.scalars(sa.select(LedgerEntry.facts).where(LedgerEntry.reason == "accrual")).one()
    assert [row[1:] for row in facts["consigned"]] == [[75_000 * 9_000, 100_000]]
    story.pay(order, 436_00)
    story.disburse({first.id: 100_00})
    story.give_back(order, "10")
    assert brought(story, order) == {first.id: 121_50, second.id: 81_00}
    story.give_back(order, "30")
    assert brought(story, order) == {}
    assert story.advances(first.id) == 100_00
    assert verify(session).findings == ()
    assert examine(session) == []


def test_a_payment_ahead_for_consigned_produce_waits_for_what_it_brings(story: Story) -> None:
    first = story.household()
    _, (given_,) = story.consign(100_000, {first.id: 100_000})
    story.disburse({first.id: 500_00}, contributions={first.id: given_.id})
    order = story.sell("10")
    story.pay(order, 109_00)
    assert story.held([order])[Kind.HOUSEHOLD, first.id, Step.DISBURSED] == 90_00
    assert story.advances(first.id) == 410_00


def test_two_lots_sold_by_many_lines_and_taken_back_in_part_are_verified(story: Story) -> None:
    session = story.session
    families = [story.household() for _ in range(3)]
    story.consign(33_000, {family.id: 7_001 + place for place, family in enumerate(families)}, others_milli=11_994)
    story.lot(20_000, {families[0].id: 77_77})
    dried, _ = story.consign(29_000, {families[1].id: 29_500}, bp=7_777)
    dried.loss_milli = 500
    orders = [story.sell("17", "11"), story.sell("23"), story.sell("31")]
    for order in orders:
        story.give_back(order, "3", resaleable=False)
    assert verify(session).findings == ()
    assert examine(session) == []


def test_consigned_produce_that_was_sold_and_paid_takes_no_room_from_what_else_is_paid_ahead(story: Story) -> None:
    first = story.household()
    story.consign(10_000, {first.id: 10_000})
    order = story.sell("10")
    story.pay(order, 109_00)
    pay_by_hand(story, first.id, 90_00)
    story.lot(10_000, {first.id: 50_00})
    with pytest.raises(PaidBeyondDeliveryError):
        pay_by_hand(story, first.id, 50_01)
    pay_by_hand(story, first.id, 50_00)
    assert story.advances(first.id) == 50_00


def test_what_buyers_owe_of_consigned_produce_may_be_paid_ahead(story: Story) -> None:
    first = story.household()
    story.consign(10_000, {first.id: 10_000})
    with pytest.raises(PaidBeyondDeliveryError):
        pay_by_hand(story, first.id, 1)
    story.sell("10")
    pay_by_hand(story, first.id, 90_00)
    assert story.advances(first.id) == 90_00


def pay_by_hand(story: Story, household_id: UUID, fen: int) -> None:
    """Pay as a clerk does, who pays no more than was delivered or is owed."""
    order = PaymentOrder(Kind.HOUSEHOLD, household_id, fen, uuid4().hex, None)
    disbursing.disburse(
        story.session,
        story.clerk,
        paid_on=TODAY,
        method=Method.BANK_TRANSFER,
        evidence="银行回单",
        payments=[order],
        now=NOON,
    )
