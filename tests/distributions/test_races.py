"""Two at once: a day is shared out once, whoever proposes first; a version is simulated before it is approved."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import sqlalchemy as sa

from market.benefits import service as plans
from market.benefits.models import PlanSimulation
from market.benefits.refusals import PlanNotSimulatedError
from market.benefits.rules import PlanStatus
from market.db import Database
from market.distributions import proposing, simulations
from market.distributions.models import Distribution
from market.distributions.rules import Period, PeriodAlreadySharedError
from market.errors import TransitionError
from tests.distributions.season import NOW, Season
from tests.distributions.test_simulating import proposed
from tests.story import TODAY, open_channels


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


def test_a_version_simulated_and_approved_at_once_is_approved_by_what_was_told_before(committed_db: Database) -> None:
    with committed_db.transaction() as session:
        open_channels(session)
        season = Season(session)
        version_id = proposed(season.story).id
        clerk, county = season.story.clerk, season.reviewer
    start = Barrier(6)

    def act(index: int) -> str:
        start.wait()
        try:
            with committed_db.transaction() as session:
                if index % 2:
                    plans.approve(session, county, version_id=version_id, opinion="同意", now=NOW)
                else:
                    simulations.record(session, clerk, version_id=version_id, today=TODAY, now=NOW)
        except (PlanNotSimulatedError, TransitionError) as refused:
            return refused.code()
        return "approved" if index % 2 else "simulated"

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(act, range(6)))
    with committed_db.transaction() as session:
        told = session.scalars(sa.select(PlanSimulation.version_status).filter_by(plan_version_id=version_id)).all()
    assert told == [PlanStatus.SUBMITTED] * answers.count("simulated")
    assert answers.count("approved") <= min(1, len(told))
