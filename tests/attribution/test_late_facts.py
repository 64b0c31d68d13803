"""Facts are recorded in any order; no entry counts before what it takes from, and nobody is owed what is paid ahead."""

from datetime import date
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution import queries
from market.attribution.rules import Kind, Step
from market.audit.verifying import verify
from market.errors import InvalidInputError
from market.ledger.models import LedgerEntry
from tests import factories
from tests.story import TODAY, Story, open_channels

SECOND, FIFTH, NINTH, TWELFTH = (date(2026, 3, day) for day in (2, 5, 9, 12))


@pytest.fixture(autouse=True)
def _channels(session: orm.Session) -> None:
    open_channels(session)


@pytest.fixture
def story(session: orm.Session) -> Story:
    return Story(session)


def days(session: orm.Session, *reasons: str) -> list[tuple[str, date, date | None]]:
    """Return the entries in the order in which they were posted: why, from which day on, and for which day."""
    entries = sa.select(LedgerEntry.reason, LedgerEntry.effective_on, LedgerEntry.original_effective_on)
    posted = session.execute(entries.where(LedgerEntry.reason.in_(reasons)).order_by(LedgerEntry.id))
    return [(reason, on, original) for reason, on, original in posted]


def owed(story: Story, *owners: UUID) -> int:
    return sum(item.fen for item in queries.owed(story.session, story.supplier.id, owners))


def test_goods_paid_before_they_came_are_recognised_when_they_are_accepted(story: Story) -> None:
    story.lot(100_000, {story.household().id: 50_000})
    order = story.sell("10", on=FIFTH)
    story.pay(order, 10_000, on=SECOND)
    assert days(story.session, "recognition") == [("recognition", FIFTH, None)]


def test_an_acceptance_recorded_after_later_money_is_recognised_when_the_money_came(story: Story) -> None:
    story.lot(100_000, {story.household().id: 50_000})
    order = story.place("10")
    story.deliver(order)
    story.pay(order, 10_000, on=NINTH)
    story.accept(order, on=FIFTH)
    assert days(story.session, "accrual", "recognition") == [("accrual", FIFTH, None), ("recognition", NINTH, None)]


def test_receipts_recorded_in_the_wrong_order_are_recognised_each_on_its_own_day(story: Story) -> None:
    story.lot(100_000, {story.household().id: 50_000})
    order = story.sell("10")
    story.pay(order, 4_000, on=NINTH)
    story.pay(order, 6_000, on=FIFTH)
    assert days(story.session, "recognition") == [("recognition", NINTH, None), ("recognition", FIFTH, None)]


def test_a_receipt_recorded_after_a_later_payment_claims_it_when_it_was_paid(story: Story) -> None:
    household = story.household()
    story.lot(100_000, {household.id: 50_000})
    order = story.sell("10")
    story.disburse({household.id: 2_000}, on=NINTH)
    story.pay(order, 10_000, on=FIFTH)
    assert days(story.session, "recognition", "matching") == [("recognition", FIFTH, None), ("matching", NINTH, None)]
    assert not verify(story.session).findings


def test_a_return_recorded_after_a_later_payment_counts_from_that_payment(story: Story) -> None:
    household = story.household()
    story.lot(100_000, {household.id: 50_000})
    order = story.sell("10")
    story.pay(order, 10_000, on=FIFTH)
    story.disburse({household.id: 5_000}, on=TWELFTH)
    returned = story.give_back(order, "10", on=NINTH)
    assert days(story.session, "return") == [("return", TWELFTH, TODAY)]
    assert [row.counts_on for _, row in returned.lines] == [TWELFTH]
    assert not verify(story.session).findings


def test_a_line_may_come_back_before_another_is_accepted(story: Story) -> None:
    story.lot(100_000, {story.household().id: 50_000})
    order = story.place("10", "20")
    story.deliver(order)
    lines = {line.id: line for line in story.lines(order)}
    story.accept(order, only=[0], on=FIFTH)
    story.accept(order, only=[1], on=TWELFTH)
    story.give_back(order, "1", position=0, on=NINTH)
    with pytest.raises(InvalidInputError, match="returned before it was accepted"):
        story.give_back(order, "1", position=1, on=NINTH)
    assert days(story.session, "return") == [("return", NINTH, FIFTH)]
    assert {line.accepted_on for line in lines.values()} == {FIFTH, TWELFTH}


