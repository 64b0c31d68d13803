"""What was delivered after the day of a payment gives no room to it."""

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import orm

from market.attribution import disbursing
from market.attribution.paying import Method, PaidBeyondDeliveryError
from market.attribution.rules import Kind, PaymentOrder, Settlement
from tests import factories
from tests.story import NOON, TODAY, Story, open_channels

DELIVERED = TODAY - timedelta(days=20)


@pytest.fixture
def story(session: orm.Session) -> Story:
    open_channels(session)
    return Story(session)


def pay(story: Story, household_id: UUID, fen: int, *, on: date) -> Settlement:
    order = PaymentOrder(Kind.HOUSEHOLD, household_id, fen, uuid4().hex, None)
    _, _, (settlement,) = disbursing.disburse(
        story.session,
        story.clerk,
        paid_on=on,
        method=Method.BANK_TRANSFER,
        evidence="银行回单",
        payments=[order],
        now=NOON,
    )
    return settlement


def test_nobody_is_paid_ahead_before_the_delivery(story: Story) -> None:
    household = story.household()
    for delivered_on in (DELIVERED, TODAY):
        lot = factories.lot(story.session, story.product, quantity_milli=1_000)
        factories.contribution(story.session, lot, household, amount_fen=100_00, delivered_on=delivered_on)
    for on, fen in ((DELIVERED - timedelta(days=1), 1), (DELIVERED, 100_01)):
        with pytest.raises(PaidBeyondDeliveryError):
            pay(story, household.id, fen, on=on)
    assert pay(story, household.id, 100_00, on=DELIVERED).advance_fen == 100_00
    assert pay(story, household.id, 100_00, on=TODAY).advance_fen == 100_00


def test_an_old_delivery_is_paid_for_late_whatever_was_paid_ahead_since(story: Story) -> None:
    household = story.household()
    old = factories.lot(story.session, story.product, quantity_milli=1_000)
    factories.contribution(story.session, old, household, amount_fen=70_00, delivered_on=DELIVERED)
    new = factories.lot(story.session, story.product, quantity_milli=1_000)
    factories.contribution(story.session, new, household, amount_fen=50_00, delivered_on=TODAY)
    pay(story, household.id, 50_00, on=TODAY)
    assert pay(story, household.id, 70_00, on=DELIVERED).advance_fen == 70_00
