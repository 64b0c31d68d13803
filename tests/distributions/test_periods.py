"""What of a line's money the list of a period may share out: by the days on which it was recognised."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import orm

from market.attribution.recognition import PaidLine, recognise
from market.attribution.rules import Kind, Step
from market.attribution.unrecognition import UnpaidLine, unrecognise
from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.benefits.holdings import Holding
from market.benefits.rules import Mechanism
from market.distributions import queries
from market.distributions.rules import NotEnoughRecognisedError, Period
from market.orders.models import Order
from tests.distributions.season import AFTER, YEAR, Season
from tests.story import TODAY, open_channels


@pytest.fixture(autouse=True)
def _channels(session: orm.Session) -> None:
    open_channels(session)


FIRST_QUARTER = Period(date(2026, 1, 1), date(2026, 3, 31))
SECOND_QUARTER = Period(date(2026, 4, 1), date(2026, 6, 30))
HALF_YEAR = Period(FIRST_QUARTER.begins_on, SECOND_QUARTER.ends_on)


def funded(season: Season, period: Period) -> list[tuple[Kind, int, date]]:
    found = queries.funds(season.session, season.story.supplier.id, Mechanism.PATRONAGE, period)
    return [(fund.share.kind, fund.fen, fund.since) for fund in found]


def paid_in_parts(season: Season) -> Order:
    """Deliver in both quarters, and sell for 500 yuan, of which 0.10 are received in the first."""
    household = season.story.household().id
    for delivered_on in (date(2026, 1, 4), date(2026, 5, 4)):
        season.deliver({household: 100}, delivered_on=delivered_on)
    order = season.sell("50", paid=False)
    season.story.pay(order, 10, on=date(2026, 3, 2))
    season.story.pay(order, 49_990, on=date(2026, 5, 2))
    return order


def test_retained_money_is_taken_of_the_period_alone_and_pools_also_of_earlier_ones(session: orm.Session) -> None:
    season = Season(session)
    season.deliver({season.story.household().id: 100})
    season.sell("10")  # 2 March
    april = Period(date(2026, 4, 1), date(2026, 4, 30))
    season.sell("20", on=date(2026, 4, 7))
    season.sell("40", on=date(2026, 5, 7))
    found = queries.funds(session, season.story.supplier.id, Mechanism.PATRONAGE, april)
    assert [(fund.share.kind, fund.fen) for fund in found] == [
        (Kind.POOL, 10_00),
        (Kind.POOL, 20_00),
        (Kind.RETAINED, 180_00),
    ]


def test_of_a_line_that_is_paid_in_parts_a_list_shares_out_what_came_in_its_period(session: orm.Session) -> None:
    season = Season(session)
    order = paid_in_parts(season)
    may = date(2026, 5, 2)
    assert funded(season, FIRST_QUARTER) == [(Kind.POOL, 1, may), (Kind.RETAINED, 9, may)]
    assert funded(season, SECOND_QUARTER) == [(Kind.POOL, 50_00, may), (Kind.RETAINED, 449_91, may)]
    assert funded(season, HALF_YEAR) == [(Kind.POOL, 50_00, may), (Kind.RETAINED, 450_00, may)]
    with pytest.raises(NotEnoughRecognisedError):
        season.propose(season.patronage(11), period=FIRST_QUARTER)
    later = season.share_out(season.patronage(499_91), period=SECOND_QUARTER)
    assert (later.from_pool_fen, later.from_retained_fen) == (50_00, 449_91)
    first = season.share_out(season.patronage(9), period=FIRST_QUARTER)
    assert (first.from_pool_fen, first.from_retained_fen) == (0, 9)
    assert season.sums([order]) == {(Kind.HOUSEHOLD, Step.RECOGNISED): 500_00}
    assert verify(session).sound


def test_a_list_counts_from_the_day_on_which_all_of_its_lines_money_was_there(session: orm.Session) -> None:
    season = Season(session)
    household = str(season.story.household().id)
    season.deliver({UUID(household): 100})
    order = season.sell("50", paid=False)
    season.story.pay(order, 10, on=date(2026, 3, 2))
    season.share_out(season.dividend(9, Holding(household, own_fen=1)), period=HALF_YEAR, on=date(2026, 4, 7))
    season.story.pay(order, 49_990, on=date(2026, 5, 2))
    # What came in March is given, but the list of the half year could have had it of May.
    season.share_out(season.dividend(9, Holding(household, own_fen=1)), period=FIRST_QUARTER, on=date(2026, 4, 8))
    assert [symptom.line() for symptom in examine(session)] == [], "below zero on no day"


def test_what_is_recognised_beyond_the_last_payment_counts_once_the_goods_had_come_back(session: orm.Session) -> None:
    season = Season(session, pools=())
    household = season.story.household()
    season.deliver({household.id: 100})
    order = season.sell("10", paid=False)
    season.story.pay(order, 50_00, on=date(2026, 3, 20))
    season.share_out(season.dividend(50_00, Holding(str(household.id), own_fen=1)))
    # Of what was retained only accrued money falls, of the dividend what is recognised: 40 are accrued, 30 unpaid.
    season.story.give_back(order, "2", on=AFTER)
    season.story.pay(order, 30_00, on=date(2026, 3, 10))
    assert season.sums([order])[Kind.HOUSEHOLD, Step.RECOGNISED] == 40_00
    assert [symptom.line() for symptom in examine(session)] == [], "on no day more than had been paid"
    assert verify(session).sound


def test_no_list_is_paid_out_of_what_came_after_its_period_though_another_took_what_came_in_it(
    session: orm.Session,
) -> None:
    season = Season(session)
    household = str(season.story.household().id)
    order = paid_in_parts(season)
    july = date(2026, 7, 2)
    other = season.sell("40", paid=False)
    season.story.pay(other, 360_00, on=date(2026, 6, 1))
    season.story.pay(other, 40_00, on=july)
    season.share_out(season.dividend(774_00, Holding(household, own_fen=1)), period=HALF_YEAR)
    assert [(kind, fen) for kind, fen, _ in funded(season, SECOND_QUARTER)] == [(Kind.POOL, 50_00), (Kind.POOL, 36_00)]
    assert funded(season, YEAR)[-1] == (Kind.RETAINED, 36_00, july)
    assert sum(season.sums([order, other]).values()) == 900_00
    assert verify(session).sound


def test_money_that_went_back_and_came_again_is_of_the_period_in_which_it_came_again(session: orm.Session) -> None:
    season = Season(session)
    season.deliver({season.story.household().id: 100})
    order = season.sell("10")
    (line,) = season.story.lines(order)
    went = UnpaidLine(line.id, 100_00, 100_00)
    supplier_id = season.story.supplier.id
    unrecognise(session, {"refund:1": [went]}, supplier_id=supplier_id, on=date(2026, 3, 20))
    again = PaidLine(line.id, 100_00, 100_00)
    later = TODAY + timedelta(days=60)
    recognise(session, {"receipt:1": [again]}, supplier_id=supplier_id, on=later, last_on={"receipt:1": later})
    assert funded(season, FIRST_QUARTER) == []
    assert [fen for _, fen, _ in funded(season, SECOND_QUARTER)] == [10_00, 90_00]
