"""What was annulled is shown nowhere as given: not in a trace, not as reach, not in a pool's figures."""

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import orm

from market.audit.tracing import trace_household, trace_order
from market.benefits.holdings import Holding
from market.benefits.rules import Mechanism
from market.distributions import pools
from market.reach.service import reach_of_order
from tests.annulments.annulling_lists import LATER, annulled
from tests.audit.test_tracing import auditor
from tests.distributions.season import AFTER, Season
from tests.story import TODAY, open_channels


@pytest.fixture
def season(session: orm.Session) -> Season:
    open_channels(session)
    return Season(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, None)])


def test_a_trace_names_no_list_that_was_annulled_but_the_entry_that_undid_it(season: Season) -> None:
    household = season.story.household()
    season.story.lot(1_000_000)
    order = season.sell("10")
    wrong = season.share_out(season.dividend(20_00, Holding(str(household.id), own_fen=1)))
    audits = auditor(season.session)
    (line,) = trace_order(season.session, audits, order.id).lines
    assert [given.id for given in line.distributions] == [wrong.id]
    annulled(season, wrong)
    right = season.share_out(season.dividend(5_00, Holding(str(household.id), own_fen=1)))
    (line,) = trace_order(season.session, audits, order.id).lines
    assert [given.id for given in line.distributions] == [right.id]
    assert [entry.reason for entry in line.entries][-3:] == ["distribution", "annulment", "distribution"]

    def told(end: date) -> list[UUID]:
        found = trace_household(
            season.session, audits, household_id=household.id, begin=TODAY, end=end, after=None, limit=10
        )
        return [given.id for given in found.lines[0].line.distributions]

    assert told(AFTER) == [wrong.id], "on that day it had not been annulled"
    assert told(LATER) == [right.id]


def test_an_order_reaches_nobody_by_a_list_that_was_annulled(season: Season) -> None:
    household = season.story.household()
    season.story.lot(1_000_000)
    order = season.sell("10")
    wrong = season.share_out(season.dividend(20_00, Holding(str(household.id), own_fen=1)))
    season.story.disburse({household.id: 5_00}, on=AFTER)
    connection, audits = season.session.connection(), auditor(season.session)

    def reached() -> tuple[int, int, int]:
        found = reach_of_order(connection, audits, order.id).households
        return found.payees, found.accrued_fen, found.disbursed_fen

    assert reached() == (1, 20_00, 5_00)
    annulled(season, wrong)
    assert reached() == (0, 0, 0)


def test_a_pool_has_distributed_nothing_by_a_list_that_was_annulled(season: Season) -> None:
    stays, left = season.story.household(), season.story.household()
    season.story.lot(1_000_000)
    order = season.sell("10")
    left.departed_on = TODAY
    season.session.flush()

    def balance() -> tuple[int, int, int]:
        (pool,) = pools.pools(season.session, season.story.clerk, after=None, limit=10)
        assert pool.brought_fen == pool.distributed_fen + pool.accrued_fen + pool.recognised_fen
        return pool.brought_fen, pool.distributed_fen, pool.recognised_fen

    holdings = Holding(str(stays.id), own_fen=3), Holding(str(left.id), own_fen=1)
    wrong = season.share_out(season.dividend(20_00, *holdings))
    assert balance() == (10_00, 5_00, 5_00), "what is kept for who left is put in, out of retained money"
    season.story.give_back(order, "5", on=AFTER)
    before = balance()
    annulled(season, wrong)
    brought_fen, distributed_fen, _ = balance()
    assert (before[0] - brought_fen, distributed_fen) == (0, 0)
    season.story.give_back(order, "5", on=LATER)
    assert balance() == (0, 0, 0)
