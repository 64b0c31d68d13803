"""A lot that is sold, moved on, returned and moved again gives each contribution away once, to the fen."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import orm

from market.attribution import queries
from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.identity.rules import Role
from market.lots import opening, registering
from market.lots.models import Contribution, Lot
from market.lots.rules import LotStatus
from market.orders.models import Order
from market.quantities import MeasuredIn
from tests import factories
from tests.story import NOON, TODAY, Story, open_channels


@pytest.fixture(autouse=True)
def _channels(session: orm.Session) -> None:
    open_channels(session)


def move_on(story: Story, lot: Lot, quantity_milli: int) -> Lot:
    """Take part of the lot into a draft."""
    return registering.register_lot(
        story.session,
        story.clerk,
        product_id=story.product.id,
        quantity_milli=quantity_milli,
        measured_in=MeasuredIn.KG,
        produced_on=TODAY,
        expires_on=None,
        origin_code=lot.origin_code,
        inputs=[(lot.id, quantity_milli)],
        now=NOON,
    )


def gone_along(session: orm.Session, *lots: Lot) -> int:
    """Return the fen that the lots' contributions came with."""
    fen = sa.select(sa.func.coalesce(sa.func.sum(Contribution.amount_fen), 0))
    return int(session.scalars(fen.where(Contribution.lot_id.in_([lot.id for lot in lots]))).one() or 0)


def carry_of(session: orm.Session, lot: Lot) -> int:
    (fact,) = queries.contribution_facts(session, [lot.id])
    return fact.carry_fen


def one_household(session: orm.Session) -> tuple[Story, UUID, Lot]:
    """Return a story in which one household gave 1,001 fen to a lot of 10 kg."""
    story = Story(session)
    household = story.household()
    lot, _ = story.lot(10_000, {household.id: 1_001})
    return story, household.id, lot


def test_what_returns_over_released_is_not_given_to_the_next_lot_again(session: orm.Session) -> None:
    story, _, lot = one_household(session)
    order = story.sell("5")
    first = move_on(story, lot, 5_000)
    story.give_back(order, "5")
    assert (gone_along(session, first), carry_of(session, lot)) == (501, -1)
    second = move_on(story, lot, 5_000)
    assert (gone_along(session, second), carry_of(session, lot)) == (500, 0)
    assert examine(session) == []
    assert not verify(session).findings


def test_what_a_discarded_lot_gives_back_is_given_again_to_the_fen(session: orm.Session) -> None:
    story, _, lot = one_household(session)
    order = story.sell("5")
    first = move_on(story, lot, 5_000)
    story.give_back(order, "5")
    mistake = move_on(story, lot, 3_000)
    stood = gone_along(session, mistake)
    opening.discard(session, story.clerk, lot_id=mistake.id)
    assert (stood, carry_of(session, lot)) == (300 - 1, -1)
    rest = [move_on(story, lot, 3_000), move_on(story, lot, 2_000)]
    assert gone_along(session, first, *rest) == 1_001
    assert examine(session) == []


def owed(story: Story, household_id: UUID) -> int:
    return sum(item.fen for item in queries.owed(story.session, story.supplier.id, [household_id]))


def ahead(story: Story, household_id: UUID) -> int:
    return sum(advance.fen for advance in queries.advances(story.session, story.supplier.id, [household_id]))


def put_on_sale(story: Story, lot: Lot) -> None:
    manager = factories.member(story.session, story.supplier, Role.SUPPLIER_MANAGER)
    opening.open_lot(story.session, factories.actor(story.session, manager), lot_id=lot.id, now=NOON)


def test_what_was_paid_for_a_contribution_is_not_owed_again_wherever_it_went(session: orm.Session) -> None:
    """Paid at delivery, half of the lot goes on twice, and both halves are sold."""
    story = Story(session)
    household = story.household().id
    lot, (given,) = story.lot(10_000, {household: 5_000})
    story.disburse({household: 5_000}, contributions={household: given.id})
    moved = move_on(story, lot, 5_000)
    put_on_sale(story, moved)
    put_on_sale(story, move_on(story, moved, 5_000))
    for _ in range(2):
        order = story.sell("5")
        story.pay(order, order.amount_fen)
    assert (owed(story, household), ahead(story, household)) == (0, 0)
    assert examine(session) == []
    assert not verify(session).findings


def test_what_was_paid_for_a_part_is_not_taken_for_another_part(session: orm.Session) -> None:
    story = Story(session)
    household = story.household().id
    lot, _ = story.lot(10_000, {household: 5_000})
    part, other = (move_on(story, lot, 5_000) for _ in range(2))
    (of_part,) = session.scalars(sa.select(Contribution.id).filter_by(lot_id=part.id))
    put_on_sale(story, part)
    story.disburse({household: 2_500}, contributions={household: of_part})
    session.refresh(part)
    put_on_sale(story, other)
    order = story.sell("10")
    story.pay(order, order.amount_fen)
    assert (owed(story, household), ahead(story, household)) == (2_500, 0)
    story.give_back(order, "5")
    assert (owed(story, household), ahead(story, household)) == (1_250, 1_250)
    assert examine(session) == []
    assert not verify(session).findings


def on_sale(story: Story) -> int:
    """Return how much of the product can be bought (milli)."""
    milli = sa.select(sa.func.sum(Lot.available_milli)).filter_by(product_id=story.product.id, status=LotStatus.OPEN)
    return int(story.session.scalars(milli).one() or 0)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["sell", "move", "move_and_open", "pay_ahead", "give_back", "discard"]), st.integers(1, 8)
        ),
        max_size=12,
    )
)
def test_whatever_happens_to_a_lot_the_book_and_the_facts_agree(
    session: orm.Session, steps: list[tuple[str, int]]
) -> None:
    savepoint = session.begin_nested()
    story, household_id, lot = one_household(session)
    (given_id,) = session.scalars(sa.select(Contribution.id).filter_by(lot_id=lot.id))
    sold: list[Order] = []
    last_moved: Lot | None = None
    paid_fen = 0
    for step, kilos in steps:
        session.refresh(lot)
        if step.startswith("move") and lot.available_milli < kilos * 1_000:
            continue
        match step:
            case "sell" if on_sale(story) >= kilos * 1_000:
                sold.append(story.sell(str(kilos)))
                story.pay(sold[-1], sold[-1].amount_fen)
                last_moved = None
            case "move":
                last_moved = move_on(story, lot, kilos * 1_000)
            case "move_and_open":
                put_on_sale(story, move_on(story, lot, kilos * 1_000))
                last_moved = None
            case "pay_ahead" if paid_fen + kilos * 100 <= 1_001:
                story.disburse({household_id: kilos * 100}, contributions={household_id: given_id})
                paid_fen += kilos * 100
            case "give_back" if sold:
                story.give_back(order := sold.pop(), str(story.lines(order)[0].accepted_milli // 1_000))
                last_moved = None
            case "discard" if last_moved:
                opening.discard(session, story.clerk, lot_id=last_moved.id)
                last_moved = None
    assert min(owed(story, household_id), ahead(story, household_id)) == 0
    assert owed(story, household_id) + paid_fen <= 1_001 + ahead(story, household_id)
    assert examine(session) == []
    assert not verify(session).findings
    savepoint.rollback()