def test_what_a_return_leaves_ahead_claims_at_once_what_else_is_owed(story: Story) -> None:
    household = story.household()
    story.lot(100_000, {household.id: 60_000})
    paid, waiting = story.sell("10"), story.sell("10")
    story.pay(paid, 10_000)
    story.disburse({household.id: 6_000})
    story.pay(waiting, 10_000)
    assert owed(story, household.id) == 6_000
    story.give_back(paid, "10")
    assert (owed(story, household.id), story.advances(household.id)) == (0, 0)
    assert story.held([waiting])[Kind.HOUSEHOLD, household.id, Step.DISBURSED] == 6_000
    assert not verify(story.session).findings


def test_a_payment_for_anything_is_ahead_for_anything_again_after_a_return(story: Story) -> None:
    household = story.household()
    first, (given,) = story.lot(10_000, {household.id: 6_000})
    story.lot(10_000, {household.id: 6_000})
    order, other = story.sell("10"), story.sell("10")
    story.pay(order, 10_000)
    story.disburse({household.id: 6_000})
    story.give_back(order, "10", resaleable=False)
    (advance,) = queries.advances(story.session, story.supplier.id, [household.id])
    assert (advance.fen, advance.contribution_id) == (6_000, None)
    story.pay(other, 10_000)
    assert (owed(story, household.id), story.advances(household.id)) == (0, 0)
    assert given.lot_id == first.id


def test_a_top_up_leaves_alone_what_orders_will_claim(session: orm.Session) -> None:
    story = Story(session, price_fen=100)
    household = story.household()
    story.lot(10_000, {household.id: 4_000})
    story.disburse({household.id: 3_500})
    order = story.sell("10")
    own = (Kind.HOUSEHOLD, household.id)
    held = story.held([order])
    assert (held[*own, Step.ACCRUED], held[*own, Step.TOP_UP], held[*own, Step.TOP_UP_PAID]) == (1_000, 500, 2_500)
    assert story.advances(household.id) == 1_000, "kept for what the order will bring"
    story.pay(order, 1_000)
    assert story.held([order])[*own, Step.DISBURSED] == 1_000
    assert (story.advances(household.id), owed(story, household.id)) == (0, 500)
    assert not verify(session).findings


def test_a_payment_recorded_late_settles_nothing_before_it_was_recognised(story: Story) -> None:
    household = story.household()
    story.lot(100_000, {household.id: 50_000})
    order = story.sell("10")
    story.pay(order, 10_000, on=NINTH)
    story.disburse({household.id: 5_000}, on=FIFTH)
    assert days(story.session, "disbursement", "matching") == [("disbursement", FIFTH, None), ("matching", NINTH, None)]
    assert not verify(story.session).findings


def test_money_that_a_late_return_frees_pays_another_line_when_the_return_counts(story: Story) -> None:
    household = story.household()
    story.lot(100_000, {household.id: 50_000})
    order = story.sell("10", "10")
    story.pay(order, 10_000, on=FIFTH)
    story.disburse({household.id: 5_000}, on=TWELFTH)
    story.give_back(order, "10", position=0, on=NINTH)
    assert [(reason, on) for reason, on, _ in days(story.session, "return", "recognition")] == [
        ("recognition", FIFTH),
        ("return", TWELFTH),
        ("recognition", TWELFTH),
    ]
    assert not verify(story.session).findings


def test_money_for_one_contribution_is_used_for_it_before_money_for_any(story: Story) -> None:
    household = story.household()
    lot, (first,) = story.lot(100_000, {household.id: 10_000})
    factories.contribution(story.session, lot, household, amount_fen=10_000)
    story.disburse({household.id: 1_000}, on=SECOND)
    story.disburse({household.id: 1_000}, contributions={household.id: first.id}, on=FIFTH)
    order = story.sell("10", on=NINTH)
    story.pay(order, 10_000, on=NINTH)
    assert (owed(story, household.id), story.advances(household.id)) == (0, 0)
