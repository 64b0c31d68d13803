"""What a supplier kept and retained of paid lines reaches households by the list of a period, to the fen."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.rules import Kind, Step
from market.audit.verifying import verify
from market.benefits import service as benefits
from market.benefits.formulas import PatronageFloorError
from market.benefits.holdings import Entitlement, Holding, Source
from market.benefits.models import RegisterVersion
from market.benefits.rules import Mechanism, PlanBody, Pool
from market.db import new_id
from market.distributions import proposing, queries
from market.distributions.listing import Dividend
from market.distributions.models import Distribution, DistributionItem
from market.distributions.rules import (
    DistributionStatus,
    Excluded,
    MonthsBeyondPeriodError,
    NobodyListedError,
    NotEnoughRecognisedError,
    Period,
    PeriodAlreadySharedError,
    RegisterNotInForceError,
    ReserveChangedError,
)
from market.errors import FourEyesError, NotFoundError, TransitionError
from market.households.models import Household
from tests import factories
from tests.distributions.season import AFTER, NOW, YEAR, Season
from tests.story import TODAY, open_channels


@pytest.fixture(autouse=True)
def _channels(session: orm.Session) -> None:
    open_channels(session)


def test_a_surplus_of_400000_yuan_returns_252000_by_volume_out_of_a_year_of_orders(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.PATRONAGE, 500, None)], reserve_bp=1_000)
    households = [season.story.household() for _ in range(31)]
    weights = {household.id: 4_000_000 * weight // 496 for weight, household in enumerate(households, 1)}
    weights[households[0].id] += 4_000_000 - sum(weights.values())
    season.deliver(weights)  # 4,000,000 kg are 8,000,000 jin
    orders = [season.sell("4000", on=TODAY + timedelta(days=20 * month)) for month in range(12)]
    before = season.sums(orders)
    assert before[Kind.POOL, Step.RECOGNISED] == 12 * 200_000
    formula = season.patronage(400_000_00, by_volume_bp=7_000)
    distribution = season.share_out(formula)
    assert distribution.amount_fen == 252_000_00
    assert (distribution.from_pool_fen, distribution.from_retained_fen) == (24_000_00, 228_000_00)
    after = season.sums(orders)
    assert (Kind.POOL, Step.RECOGNISED) not in after
    assert after[Kind.RETAINED, Step.RECOGNISED] == before[Kind.RETAINED, Step.RECOGNISED] - 228_000_00
    assert after[Kind.HOUSEHOLD, Step.RECOGNISED] == 252_000_00
    assert sum(after.values()) == sum(before.values()) == 12 * 40_000_00
    for household in households:
        (fen,) = season.of(orders, household.id, Mechanism.PATRONAGE).values()
        # 0.0315 yuan a jin is 6.3 fen a kilogramme.
        assert abs(10 * fen - 63 * weights[household.id]) < 10


def test_less_than_60_percent_by_volume_is_refused(session: orm.Session) -> None:
    season = Season(session)
    season.deliver({season.story.household().id: 100})
    season.sell("100")
    with pytest.raises(PatronageFloorError, match="not 59 %"):
        season.propose(season.patronage(10_000, by_volume_bp=5_900))
    assert season.propose(season.patronage(10_000, by_volume_bp=6_000)).amount_fen == 6_000


def test_the_reserve_of_a_surplus_is_the_lowest_that_the_plans_in_force_state(session: orm.Session) -> None:
    season = Season(session, reserve_bp=1_000)
    season.deliver({season.story.household().id: 100})
    season.sell("10")

    def planned(reserve_bp: int | None, valid_from: date) -> None:
        pool = Pool(Mechanism.PATRONAGE, 100, (), kept=True, reserve_bp=reserve_bp)
        factories.plan(session, season.story.supplier, body=PlanBody((), (pool,)), valid_from=valid_from)

    planned(9_900, YEAR.begins_on)
    planned(0, YEAR.ends_on + timedelta(days=1))
    made = season.propose(season.patronage(10_000))
    assert (made.amount_fen, made.inputs["reserve_bp"]) == (9_000, 1_000)
    planned(500, YEAR.ends_on)
    with pytest.raises(ReserveChangedError), session.begin_nested():
        season.approve(made)
    proposing.reject(session, season.reviewer, distribution_id=made.id, opinion="公积金比例有变", now=NOW)
    assert season.share_out(season.patronage(10_000)).amount_fen == 9_500
    planned(None, YEAR.ends_on)
    assert benefits.reserve_bp_on(session, season.story.supplier.id, YEAR.ends_on) == 0, "it states none"


def test_custody_of_100000_yuan_gives_6000_to_the_household_and_600_to_its_collective(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.CUSTODY, 10_000, None)])
    household = season.story.household()
    season.story.lot(1_000_000)
    order = season.sell("660")
    collective = season.collective
    entitlement = Entitlement(str(household.id), 100_000_00, 660, 600, 60, str(collective.id))
    distribution = season.share_out(season.custody(entitlement))
    assert distribution.amount_fen == 6_600_00
    held = season.story.held([order])
    assert held == {
        (Kind.HOUSEHOLD, household.id, Step.RECOGNISED): 6_000_00,
        (Kind.COLLECTIVE, collective.id, Step.RECOGNISED): 600_00,
    }
    season.pay_collective(600_00)
    assert season.story.held([order])[Kind.COLLECTIVE, collective.id, Step.DISBURSED] == 600_00


def test_half_a_year_of_custody_earns_half_of_it(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.CUSTODY, 10_000, None)])
    season.story.lot(1_000_000)
    season.sell("660")
    entitlement = Entitlement(str(season.story.household().id), 100_000_00, 660, 600, 60, str(season.collective.id))
    assert season.propose(season.custody(entitlement, months=6)).amount_fen == 3_300_00


def test_a_dividend_follows_the_capital_in_the_register_and_keeps_every_line(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, None)])
    first, second = season.story.household(), season.story.household()
    season.story.lot(1_000_000)
    orders = [season.sell("10"), season.sell("20")]  # 10 yuan and 20 yuan in the pool
    holdings = (Holding(str(first.id), own_fen=200_00), Holding(str(second.id), own_fen=50_00, grant_fen=50_00))
    season.share_out(season.dividend(15_00, *holdings))
    assert season.of(orders, first.id, Mechanism.SHARE_DIVIDEND) == {Step.RECOGNISED: 10_00}
    assert season.of(orders, second.id, Mechanism.SHARE_DIVIDEND) == {Step.RECOGNISED: 5_00}
    pool = season.of(orders, season.story.supplier.id, Mechanism.SHARE_DIVIDEND)
    assert pool == {Step.RECOGNISED: 15_00}
    for order, net_fen in zip(orders, (100_00, 200_00), strict=True):
        assert sum(season.story.held([order]).values()) == net_fen
    assert not season.of(orders[:1], season.story.supplier.id, Mechanism.SHARE_DIVIDEND), "the oldest line goes first"


def test_what_a_surplus_leaves_to_capital_is_shared_with_its_grants_averaged(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, None)])
    first, second = season.story.household(), season.story.household()
    season.story.lot(1_000_000)
    order = season.sell("100")
    version = season.shares(Holding(str(first.id), grant_fen=200_00), Holding(str(second.id), own_fen=100_00))
    season.share_out(Dividend(version.id, 60_00, tuple(Source), averages_grants=True))
    assert season.of([order], first.id, Mechanism.SHARE_DIVIDEND) == {Step.RECOGNISED: 20_00}
    assert season.of([order], second.id, Mechanism.SHARE_DIVIDEND) == {Step.RECOGNISED: 40_00}
    assert verify(session).sound


def test_no_more_is_given_than_stands_recognised(session: orm.Session) -> None:
    season = Season(session)
    season.deliver({season.story.household().id: 100})
    season.sell("10")
    season.sell("10", paid=False)
    with pytest.raises(NotEnoughRecognisedError) as refused:
        season.propose(season.patronage(100_01))
    assert "comes to 100.01 yuan, but only 100.00 yuan stand recognised: 10.00 in the pool" in refused.value.detail(
        "en"
    )
    assert "90.00 retained" in refused.value.detail("en")
    assert "按交易量返还" in refused.value.detail("zh")
    assert season.propose(season.patronage(100_00)).status is DistributionStatus.PROPOSED


def test_what_was_given_away_between_proposal_and_approval_is_not_given_twice(session: orm.Session) -> None:
    season = Season(session)
    household = season.story.household()
    season.deliver({household.id: 100})
    season.sell("10")
    one = season.propose(season.patronage(60_00))
    other = season.propose(season.dividend(60_00, Holding(str(household.id), own_fen=1)))
    season.approve(one)
    with pytest.raises(NotEnoughRecognisedError):
        season.approve(other)


LAST_QUARTER = Period(date(2026, 10, 1), date(2026, 12, 31))
ITS_LAST_DAY = Period(date(2026, 12, 31), date(2026, 12, 31))
BEFORE_IT = Period(date(2026, 1, 1), date(2026, 9, 30))


@pytest.mark.parametrize("approved", [False, True])
@pytest.mark.parametrize("again", [YEAR, LAST_QUARTER, ITS_LAST_DAY])
def test_a_day_is_shared_out_once_until_the_county_turns_it_down(
    session: orm.Session, again: Period, *, approved: bool
) -> None:
    season = Season(session)
    season.deliver({season.story.household().id: 100}, delivered_on=ITS_LAST_DAY.ends_on)
    season.sell("10", on=ITS_LAST_DAY.ends_on)
    one = season.propose(season.patronage(60_00), period=LAST_QUARTER)
    if approved:
        season.approve(one)
    with pytest.raises(PeriodAlreadySharedError) as refused:
        season.propose(season.patronage(1_00), period=again)
    status = "approved" if approved else "proposed"
    assert f"{one.id}, {status}, gives the same already for 2026-10-01 to 2026-12-31" in refused.value.detail("en")
    assert "已批准" in refused.value.detail("zh") or not approved
    if not approved:
        proposing.reject(session, season.reviewer, distribution_id=one.id, opinion="名单有误", now=NOW)
        assert season.propose(season.patronage(1_00), period=again).status is DistributionStatus.PROPOSED


def test_a_new_version_of_a_register_shares_no_day_out_again_but_another_formula_does(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, None)])
    holding = Holding(str(season.story.household().id), own_fen=100_00)
    season.story.lot(1_000_000)
    season.sell("100")
    old = season.shares(holding)
    season.share_out(Dividend(old.id, 10_00, tuple(Source)), period=BEFORE_IT)
    new = season.next_version(old, valid_from=LAST_QUARTER.begins_on)
    with pytest.raises(PeriodAlreadySharedError):
        season.propose(Dividend(new.id, 10_00, tuple(Source)))
    assert season.propose(Dividend(new.id, 10_00, tuple(Source)), period=LAST_QUARTER).amount_fen == 10_00
    assert season.propose(season.dividend(10_00, holding)).amount_fen == 10_00, "another register's shares"


def test_the_table_itself_shares_no_day_out_twice(session: orm.Session) -> None:
    season = Season(session)
    season.deliver({season.story.household().id: 100})
    season.sell("10")
    first = season.propose(season.patronage(1_00), period=BEFORE_IT)
    kept = {column.name: getattr(first, column.name) for column in sa.inspect(Distribution).columns}
    kept |= {"id": new_id(), "period_from": BEFORE_IT.ends_on, "period_to": YEAR.ends_on}
    with pytest.raises(sa.exc.IntegrityError, match="distributions_share_a_day_once"), session.begin_nested():
        session.execute(sa.insert(Distribution).values(kept))


def test_entrusted_capital_earns_no_more_months_than_its_period_has(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.CUSTODY, 10_000, None)])
    season.story.lot(1_000_000)
    season.sell("660")
    entitlement = Entitlement(str(season.story.household().id), 100_000_00, 660, 600, 60, str(season.collective.id))
    eleven = Period(date(2026, 2, 1), date(2026, 12, 31))
    with pytest.raises(MonthsBeyondPeriodError, match="has 11 whole months, not 12"):
        season.propose(season.custody(entitlement), period=eleven)
    made = season.propose(season.custody(entitlement, months=11), period=eleven)
    made.inputs = made.inputs | {"months": 12}
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), session.begin_nested():
        session.flush()


def test_every_register_is_read_as_it_holds_when_the_period_ends(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.CUSTODY, 5_000, None), (Mechanism.SHARE_DIVIDEND, 5_000, None)])
    household = str(season.story.household().id)
    season.story.lot(1_000_000)
    season.sell("660")
    custody = season.custody(Entitlement(household, 100_00, 660, 600, 60, str(season.collective.id)))
    dividend = season.dividend(1_00, Holding(household, own_fen=1))
    waiting = season.propose(dividend, period=LAST_QUARTER)
    for formula in (custody, dividend):
        old = session.get_one(RegisterVersion, formula.register_version_id)
        season.next_version(old, valid_from=YEAR.ends_on)
        with pytest.raises(RegisterNotInForceError, match="Version 1 of the register is not the one in force"):
            season.propose(formula)
    with pytest.raises(RegisterNotInForceError):
        season.approve(waiting)


def test_who_left_the_register_is_passed_over_and_their_part_stays_in_the_pool(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.PATRONAGE, 100, None)])
    stays, left = season.story.household(), season.story.household()
    season.deliver({stays.id: 75, left.id: 25})
    order = season.sell("10")
    session.get_one(Household, left.id).departed_on = date(2026, 6, 1)
    session.flush()
    distribution = season.share_out(season.patronage(8_00))
    assert (distribution.amount_fen, distribution.kept_fen) == (8_00, 2_00)
    held = season.story.held([order])
    assert held[Kind.POOL, season.story.supplier.id, Step.RECOGNISED] == 2_00
    assert season.of([order], stays.id, Mechanism.PATRONAGE) == {Step.RECOGNISED: 6_00}
    assert not season.of([order], left.id, Mechanism.PATRONAGE)
    # Of a line of 100 yuan the pool held 1 yuan; 7 more came out of retained money, 1 of them for who left.
    assert held[Kind.RETAINED, season.story.supplier.id, Step.RECOGNISED] == 100_00 - 1_00 - 7_00
    reasons = dict(session.execute(sa.select(DistributionItem.household_id, DistributionItem.excluded)).all())
    assert reasons == {stays.id: None, left.id: Excluded.OFF_REGISTER}


def test_a_distribution_for_nobody_is_refused(session: orm.Session) -> None:
    season = Season(session)
    season.story.lot(100_000)
    season.sell("10")
    with pytest.raises(NobodyListedError, match="nothing was delivered"):
        season.propose(season.patronage(1_00))
    gone = season.story.household()
    gone.departed_on = date(2026, 6, 1)
    session.flush()
    with pytest.raises(NobodyListedError, match="nobody on it is given anything"):
        season.propose(season.dividend(1_00, Holding(str(gone.id), own_fen=1)))


def test_drafts_and_moved_produce_and_other_periods_do_not_count_as_volume(session: orm.Session) -> None:
    season = Season(session)
    one, other = season.story.household(), season.story.household()
    season.deliver({one.id: 60, other.id: 40})
    season.deliver({other.id: 500}, delivered_on=date(2025, 12, 31))
    found = queries.volumes(session, season.story.supplier.id, YEAR)
    assert {each.household_id: each.milli for each in found.by_household} == {one.id: 60_000, other.id: 40_000}


def test_money_paid_ahead_is_claimed_by_what_a_distribution_gives(session: orm.Session) -> None:
    season = Season(session)
    household = season.story.household()
    season.deliver({household.id: 100})
    order = season.sell("10")
    season.story.disburse({household.id: 5_00})
    assert season.story.advances(household.id) == 5_00
    season.share_out(season.patronage(10_00))
    assert season.story.advances(household.id) == 0
    assert season.of([order], household.id, Mechanism.PATRONAGE) == {Step.RECOGNISED: 5_00, Step.DISBURSED: 5_00}


def test_a_return_after_a_distribution_falls_over_what_remains_and_takes_no_money_back(session: orm.Session) -> None:
    season = Season(session)
    household = season.story.household()
    season.deliver({household.id: 100})
    order = season.sell("10")
    season.share_out(season.patronage(50_00))
    season.story.disburse({household.id: 50_00}, on=AFTER)
    season.story.give_back(order, "10", on=AFTER)
    assert season.story.held([order]) == {}
    assert season.story.advances(household.id) == 50_00


def test_maker_and_checker_are_of_two_bodies_and_a_decision_stands(session: orm.Session) -> None:
    season = Season(session)
    season.deliver({season.story.household().id: 100})
    order = season.sell("10")
    before = season.story.held([order])
    distribution = season.propose(season.patronage(10_00))
    with pytest.raises(FourEyesError):
        proposing.approve(
            session, season.story.clerk, distribution_id=distribution.id, opinion="同意", on=AFTER, now=NOW
        )
    stranger = Season(session).story.clerk
    with pytest.raises(NotFoundError):
        proposing.approve(session, stranger, distribution_id=distribution.id, opinion="同意", on=AFTER, now=NOW)
    proposing.reject(session, season.reviewer, distribution_id=distribution.id, opinion="名单有误", now=NOW)
    assert season.story.held([order]) == before
    with pytest.raises(TransitionError):
        season.approve(distribution)


def test_a_distribution_takes_as_many_statements_for_forty_households_as_for_two(session: orm.Session) -> None:
    def statements(households: int, lines: int) -> int:
        season = Season(session)
        season.deliver({season.story.household().id: 10 for _ in range(households)})
        season.sell(*["1"] * lines)
        counted: list[str] = []
        distribution = season.propose(season.patronage(5_00 * lines))
        session.flush()
        sa.event.listen(session.connection(), "before_cursor_execute", lambda *args: counted.append(args[2]))
        season.approve(distribution)
        return len(counted)

    assert statements(2, 1) == statements(40, 9)


def test_a_list_can_be_read_but_never_changed(session: orm.Session) -> None:
    season = Season(session)
    season.deliver({season.story.household().id: 100})
    season.sell("10")
    season.propose(season.patronage(10_00))
    for change in ("UPDATE distribution_items SET fen = 1", "UPDATE distributions SET amount_fen = 1"):
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), session.begin_nested():
            session.execute(sa.text(change))
