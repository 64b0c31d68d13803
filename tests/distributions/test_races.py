"""Two at once: a day is shared out once, whoever proposes first."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import sqlalchemy as sa

from market.db import Database
from market.distributions import proposing
from market.distributions.models import Distribution
from market.distributions.rules import Period, PeriodAlreadySharedError
from tests.distributions.season import NOW, Season
from tests.story import open_channels


def test_distributions_of_one_surplus_proposed_at_once_for_days_in_common_are_one(committed_db: Database) -> None:
    with committed_db.transaction() as session:
        open_channels(session)
        season = Season(session)
        season.deliver({season.story.household().id: 100})
        season.sell("10")
        formula, clerk = season.patronage(1_00), season.story.clerk
    start = Barrier(4)

    def propose(index: int) -> bool:
        start.wait()
        try:
            with committed_db.transaction() as session:
                period = Period(date(2026, 1, 1), date(2026, 6 + index, 30))
                proposing.propose(session, clerk, formula=formula, period=period, evidence="成员大会决议", now=NOW)
        except PeriodAlreadySharedError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(propose, range(4))) == [False, False, False, True]
    with committed_db.transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Distribution)) == 1
