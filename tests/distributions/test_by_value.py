"""A surplus may be returned by the value of what was delivered, if all has one, or by volume, if all has one unit."""

import pytest
from sqlalchemy import orm

from market.audit.verifying import verify
from market.benefits.rules import Mechanism
from market.distributions import queries
from market.distributions.listing import Patronage
from market.distributions.rules import ConsignedHasNoValueError, Counted, MixedUnitsError
from market.households.models import Household
from market.lots.contributing import record_contributions
from market.lots.pricing import NewContribution
from market.lots.rules import LotStatus, Origin
from market.quantities import MeasuredIn, Unit
from tests import factories
from tests.distributions.season import Season
from tests.story import NOON, open_channels


@pytest.fixture(autouse=True)
def _channels(session: orm.Session) -> None:
    open_channels(session)


BY_VALUE = Patronage(10_000, 10_000, Counted.VALUE)
BY_VOLUME = Patronage(10_000, 10_000, Counted.VOLUME)


def deliver(season: Season, household: Household, measure_milli: int, unit: MeasuredIn, *, grams: int | None) -> None:
    """Open a lot of 100 pieces, which weigh so many grams each if it is of what is weighed."""
    session, story = season.session, season.story
    lot = factories.lot(session, story.product, quantity_milli=100_000, status=LotStatus.DRAFT)
    lot.base_unit, lot.content_milli = Unit.PIECE, grams
    lot.origin = Origin.PROCESSED if grams else Origin.PRODUCED
    session.flush()
    given = NewContribution(
        household.id, Mechanism.ORDER_PURCHASE, measure_milli, unit, 100, lot.produced_on, f"收购单{factories.number()}"
    )
    record_contributions(session, story.clerk, lot_id=lot.id, contributions=[given], now=NOON)
    opener = factories.member(session, story.supplier)
    lot.status, lot.opened_by, lot.opened_at = LotStatus.OPEN, opener.id, NOON
    session.flush()


def test_a_surplus_is_returned_by_the_value_of_what_was_delivered(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.PATRONAGE, 500, None)])
    little, much = season.story.household(), season.story.household()
    season.deliver({little.id: 100})
    season.deliver({little.id: 100, much.id: 1})
    season.sell("100")
    distribution = season.share_out(BY_VALUE)
    fen = {item.payee_id: item.fen for item in queries.items_of(session, distribution.id)}
    assert (fen[much.id], fen[little.id]) in {(3_333, 6_667), (3_334, 6_666)}, "each delivery is worth a fen"


def test_what_was_consigned_has_no_value_by_which_a_surplus_could_be_returned(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.PATRONAGE, 500, None)])
    season.deliver({season.story.household().id: 100})
    season.story.consign(100_000, {season.story.household().id: 100_000})
    season.sell("100")
    with pytest.raises(ConsignedHasNoValueError) as refused:
        season.propose(BY_VALUE)
    assert refused.value.facts["count"] == 1
    assert season.propose(BY_VOLUME).amount_fen == 10_000


def test_what_is_weighed_and_what_is_counted_have_no_common_volume(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.PATRONAGE, 500, None)])
    deliver(season, season.story.household(), 50_000, MeasuredIn.KG, grams=500)
    deliver(season, season.story.household(), 100_000, MeasuredIn.PIECE, grams=None)
    season.sell("100")
    with pytest.raises(MixedUnitsError) as refused:
        season.propose(BY_VOLUME)
    assert refused.value.facts["unit"] == ("kg", "piece")
    assert season.propose(BY_VALUE).amount_fen == 10_000


def test_what_is_weighed_has_a_volume_whatever_is_made_of_it(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.PATRONAGE, 500, None)])
    bagged, loose = season.story.household(), season.story.household()
    deliver(season, bagged, 100_000, MeasuredIn.JIN, grams=500)
    season.deliver({loose.id: 300})
    season.sell("100")
    distribution = season.share_out(BY_VOLUME)
    fen = {item.payee_id: item.fen for item in queries.items_of(session, distribution.id)}
    assert fen == {bagged.id: 2_500, loose.id: 7_500}
    assert verify(session).sound
