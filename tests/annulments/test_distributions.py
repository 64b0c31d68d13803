"""A distribution that was approved and never was goes back to the money that it was given out of, fen by fen."""

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.annulments import deciding
from market.annulments.rules import AnnulmentProposedError, AnnulmentStatus, GivenOnError, RemainderStandsError
from market.attribution.rules import Kind, Step
from market.attribution.unrecognition import UnpaidLine, unrecognise
from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.benefits.holdings import Entitlement, Holding, Source
from market.benefits.rules import Mechanism
from market.distributions import giving_on, proposing, queries
from market.distributions.listing import Dividend
from market.distributions.models import Distribution
from market.distributions.rules import DistributionStatus, Period
from market.errors import FourEyesError, NotFoundError, TransitionError
from market.households.models import Household
from market.identity.rules import OrganisationKind, Role, Scope
from market.ledger import service as ledger
from market.ledger.rules import Book
from tests import factories
from tests.annulments.annulling_lists import LATER, LATER_NOON, annulled, approved, manager, proposed
from tests.distributions.season import AFTER, NOW, YEAR, Season
from tests.story import TODAY, open_channels


@pytest.fixture(autouse=True)
def _channels(session: orm.Session) -> None:
    open_channels(session)


def all_is_well(session: orm.Session) -> None:
    found = verify(session)
    assert [finding.line() for finding in (*found.findings, *found.notes)] == []
    assert [symptom.line() for symptom in examine(session)] == []


def test_a_wrong_distribution_goes_back_and_the_right_one_is_shared_for_the_same_days(session: orm.Session) -> None:
    season = Season(session)
    first, second = season.story.household(), season.story.household()
    season.deliver({first.id: 75, second.id: 25})
    orders = [season.sell("10"), season.sell("20")]
    before = season.story.held(orders)
    wrong = season.share_out(season.patronage(200_00))
    assert (wrong.from_pool_fen, wrong.from_retained_fen) == (30_00, 170_00)
    annulment = annulled(season, wrong)
    assert (annulment.status, wrong.status) == (AnnulmentStatus.APPROVED, DistributionStatus.ANNULLED)
    assert season.story.held(orders) == before
    all_is_well(session)
    right = season.share_out(season.patronage(40_00), on=LATER)
    assert (right.from_pool_fen, right.from_retained_fen) == (30_00, 10_00)
    assert season.of(orders, first.id, Mechanism.PATRONAGE) == {Step.RECOGNISED: 30_00}
    assert season.of(orders, second.id, Mechanism.PATRONAGE) == {Step.RECOGNISED: 10_00}
    all_is_well(session)


def test_a_household_that_was_paid_keeps_its_money_which_the_right_distribution_claims(session: orm.Session) -> None:
    season = Season(session)
    household = season.story.household()
    season.deliver({household.id: 100})
    order = season.sell("10")
    wrong = season.share_out(season.patronage(50_00))
    (payment,) = season.story.disburse({household.id: 30_00}, on=AFTER)
    season.confirm_payment(payment)
    annulled(season, wrong)
    assert season.story.advances(household.id) == 30_00
    assert not season.of([order], household.id, Mechanism.PATRONAGE)
    all_is_well(session)
    season.share_out(season.patronage(40_00), on=LATER)
    assert season.story.advances(household.id) == 0
    assert season.of([order], household.id, Mechanism.PATRONAGE) == {Step.CONFIRMED: 30_00, Step.RECOGNISED: 10_00}
    all_is_well(session)


def test_what_is_owed_otherwise_claims_at_once_what_had_been_paid_by_a_wrong_list(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.PATRONAGE, 1_000, None), (Mechanism.SHARE_DIVIDEND, 1_000, None)])
    household = season.story.household()
    season.deliver({household.id: 100})
    order = season.sell("10")
    wrong = season.share_out(season.patronage(10_00))
    season.story.disburse({household.id: 10_00}, on=AFTER)
    season.share_out(season.dividend(6_00, Holding(str(household.id), own_fen=1)))
    annulled(season, wrong)
    assert season.story.advances(household.id) == 4_00
    assert season.of([order], household.id, Mechanism.SHARE_DIVIDEND) == {Step.DISBURSED: 6_00}
    all_is_well(session)


