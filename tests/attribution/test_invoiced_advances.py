"""What was paid by purchase invoice is for produce, whenever it comes: never for the work of the same household."""

import pytest
from sqlalchemy import orm

from market.attribution import disbursing
from market.attribution.paying import Method
from market.attribution.rules import Kind, PaymentOrder, Step
from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.benefits.rules import Measure, Mechanism
from market.lots.models import Contribution
from tests import factories
from tests.money_out import paid_out
from tests.story import NOON, TODAY, Story, open_channels

NUMBER = "26142000000012345678"


@pytest.fixture
def farm(session: orm.Session) -> Story:
    """A cooperative where a household works; what it grows, it may bring later."""
    open_channels(session)
    return Story(session)


def worked(farm: Story) -> Contribution:
    """Return what a household has earned by work on a lot of which nothing is sold: 50 yuan."""
    lot, _ = farm.lot(10_000)
    return factories.contribution(
        farm.session, lot, farm.household(), mechanism=Mechanism.LABOUR, measure=Measure.HOURS, amount_fen=5_000
    )


def invoiced(work: Contribution, fen: int) -> PaymentOrder:
    return PaymentOrder(Kind.HOUSEHOLD, work.household_id, fen, NUMBER, None, NUMBER)


def broken(farm: Story) -> list[object]:
    return [*verify(farm.session).findings, *{each.invariant for each in examine(farm.session)}]


def test_wages_claim_nothing_that_was_paid_ahead_by_purchase_invoice(farm: Story) -> None:
    """What is accrued when the invoice pays is recognised later: the invoice stays ahead, until produce comes."""
    work = worked(farm)
    order = farm.sell("10")
    disbursing.disburse(
        farm.session,
        farm.clerk,
        payments=[invoiced(work, 5_000)],
        paid_on=TODAY,
        method=Method.PURCHASE_INVOICE,
        evidence="收购发票",
        now=NOON,
    )
    farm.pay(order, 10_000)
    assert farm.standing(order, Step.DISBURSED) == 0
    assert farm.advances(work.household_id) == 5_000
    farm.lot(10_000, {work.household_id: 3_000})
    produce = farm.sell("10")
    farm.pay(produce, 10_000)
    assert farm.standing(produce, Step.DISBURSED) == 3_000
    assert farm.advances(work.household_id) == 2_000
    assert broken(farm) == []
    farm.disburse({work.household_id: 5_000})
    assert farm.standing(order, Step.DISBURSED) == 5_000, "by the bank"
    assert broken(farm) == []


def test_a_list_that_the_bank_has_paid_settles_no_wages_by_purchase_invoice(farm: Story) -> None:
    """They were recognised after the list was written: the money has left, but it is not for them."""
    work = worked(farm)
    order = farm.sell("10")
    farm.pay(order, 10_000)
    _, _, (settlement,) = paid_out(farm.session, farm.clerk, [invoiced(work, 5_000)], on=TODAY, now=NOON)
    assert (settlement.settled, settlement.advance_fen) == ([], 5_000)
    assert broken(farm) == []
