"""Money beyond all that was attributed to a household, and that what it gave to lots may yet bring, is found."""

import pytest
from sqlalchemy import orm

from market.audit.rules import MonitoringRule
from market.identity.rules import Actor, Role, Scope
from market.lots import making, opening
from market.lots.rules import LotStatus
from market.quantities import MeasuredIn
from tests import factories
from tests.audit.test_monitoring import found
from tests.story import NOON, Story, open_channels


@pytest.fixture
def auditor(session: orm.Session) -> Actor:
    return factories.actor(session, factories.member(session, factories.organisation(session)), Scope.ALL)


def test_money_beyond_what_was_attributed_and_may_yet_be_is_found(session: orm.Session, auditor: Actor) -> None:
    open_channels(session)
    story = Story(session)
    delivered, beyond = story.household(), story.household()
    story.lot(10_000, {delivered.id: 5_000, beyond.id: 5_000})
    story.sell("4")
    story.disburse({delivered.id: 5_000, beyond.id: 5_001})
    assert found(session, auditor, MonitoringRule.PAID_ABOVE_ATTRIBUTED) == {beyond.code: {"paid_above_fen": 1}}


@pytest.mark.parametrize("put_on_sale", [False, True])
def test_who_was_paid_for_what_lies_in_parts_of_its_lot_is_paid_nothing_above_it(
    session: orm.Session, auditor: Actor, *, put_on_sale: bool
) -> None:
    """A third of a yuan does not divide: what a part took along is what its lot has no more, to the fen."""
    open_channels(session)
    story = Story(session)
    household = story.household()
    lot, _ = story.lot(10_000, {household.id: 100})
    story.disburse({household.id: 100})
    thirds = [3_333, 3_333]
    parts = making.split(
        session, story.clerk, lot_id=lot.id, quantities_milli=thirds, measured_in=MeasuredIn.KG, now=NOON
    )
    if put_on_sale:
        manager = factories.actor(session, factories.member(session, story.supplier, Role.SUPPLIER_MANAGER))
        for part in parts:
            opening.open_lot(session, manager, lot_id=part.id, now=NOON)
    assert found(session, auditor, MonitoringRule.PAID_ABOVE_ATTRIBUTED) == {}


def test_what_is_above_is_told_to_the_fen_after_sales_and_returns_that_do_not_divide(
    session: orm.Session, auditor: Actor
) -> None:
    open_channels(session)
    story = Story(session)
    amounts = {story.household().id: fen for fen in (97, 101, 199)}
    story.lot(21_000, amounts)
    story.disburse({payee: fen + 1 for payee, fen in amounts.items()})
    for _ in range(3):
        story.give_back(story.sell("3"), "1")
    above = found(session, auditor, MonitoringRule.PAID_ABOVE_ATTRIBUTED)
    assert list(above.values()) == [{"paid_above_fen": 1}] * 3


def test_who_was_paid_for_a_draft_that_nobody_has_put_on_sale_is_found(session: orm.Session, auditor: Actor) -> None:
    open_channels(session)
    story = Story(session)
    household = story.household()
    lot, _ = story.lot(10_000, {household.id: 100})
    lot.status, lot.opened_by, lot.opened_at = LotStatus.DRAFT, None, None
    story.disburse({household.id: 100})
    assert found(session, auditor, MonitoringRule.PAID_ABOVE_ATTRIBUTED) == {household.code: {"paid_above_fen": 100}}


def test_an_enormous_lot_leaves_everybodys_warnings_readable(session: orm.Session, auditor: Actor) -> None:
    open_channels(session)
    story = Story(session)
    household = story.household()
    story.lot(9_999_999_000_000, {household.id: 7_999_999_200_000})
    story.disburse({household.id: 1})
    assert found(session, auditor, MonitoringRule.PAID_ABOVE_ATTRIBUTED) == {}