def test_what_a_return_took_meanwhile_does_not_fall_again(session: orm.Session) -> None:
    season = Season(session)
    household = season.story.household()
    season.deliver({household.id: 100})
    order = season.sell("10")
    wrong = season.share_out(season.patronage(50_00))
    season.story.give_back(order, "5", on=AFTER)
    assert season.of([order], household.id, Mechanism.PATRONAGE) == {Step.RECOGNISED: 25_00}
    annulled(season, wrong)
    assert season.sums([order]) == {(Kind.POOL, Step.RECOGNISED): 5_00, (Kind.RETAINED, Step.RECOGNISED): 45_00}
    all_is_well(session)
    season.story.give_back(order, "5", on=LATER)
    assert season.story.held([order]) == {}
    all_is_well(session)


def test_of_two_distributions_of_one_mechanism_on_one_line_the_right_one_keeps_its_own(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.SHARE_DIVIDEND, 5_000, None)])
    household = season.story.household()
    season.story.lot(1_000_000)
    order = season.sell("10")
    holding = Holding(str(household.id), own_fen=1)
    wrong = season.share_out(season.dividend(20_00, holding))
    season.story.give_back(order, "5", on=AFTER)
    right = season.share_out(season.dividend(8_00, holding))
    season.story.give_back(order, "2", on=AFTER + timedelta(days=2))
    # 20 and 8 yuan were given; half of the first and two fifths of both then came back.
    assert season.of([order], household.id, Mechanism.SHARE_DIVIDEND) == {Step.RECOGNISED: 10_80}
    annulled(season, wrong)
    assert season.of([order], household.id, Mechanism.SHARE_DIVIDEND) == {Step.RECOGNISED: 4_80}
    all_is_well(session)
    annulled(season, right)
    assert season.sums([order]) == {(Kind.POOL, Step.RECOGNISED): 15_00, (Kind.RETAINED, Step.RECOGNISED): 15_00}
    all_is_well(session)


def test_what_a_buyer_took_back_meanwhile_is_accrued_again_where_it_came_from(session: orm.Session) -> None:
    season = Season(session)
    household = season.story.household()
    season.deliver({household.id: 100})
    order = season.sell("10")
    wrong = season.share_out(season.patronage(60_00))
    (line,) = season.story.lines(order)
    went = UnpaidLine(line.id, 40_00, 100_00)
    unrecognise(session, {"refund:1": [went]}, supplier_id=season.story.supplier.id, on=AFTER)
    annulled(season, wrong)
    assert season.sums([order]) == {
        (Kind.POOL, Step.ACCRUED): 10_00,
        (Kind.RETAINED, Step.ACCRUED): 30_00,
        (Kind.RETAINED, Step.RECOGNISED): 60_00,
    }


def test_what_was_kept_for_who_may_not_be_paid_goes_back_too(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.PATRONAGE, 100, None)])
    stays, left = season.story.household(), season.story.household()
    season.deliver({stays.id: 75, left.id: 25})
    order = season.sell("10")
    session.get_one(Household, left.id).departed_on = date(2026, 6, 1)
    session.flush()
    before = season.story.held([order])
    annulled(season, season.share_out(season.patronage(8_00)))
    assert season.story.held([order]) == before
    all_is_well(session)


def test_what_was_put_into_a_pool_takes_none_of_the_pools_own_money_back_with_it(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, None)])
    stays, left = season.story.household(), season.story.household()
    season.story.lot(1_000_000)
    order = season.sell("10", paid=False)
    season.story.pay(order, 50_00)
    session.get_one(Household, left.id).departed_on = date(2026, 6, 1)
    session.flush()
    wrong = season.share_out(season.dividend(20_00, *(Holding(str(each.id), own_fen=1) for each in (stays, left))))
    season.story.pay(order, 50_00, on=AFTER)
    season.story.give_back(order, "5", on=AFTER)
    annulled(season, wrong)
    assert season.sums([order]) == {(Kind.POOL, Step.RECOGNISED): 5_00, (Kind.RETAINED, Step.RECOGNISED): 45_00}
    all_is_well(session)


def test_of_what_was_kept_and_given_since_only_what_is_there_goes_back(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.SHARE_DIVIDEND, 100, None)])
    stays, left = season.story.household(), season.story.household()
    season.story.lot(1_000_000)
    order = season.sell("10")
    session.get_one(Household, left.id).departed_on = date(2026, 6, 1)
    session.flush()
    holding = Holding(str(stays.id), own_fen=1)
    wrong = season.share_out(season.dividend(10_00, holding, Holding(str(left.id), own_fen=1)))
    assert season.story.held([order])[Kind.POOL, season.story.supplier.id, Step.RECOGNISED] == 5_00
    season.share_out(season.dividend(3_00, holding))
    annulled(season, wrong)
    assert sum(season.sums([order]).values()) == 100_00
    assert season.of([order], stays.id, Mechanism.SHARE_DIVIDEND) == {Step.RECOGNISED: 3_00}
    all_is_well(session)


