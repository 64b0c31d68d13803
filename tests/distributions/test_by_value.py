"""A surplus may be returned by the value of what was delivered, if all of it has one."""

import pytest
from sqlalchemy import orm

from market.benefits.rules import Mechanism
from market.distributions import queries
from market.distributions.listing import Patronage
from market.distributions.rules import ConsignedHasNoValueError, Counted
from tests.distributions.season import Season
from tests.story import open_channels


@pytest.fixture(autouse=True)
def _channels(session: orm.Session) -> None:
    open_channels(session)


BY_VALUE = Patronage(10_000, 10_000, Counted.VALUE)


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
    assert season.propose(Patronage(10_000, 10_000, Counted.VOLUME)).amount_fen == 10_000
