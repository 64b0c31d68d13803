"""In a household's account an annulled distribution never was: it is known under the day of what it undoes."""

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import orm
from typing_extensions import override

from market.annulments import deciding
from market.attribution.net_income import net_incomes
from market.benefits.holdings import Holding, RegisterBody, Source
from market.benefits.rules import IncomeClass, Mechanism, RegisterKind
from market.distributions import proposing, queries
from market.distributions.listing import Dividend
from market.distributions.rules import Period
from market.identity.rules import OrganisationKind, Role, Scope
from tests import factories
from tests.annulments.annulling_lists import proposed
from tests.attribution.dealings import CLOSED, OPEN, Dealings, close_march
from tests.attribution.test_as_now_known import check, explain, income
from tests.distributions.season import Season
from tests.story import NOON, Story, open_channels

MARCH, TENTH, TWELFTH = date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 12)
APRIL, MAY = date(2026, 4, 10), date(2026, 5, 6)
QUARTER = Period(date(2026, 1, 1), date(2026, 3, 8))


def test_an_annulment_is_told_as_a_correction_of_the_month_in_which_the_list_was_approved(
    session: orm.Session,
) -> None:
    open_channels(session)
    season = Season(session)
    household = season.story.household(head_count=2)
    season.deliver({household.id: 100})
    season.sell("10")
    wrong = season.propose(season.patronage(50_00), period=QUARTER)
    season.approve(wrong, on=MARCH)
    season.story.disburse({household.id: 30_00}, on=TENTH)
    close_march(session)
    annulment = proposed(season, wrong)
    deciding.approve(session, season.reviewer, annulment_id=annulment.id, opinion="属实", on=MAY, now=NOON)

    def figures(*, booked: bool) -> list[tuple[int, int, int]]:
        found = [income(session, household, window, booked=booked) for window in (CLOSED, OPEN)]
        return [(each.received_fen, each.orders.total.accrued_fen, each.ahead_fen) for each in found]

    assert figures(booked=True) == [(30_00, 50_00, 0), (0, -50_00, 30_00)]
    assert figures(booked=False) == [(30_00, 0, 30_00), (0, 0, 0)]
    (told,) = explain(session, household, CLOSED)
    assert (told.reason, told.happened_on, told.booked_on) == ("annulment", MARCH, MAY)
    assert (told.received_fen, told.accrued_fen, told.brought_fen) == (0, -50_00, -30_00)


def test_as_of_a_day_before_it_the_annulment_has_not_happened(session: orm.Session) -> None:
    open_channels(session)
    season = Season(session)
    household = season.story.household(head_count=2)
    season.deliver({household.id: 100})
    season.sell("10")
    wrong = season.propose(season.patronage(50_00), period=QUARTER)
    season.approve(wrong, on=MARCH)
    annulment = proposed(season, wrong)
    deciding.approve(session, season.reviewer, annulment_id=annulment.id, opinion="属实", on=MAY, now=NOON)
    from_orders = [
        found.orders.classes[IncomeClass.OPERATING].recognised_fen
        for day in (APRIL, MAY)
        for found in net_incomes(session.connection(), {household.id: 2}, CLOSED, on=day).values()
    ]
    assert from_orders == [50_00, 0]


def test_of_two_lists_on_one_line_the_one_annulled_is_unknown_and_the_other_known_under_its_own_day(
    session: orm.Session,
) -> None:
    open_channels(session)
    season = Season(session, pools=[(Mechanism.SHARE_DIVIDEND, 5_000, None)])
    household = season.story.household(head_count=2)
    season.story.lot(1_000_000)
    season.sell("10")
    holding = Holding(str(household.id), own_fen=1)
    wrong = season.propose(season.dividend(20_00, holding), period=QUARTER)
    season.approve(wrong, on=MARCH)
    season.approve(season.propose(season.dividend(5_00, holding), period=QUARTER), on=APRIL)
    annulment = proposed(season, wrong)
    deciding.approve(session, season.reviewer, annulment_id=annulment.id, opinion="属实", on=MAY, now=NOON)
    found = [income(session, household, window).orders.total.accrued_fen for window in (CLOSED, OPEN)]
    assert found == [0, 5_00]


class Lists(Dealings):
    """Dealings of a supplier that shares out what it keeps, and now and then finds that it should not have."""

    def __init__(self, session: orm.Session, seed: int) -> None:
        """Let lines bring more than what was delivered for them, and a county decide."""
        super().__init__(session, seed)
        self.story = Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 2_000, None)])
        self.households = [self.story.household(head_count=2) for _ in range(3)]
        amounts = {each.id: fen for each, fen in zip(self.households, (100_000, 200_000, 50_000), strict=True)}
        self.story.lot(1_000_000, amounts)
        county = factories.organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT)
        member = factories.member(session, county, Role.COUNTY_REVIEWER)
        self.reviewer = factories.actor(session, member, Scope.REGION)
        self.manager = factories.actor(session, factories.member(session, self.story.supplier, Role.SUPPLIER_MANAGER))
        self.lists: list[UUID] = []
        self.annulled = 0

    @override
    def act(self) -> None:
        if self.dice.happens(35):
            self.dice.of([self.share_out, self.share_out, self.annul])()
        else:
            super().act()

    def share_out(self) -> None:
        period, mechanism = Period(date(2026, 1, 1), self.day()), Mechanism.SHARE_DIVIDEND
        funds = queries.funds(self.session, self.story.supplier.id, mechanism, period)
        if not (there := sum(fund.fen for fund in funds)):
            return
        rows = tuple(Holding(str(each.id), own_fen=1 + self.dice.below(5)) for each in self.households)
        version = factories.register_version(self.session, self.story.supplier, RegisterBody(RegisterKind.SHARES, rows))
        made, _ = proposing.propose(
            self.session,
            self.story.clerk,
            formula=Dividend(version.id, max(there // (1 + self.dice.below(3)), 1), (Source.OWN,)),
            period=period,
            evidence="成员大会决议",
            now=NOON,
        )
        proposing.approve(
            self.session, self.reviewer, distribution_id=made.id, opinion="同意", on=self.day(period.ends_on), now=NOON
        )
        self.lists.append(made.id)

    def annul(self) -> None:
        if not self.lists:
            return
        subject = deciding.Subject(self.lists.pop(self.dice.below(len(self.lists))))
        made, _ = deciding.propose(
            self.session, self.manager, subject=subject, reason="名单有误", evidence="审计报告", now=NOON
        )
        deciding.approve(self.session, self.reviewer, annulment_id=made.id, opinion="属实", on=self.day(), now=NOON)
        self.annulled += 1


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_annulled_nothing_is_below_zero_and_the_windows_come_to_what_stands(
    session: orm.Session, seed: int
) -> None:
    open_channels(session)
    dealings = Lists(session, seed)
    for _ in range(40):
        dealings.act()
    while not dealings.annulled:
        dealings.act()
    for household in dealings.households:
        check(dealings, household)
    while dealings.lists:
        dealings.annul()
    for household in dealings.households:
        check(dealings, household)
    dealings.return_all()
    for household in dealings.households:
        assert {found.orders.brought_by_orders_fen for found in check(dealings, household)} == {0}
