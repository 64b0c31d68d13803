"""What two people do at once is attributed as if one had come after the other, and can be verified."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest

from market.attribution import queries
from market.attribution.rules import ForeignContributionError
from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.db import Database
from market.lots import opening
from market.lots.rules import LotStatus
from market.orders.models import Order
from tests.story import Story, open_channels

Act = Callable[[Story], object]


@pytest.fixture
def story(committed_db: Database) -> Story:
    with committed_db.transaction() as session:
        open_channels(session)
        return Story(session)


def told(db: Database, story: Story, act: Act) -> None:
    """Let the people of a story do something in a transaction of its own."""
    with db.transaction() as session:
        act(story.elsewhere(session))


def acts(payee: UUID, prepaid: UUID, sold: UUID, paid: UUID) -> list[Act]:
    def order(here: Story, order_id: UUID) -> Order:
        return here.session.get_one(Order, order_id)

    return [
        lambda here: here.accept(order(here, prepaid)),
        lambda here: here.pay(order(here, sold), 10_000),
        lambda here: here.give_back(order(here, paid), "10"),
        lambda here: here.disburse({payee: 2_000}),
    ]


def at_once(db: Database, story: Story, *doing: Act) -> None:
    ready = Barrier(len(doing))

    def run(act: Act) -> None:
        ready.wait(10)
        told(db, story, act)

    with ThreadPoolExecutor(len(doing)) as people:
        list(people.map(run, doing))


def test_an_acceptance_a_receipt_a_return_and_a_payment_at_once_verify(committed_db: Database, story: Story) -> None:
    db = committed_db
    for _ in range(5):
        with db.transaction() as session:
            here = story.elsewhere(session)
            household = here.household()
            here.lot(100_000, {household.id: 60_000})
            prepaid, sold, paid = here.place("10"), here.sell("10"), here.sell("10")
            here.pay(prepaid, 10_000)
            here.deliver(prepaid)
            here.pay(paid, 10_000)
            here.disburse({household.id: 9_000})
            ids = (prepaid.id, sold.id, paid.id)
        at_once(db, story, *acts(household.id, *ids))
    with db.transaction() as session:
        assert not verify(session).findings
    with db.transaction() as session:
        assert [symptom for symptom in examine(session) if symptom.invariant != "lot_is_covered"] == []


def test_nobody_is_paid_for_what_he_gave_to_a_lot_that_is_being_discarded(committed_db: Database, story: Story) -> None:
    db = committed_db
    with db.transaction() as session:
        here = story.elsewhere(session)
        household = here.household()
        lot, (given,) = here.lot(100_000, {household.id: 60_000})
        lot.status, lot.opened_by = LotStatus.DRAFT, None
    with ThreadPoolExecutor(1) as clerk:
        with db.transaction() as session:
            opening.discard(session, story.clerk, lot_id=lot.id)
            paying = clerk.submit(
                told,
                db,
                story,
                lambda here: here.disburse({household.id: 6_000}, contributions={household.id: given.id}),
            )
            with pytest.raises(TimeoutError):
                paying.result(0.3)  # it waits until the lot is discarded
        with pytest.raises(ForeignContributionError):
            paying.result(10)
    with db.transaction() as session:
        assert queries.advances(session, story.supplier.id, [household.id]) == []
