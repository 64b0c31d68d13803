"""What the village states of a household's year before, the county confirms; it is replaced only by name."""

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.errors import FourEyesError, InvalidInputError, NotFoundError
from market.households.models import Household
from market.identity.rules import Actor, Role
from market.livelihoods import baselines, queries
from market.livelihoods.models import HouseholdBaseline
from market.livelihoods.rules import (
    BaselineConfirmedError,
    BaselineEvent,
    BaselineStatus,
    Figure,
    Window,
    calendar_year,
)
from tests import factories
from tests.livelihoods.test_service import NOW, of_role


@pytest.fixture
def household(session: orm.Session) -> Household:
    return factories.household(session, village_code="141122106201")


@pytest.fixture
def clerk(session: orm.Session) -> Actor:
    return of_role(session, Role.VILLAGE_CLERK, "141122106201")


def test_who_states_a_baseline_does_not_confirm_it(session: orm.Session, clerk: Actor, household: Household) -> None:
    stated = baselines.propose(
        session,
        clerk,
        household_id=household.id,
        figure=Figure.NET,
        amount_fen=1_200_000,
        period=calendar_year(2024),
        source="采集表",
        now=NOW,
    )
    decision: Any = {"baseline_id": stated.id, "event": BaselineEvent.CONFIRM, "opinion": "同意", "now": NOW}
    with pytest.raises(FourEyesError):
        baselines.decide(session, clerk, **decision)
    with pytest.raises(NotFoundError):
        baselines.decide(session, of_role(session, Role.COUNTY_REVIEWER, "141130"), **decision)
    decided = baselines.decide(session, of_role(session, Role.COUNTY_REVIEWER, "141122"), **decision)
    assert decided.status is BaselineStatus.CONFIRMED
    with pytest.raises(sa.exc.IntegrityError, match="never changes"), session.begin_nested():
        session.execute(sa.update(type(decided)).values(amount_fen=1))


def propose(session: orm.Session, clerk: Actor, household: Household, **changed: Any) -> HouseholdBaseline:
    said: dict[str, Any] = {"figure": Figure.NET, "amount_fen": 1_200_000, "period": calendar_year(2024)}
    return baselines.propose(session, clerk, household_id=household.id, source="采集表", now=NOW, **(said | changed))


def confirm(session: orm.Session, county: Actor, baseline: HouseholdBaseline) -> HouseholdBaseline:
    return baselines.decide(
        session, county, baseline_id=baseline.id, event=BaselineEvent.CONFIRM, opinion="同意", now=NOW
    )


def test_gross_income_was_never_below_zero_and_net_may_have_been(
    session: orm.Session, clerk: Actor, household: Household
) -> None:
    with pytest.raises(InvalidInputError):
        propose(session, clerk, household, figure=Figure.GROSS, amount_fen=-1)
    assert propose(session, clerk, household, amount_fen=-1).amount_fen == -1


def test_a_confirmed_baseline_is_replaced_only_by_name_for_a_reason_and_by_the_county(
    session: orm.Session, clerk: Actor, household: Household
) -> None:
    county = of_role(session, Role.COUNTY_REVIEWER, "141122")
    first, rival = propose(session, clerk, household), propose(session, clerk, household, amount_fen=1)
    confirm(session, county, first)
    with pytest.raises(BaselineConfirmedError):
        confirm(session, county, rival)
    shifted = Window(date(2024, 2, 1), date(2025, 1, 31))
    for period in (calendar_year(2024), shifted):
        with pytest.raises(BaselineConfirmedError, match="2024-01-01 to 2024-12-31"):
            propose(session, clerk, household, period=period)
    for other in ({"figure": Figure.GROSS}, {"period": calendar_year(2025)}, {"period": calendar_year(2023)}):
        propose(session, clerk, household, **other)
    with pytest.raises(InvalidInputError, match="reason"):
        propose(session, clerk, household, replaces=first.id)
    second, third = (
        propose(session, clerk, household, amount_fen=fen, replaces=first.id, reason="漏计养老金") for fen in (2, 3)
    )
    window = calendar_year(2024)
    assert list(queries.baselines_in_force(session, household.id, Figure.NET, window)) == [first]
    confirm(session, county, second)
    assert list(queries.baselines_in_force(session, household.id, Figure.NET, window)) == [second]
    with pytest.raises(NotFoundError):
        confirm(session, county, third)