def test_what_is_annulled_in_a_closed_month_goes_off_in_the_open_one_and_is_known_under_its_own_day(
    session: orm.Session,
) -> None:
    season = Season(session)
    household = season.story.household()
    season.deliver({household.id: 100})
    season.sell("10")
    april, may = datetime(2026, 4, 15, 4, tzinfo=UTC), datetime(2026, 5, 20, 4, tzinfo=UTC)
    quarter = Period(date(2026, 1, 1), date(2026, 3, 31))
    wrong = season.propose(season.patronage(50_00), period=quarter)
    proposing.approve(session, season.reviewer, distribution_id=wrong.id, opinion="同意", on=april.date(), now=april)
    season.story.disburse({household.id: 30_00}, on=date(2026, 4, 20))
    annulment = proposed(season, wrong)
    for month in (3, 4, 5):
        ledger.close_month(
            session,
            Book.ATTRIBUTION,
            month=date(2026, month, 1),
            closed_by=season.story.clerk.member_id,
            today=date(2026, 6, 1),
        )
    approved(season, annulment.id, on=may.date(), now=may)
    entry = sa.text("SELECT effective_on, original_effective_on FROM ledger_entries WHERE source = :source")
    row = session.execute(entry, {"source": f"annulment:{annulment.id}"}).one()
    assert tuple(row) == (date(2026, 6, 1), april.date())
    all_is_well(session)


def test_an_annulment_counts_from_the_day_on_which_all_that_it_takes_was_there(session: orm.Session) -> None:
    season = Season(session)
    household = season.story.household()
    season.deliver({household.id: 100})
    season.sell("10")
    wrong = season.share_out(season.patronage(50_00))
    season.story.disburse({household.id: 30_00}, on=LATER)
    annulment = annulled(season, wrong, on=AFTER)
    entry = sa.text("SELECT effective_on FROM ledger_entries WHERE source = :source")
    assert session.scalar(entry, {"source": f"annulment:{annulment.id}"}) == LATER
    (pool, retained) = queries.funds(session, season.story.supplier.id, Mechanism.PATRONAGE, YEAR)
    assert (pool.fen, retained.fen, pool.since, retained.since) == (10_00, 90_00, LATER, LATER)
    all_is_well(session)


def test_what_is_not_approved_is_not_annulled(session: orm.Session) -> None:
    season = Season(session)
    season.deliver({season.story.household().id: 100})
    season.sell("10")
    distribution = season.propose(season.patronage(10_00))
    with pytest.raises(TransitionError, match="is proposed; it cannot be annulled"):
        proposed(season, distribution)
    season.approve(distribution)
    annulled(season, distribution)
    with pytest.raises(TransitionError, match="is annulled; it cannot be annulled"):
        proposed(season, distribution)


def test_a_return_by_volume_stands_as_long_as_a_dividend_shares_what_it_leaves(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.PATRONAGE, 1_000, None), (Mechanism.SHARE_DIVIDEND, 1_000, None)])
    household = season.story.household()
    season.deliver({household.id: 100})
    season.sell("10")
    by_volume = season.share_out(season.patronage(50_00, by_volume_bp=6_000))
    shares = season.shares(Holding(str(household.id), own_fen=1))
    by_capital = season.share_out(Dividend(shares.id, 20_00, tuple(Source), remainder_of=by_volume.id))
    with pytest.raises(RemainderStandsError, match=str(by_capital.id)):
        proposed(season, by_volume)
    annulled(season, by_capital)
    annulled(season, by_volume)
    all_is_well(session)
    again = season.share_out(season.patronage(50_00, by_volume_bp=6_000), on=LATER)
    season.share_out(Dividend(shares.id, 20_00, tuple(Source), remainder_of=again.id), on=LATER)
    all_is_well(session)


def with_a_collective(session: orm.Session) -> tuple[Season, Distribution]:
    season = Season(session, pools=[(Mechanism.CUSTODY, 10_000, None)])
    season.story.lot(1_000_000)
    season.sell("660")
    entitlement = Entitlement(str(season.story.household().id), 100_000_00, 660, 600, 60, str(season.collective.id))
    return season, season.share_out(season.custody(entitlement))


def test_what_a_village_collective_gave_on_stays_given(session: orm.Session) -> None:
    season, distribution = with_a_collective(session)
    season.pay_collective(600_00)
    annulment = proposed(season, distribution)
    weights = {season.story.household().id: 1}
    stated = season.state(100_00, weights)
    with pytest.raises(GivenOnError, match=season.collective.name), session.begin_nested():
        approved(season, annulment.id)
    giving_on.reject(session, season.reviewer, distribution_id=stated.id, opinion="不实", now=NOW)
    season.give_on(100_00, weights)
    with pytest.raises(GivenOnError), session.begin_nested():
        approved(season, annulment.id)
    deciding.reject(session, season.reviewer, annulment_id=annulment.id, opinion="已分", now=LATER_NOON)
    assert distribution.status is DistributionStatus.APPROVED
    all_is_well(session)


def test_a_village_collective_that_gave_nothing_on_holds_an_advance(session: orm.Session) -> None:
    season, distribution = with_a_collective(session)
    season.pay_collective(600_00)
    annulled(season, distribution)
    assert season.story.advances(season.collective.id) == 600_00
    all_is_well(session)


def test_maker_and_checker_are_two_and_not_of_the_supplier(session: orm.Session) -> None:
    season = Season(session)
    season.deliver({season.story.household().id: 100})
    order = season.sell("10")
    distribution = season.share_out(season.patronage(10_00))
    before = season.story.held([order])
    auditor = factories.organisation(session, kind=OrganisationKind.AUDIT_OFFICE)
    audits = factories.actor(session, factories.member(session, auditor, Role.AUDITOR), Scope.ALL)
    for maker in (season.reviewer, audits, manager(season)):
        annulment = proposed(season, distribution, by=maker)
        with pytest.raises(AnnulmentProposedError, match=str(annulment.id)), session.begin_nested():
            proposed(season, distribution)
        for checker in (maker, manager(season)):
            with pytest.raises((FourEyesError, NotFoundError)), session.begin_nested():
                deciding.approve(session, checker, annulment_id=annulment.id, opinion="属实", on=LATER, now=LATER_NOON)
        county = factories.organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT)
        other = factories.actor(session, factories.member(session, county, Role.COUNTY_REVIEWER), Scope.REGION)
        deciding.reject(session, other, annulment_id=annulment.id, opinion="不实", now=LATER_NOON)
        with pytest.raises(TransitionError, match="is rejected; it cannot be approved"), session.begin_nested():
            deciding.approve(session, other, annulment_id=annulment.id, opinion="属实", on=LATER, now=LATER_NOON)
    assert season.story.held([order]) == before
    stranger = manager(Season(session))
    with pytest.raises(NotFoundError):
        proposed(season, distribution, by=stranger)


def test_the_table_itself_annuls_once_and_lets_nobody_change_what_was_said(session: orm.Session) -> None:
    season = Season(session)
    season.deliver({season.story.household().id: 100})
    season.sell("10")
    annulment = proposed(season, season.share_out(season.patronage(10_00)))
    again = sa.text(
        "INSERT INTO annulments (id, distribution_id, supplier_id, reason, evidence, status, made_by, made_at)"
        " SELECT gen_random_uuid(), distribution_id, supplier_id, reason, evidence, status, made_by, made_at"
        "   FROM annulments WHERE id = :id"
    )
    with pytest.raises(sa.exc.IntegrityError, match="annulments_annul_a_distribution_once"), session.begin_nested():
        session.execute(again, {"id": annulment.id})
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), session.begin_nested():
        session.execute(sa.text("UPDATE annulments SET reason = '另有原因'"))


def test_an_annulment_takes_as_many_statements_for_forty_households_as_for_two(session: orm.Session) -> None:
    def statements(households: int, lines: int) -> int:
        season = Season(session)
        found = [season.story.household().id for _ in range(households)]
        season.deliver(dict.fromkeys(found, 10))
        season.sell(*["1"] * lines)
        distribution = season.share_out(season.patronage(5_00 * lines))
        season.story.disburse(dict.fromkeys(found, 1), on=AFTER)
        annulment = proposed(season, distribution)
        session.flush()
        counted: list[str] = []
        sa.event.listen(session.connection(), "before_cursor_execute", lambda *args: counted.append(args[2]))
        approved(season, annulment.id)
        return len(counted)

    assert statements(2, 1) == statements(40, 9)
    assert TODAY < LATER
