"""What a village collective received it gives its households by its own list, or still holds, to the fen."""

from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.rules import Kind, Step
from market.attribution.statements import household_statement
from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.benefits.models import RegisterVersion
from market.benefits.rules import IncomeClass, Mechanism
from market.distributions import collective_queries, giving_on
from market.distributions.models import SecondDistribution
from market.distributions.rules import (
    GivenBeforeReceivedError,
    NobodyListedError,
    NotEnoughReceivedError,
    RegisterNotInForceError,
    SecondConfirmedError,
    SecondNotApprovedError,
    SecondReferenceTakenError,
)
from market.errors import FourEyesError, NotFoundError, TransitionError
from market.identity.rules import Role, Scope
from market.orders.models import Order
from tests import factories
from tests.distributions.season import AFTER, NOW, Season
from tests.story import NOON, open_channels

DIVIDEND = Mechanism.COLLECTIVE_DIVIDEND


@pytest.fixture(autouse=True)
def _channels(session: orm.Session) -> None:
    open_channels(session)


@pytest.fixture
def season(session: orm.Session) -> Season:
    season = Season(session, pools=(), collective_bp=2_000)
    season.story.lot(1_000_000)
    return season


def account(season: Season) -> collective_queries.CollectiveAccount:
    (found,) = collective_queries.collective_account(season.session, season.collective.id)
    assert found.received_fen == found.given_on_fen + found.held_fen + found.advance_fen
    return found


def test_what_a_collective_received_is_given_on_or_still_held(session: orm.Session, season: Season) -> None:
    first, second = factories.household(session), factories.household(session)
    orders = [season.sell("10"), season.sell("20")]  # 20 yuan and 40 yuan for the collective
    season.pay_collective(60_00)
    season.give_on(45_00, {first.id: 2, second.id: 1})
    assert account(season)[2:] == (60_00, 45_00, 15_00, 0)
    assert season.of(orders, first.id, DIVIDEND) == {Step.DISBURSED: 30_00}
    assert season.of(orders, second.id, DIVIDEND) == {Step.DISBURSED: 15_00}
    assert season.of(orders[:1], season.collective.id, DIVIDEND) == {}, "the oldest money goes first"
    for order, net_fen in zip(orders, (100_00, 200_00), strict=True):
        assert sum(season.story.held([order]).values()) == net_fen


def test_money_is_not_given_on_before_it_came_in_and_a_later_confirmation_of_it_keeps_the_day(
    session: orm.Session, season: Season
) -> None:
    household = factories.household(session)
    season.sell("10")
    payment_id = season.pay_collective(20_00)
    with pytest.raises(GivenBeforeReceivedError, match=f"some came in on {AFTER}"):
        season.state(20_00, {household.id: 1}, on=AFTER - timedelta(days=1))
    stated = season.state(20_00, {household.id: 1})
    later = NOW + timedelta(days=3)
    season.confirm_payment(payment_id, now=later)
    season.admit(stated, now=later)
    entry = session.execute(
        sa.text(
            "SELECT effective_on, original_effective_on FROM ledger_entries"
            f" WHERE source = 'second_distribution:{stated.id}'"
        )
    ).one()
    assert tuple(entry) == (later.date(), AFTER)
    assert verify(session).findings == ()


def test_what_a_collective_states_counts_once_the_county_approved_it(session: orm.Session, season: Season) -> None:
    household = factories.household(session)
    order = season.sell("10")
    season.pay_collective(20_00)
    one, other = (season.state(15_00, {household.id: 1}) for _ in range(2))
    assert season.of([order], household.id, DIVIDEND) == {}
    assert account(season)[2:] == (20_00, 0, 20_00, 0)
    colleague = factories.member(session, season.collective, Role.COUNTY_REVIEWER)
    for who in (season.keeper, factories.actor(session, colleague)):
        with pytest.raises(FourEyesError):
            giving_on.approve(session, who, distribution_id=one.id, opinion="同意", now=NOW)
    season.admit(one)
    with pytest.raises(NotEnoughReceivedError, match=r"holds 5\.00 yuan"), session.begin_nested():
        season.admit(other)
    giving_on.reject(session, season.reviewer, distribution_id=other.id, opinion="重复", now=NOW)
    with pytest.raises(SecondNotApprovedError):
        giving_on.confirm(session, season.village, distribution_id=other.id, on=AFTER, now=NOW)
    with pytest.raises(TransitionError, match="This second distribution is rejected"):
        season.admit(other)
    assert account(season)[2:] == (20_00, 15_00, 5_00, 0)


def test_money_is_given_on_by_the_list_that_holds_on_its_day(session: orm.Session, season: Season) -> None:
    household = factories.household(session)
    season.sell("10")
    season.pay_collective(20_00)
    stated = season.state(5_00, {household.id: 1})
    season.next_version(session.get_one(RegisterVersion, stated.register_version_id), valid_from=AFTER)
    with pytest.raises(RegisterNotInForceError), session.begin_nested():
        season.admit(stated)
    given = giving_on.Given(season.story.supplier.id, stated.register_version_id, 5_00, AFTER, "签字表", "另一次")
    with pytest.raises(RegisterNotInForceError):
        giving_on.predict(session, season.keeper, given=given)


def test_it_stands_in_a_households_statement_as_property_income_that_orders_brought(
    session: orm.Session, season: Season
) -> None:
    household = factories.household(session)
    season.sell("10")
    season.pay_collective(20_00)
    season.give_on(20_00, {household.id: 1})
    auditor = factories.actor(session, factories.member(session, season.collective), Scope.ALL)
    found = household_statement(
        session.connection(), auditor, household.id, period_from=date(2027, 1, 1), period_to=date(2027, 12, 31)
    ).total
    assert found.classes[IncomeClass.PROPERTY].disbursed_fen == 20_00
    assert (found.money_received_fen, found.brought_by_orders_fen) == (20_00, 20_00)
    assert found.assisted.accrued_fen == 20_00


def test_no_more_is_given_on_than_was_received_and_paid_for(session: orm.Session, season: Season) -> None:
    household = factories.household(session)
    season.sell("10")
    with pytest.raises(NotEnoughReceivedError, match=r"holds 0\.00 yuan"):
        season.give_on(1, {household.id: 1})
    season.pay_collective(30_00)  # 10 yuan of it ahead of what orders brought
    with pytest.raises(NotEnoughReceivedError, match=r"comes to 20\.01 yuan, but the collective holds 20\.00 yuan"):
        season.give_on(20_01, {household.id: 1})
    season.give_on(20_00, {household.id: 1})
    assert account(season)[2:] == (30_00, 20_00, 0, 10_00)


def test_the_part_of_who_left_the_village_stays_with_the_collective(session: orm.Session, season: Season) -> None:
    stays, left = factories.household(session), factories.household(session)
    left.departed_on = date(2026, 6, 1)
    session.flush()
    season.sell("10")
    season.pay_collective(20_00)
    given = season.give_on(20_00, {stays.id: 3, left.id: 1})
    assert given.kept_fen == 5_00
    assert account(season)[2:] == (20_00, 15_00, 5_00, 0)
    with pytest.raises(NobodyListedError):
        season.give_on(5_00, {left.id: 1})


def test_the_village_confirms_once_what_still_stands(session: orm.Session, season: Season) -> None:
    household = factories.household(session)
    order = season.sell("10")
    season.pay_collective(20_00)
    given = season.give_on(12_00, {household.id: 1})
    giving_on.confirm(session, season.village, distribution_id=given.id, on=AFTER, now=NOW)
    assert season.of([order], household.id, DIVIDEND) == {Step.CONFIRMED: 12_00}
    assert season.of([order], season.collective.id, DIVIDEND) == {Step.DISBURSED: 8_00}
    with pytest.raises(SecondConfirmedError):
        giving_on.confirm(session, season.village, distribution_id=given.id, on=AFTER, now=NOW)
    elsewhere = factories.actor(
        session, factories.member(session, factories.organisation(session, region_code="141125101201")), Scope.REGION
    )
    with pytest.raises(NotFoundError):
        giving_on.confirm(session, elsewhere, distribution_id=given.id, on=AFTER, now=NOW)


def test_a_return_after_it_leaves_the_household_its_money_as_an_advance(session: orm.Session, season: Season) -> None:
    household = factories.household(session)
    order = season.sell("10")
    season.pay_collective(20_00)
    given = season.give_on(12_00, {household.id: 1})
    season.story.give_back(order, "5", on=AFTER)
    assert season.of([order], household.id, DIVIDEND) == {Step.DISBURSED: 6_00}
    assert season.of([order], season.collective.id, DIVIDEND) == {Step.DISBURSED: 4_00}
    assert season.story.advances(household.id) == 6_00
    assert account(season)[2:] == (20_00, 12_00, 4_00, 4_00)
    giving_on.confirm(session, season.village, distribution_id=given.id, on=AFTER, now=NOW)
    assert season.of([order], household.id, DIVIDEND) == {Step.CONFIRMED: 6_00}
    season.story.give_back(order, "5", on=AFTER)
    assert season.story.held([order]) == {}
    assert season.story.advances(household.id) == 12_00


def test_a_reference_gives_once(session: orm.Session, season: Season) -> None:
    household = factories.household(session)
    season.sell("10")
    season.pay_collective(20_00)
    first = season.give_on(1_00, {household.id: 1})
    given = giving_on.Given(
        season.story.supplier.id, first.register_version_id, 1_00, AFTER, "签字表", f" {first.reference}"
    )
    with pytest.raises(SecondReferenceTakenError):
        giving_on.predict(session, season.keeper, given=given)


def test_what_was_confirmed_to_the_collective_is_given_on_too(session: orm.Session, season: Season) -> None:
    household = factories.household(session)
    order = season.sell("10")
    payment_id = season.pay_collective(20_00)
    season.confirm_payment(payment_id)
    assert season.of([order], season.collective.id, DIVIDEND) == {Step.CONFIRMED: 20_00}
    season.give_on(20_00, {household.id: 1})
    assert season.of([order], household.id, DIVIDEND) == {Step.DISBURSED: 20_00}
    assert (Kind.COLLECTIVE, Step.CONFIRMED) not in season.sums([order])


def confirm(season: Season, given: SecondDistribution) -> None:
    giving_on.confirm(season.session, season.village, distribution_id=given.id, on=AFTER, now=NOW)


@pytest.fixture
def grower(session: orm.Session) -> Iterator[tuple[Season, UUID]]:
    """A season with a household that grows, and is on its collective's list as well."""
    season = Season(session, pools=(), collective_bp=2_000)
    household_id = season.story.household().id
    season.story.lot(1_000_000, {household_id: 500_000})
    yield season, household_id
    assert (verify(session).findings, examine(session)) == ((), [])


def test_money_given_on_and_confirmed_is_confirmed_of_what_claims_it_after_a_return(
    grower: tuple[Season, UUID],
) -> None:
    season, household_id = grower
    order = season.sell("10")
    season.pay_collective(20_00)
    confirm(season, season.give_on(12_00, {household_id: 1}))
    season.story.give_back(order, "10", on=AFTER)
    assert season.story.advances(household_id) == 12_00
    claiming = season.sell("40", on=AFTER)
    produce = season.of([claiming], household_id, Mechanism.ORDER_PURCHASE)
    assert produce == {Step.CONFIRMED: 12_00, Step.RECOGNISED: 188_00}


def test_what_claimed_money_given_on_before_it_was_confirmed_is_confirmed_with_all_of_it(
    grower: tuple[Season, UUID],
) -> None:
    season, household_id = grower
    order = season.sell("10")
    season.confirm_payment(season.pay_collective(20_00))
    first, second = season.give_on(12_00, {household_id: 1}), season.give_on(3_00, {household_id: 1})
    season.story.give_back(order, "10", on=AFTER)
    claiming = season.sell("40", on=AFTER)

    def produce() -> dict[Step, int]:
        return season.of([claiming], household_id, Mechanism.ORDER_PURCHASE)

    assert produce() == {Step.DISBURSED: 15_00, Step.RECOGNISED: 185_00}, "the collective's word is not the household's"
    confirm(season, first)
    assert produce() == {Step.DISBURSED: 15_00, Step.RECOGNISED: 185_00}
    confirm(season, second)
    assert produce() == {Step.CONFIRMED: 15_00, Step.RECOGNISED: 185_00}


def test_money_given_on_that_was_confirmed_while_all_of_it_was_ahead_is_confirmed_of_what_claims_it(
    grower: tuple[Season, UUID],
) -> None:
    season, household_id = grower
    order = season.sell("10")
    season.pay_collective(20_00)
    given = season.give_on(12_00, {household_id: 1})
    season.story.give_back(order, "10", on=AFTER)
    before = NOON - timedelta(hours=1)
    giving_on.confirm(season.session, season.village, distribution_id=given.id, on=AFTER, now=before)
    claiming = season.sell("40", on=AFTER)
    assert season.of([claiming], household_id, Mechanism.ORDER_PURCHASE)[Step.CONFIRMED] == 12_00


def test_a_confirmation_that_is_on_record_alone_is_named_for_what_was_claimed_too(grower: tuple[Season, UUID]) -> None:
    season, household_id = grower
    order = season.sell("10")
    season.pay_collective(20_00)
    given = season.give_on(12_00, {household_id: 1})
    season.story.give_back(order, "10", on=AFTER)
    season.sell("40", on=AFTER)
    with season.session.begin_nested() as savepoint:
        given.confirmed_at, given.confirmed_by = NOW, season.village.member_id
        season.session.flush()
        (finding,) = verify(season.session).findings
        assert (finding.source, finding.expected_fen) == (f"second_confirmation:{given.id}", 12_00)
        savepoint.rollback()


def unconfirmed(season: Season, order: Order, household_id: UUID) -> dict[Step, int]:
    """Return what a household has of an order's dividend, once the auditor agrees with the book."""
    assert (verify(season.session).findings, examine(season.session)) == ((), [])
    return season.of([order], household_id, DIVIDEND)


def test_of_what_fell_before_more_was_given_a_confirmation_confirms_nothing(
    session: orm.Session, season: Season
) -> None:
    """The first gave 80 yuan, of which half the goods took 40 back; the 50 that were given then are another's."""
    household_id = factories.household(session).id
    order = season.sell("100")
    season.pay_collective(200_00)
    first = season.give_on(80_00, {household_id: 1})
    season.story.give_back(order, "50", on=AFTER)
    second = season.give_on(50_00, {household_id: 1})
    assert unconfirmed(season, order, household_id) == {Step.DISBURSED: 90_00}
    confirm(season, first)
    assert unconfirmed(season, order, household_id) == {Step.CONFIRMED: 40_00, Step.DISBURSED: 50_00}
    confirm(season, second)
    assert unconfirmed(season, order, household_id) == {Step.CONFIRMED: 90_00}


@pytest.mark.parametrize("turn", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_what_fell_of_several_fell_of_the_last_whichever_is_confirmed_first(
    session: orm.Session, season: Season, turn: tuple[int, int, int]
) -> None:
    """Of 80 and 50 yuan half came back: the first keeps its 65, and the second confirms nothing of the third's 10."""
    household_id = factories.household(session).id
    order = season.sell("100")
    season.pay_collective(200_00)
    given = [season.give_on(fen, {household_id: 1}) for fen in (80_00, 50_00)]
    season.story.give_back(order, "50", on=AFTER)
    given.append(season.give_on(10_00, {household_id: 1}))
    assert unconfirmed(season, order, household_id) == {Step.DISBURSED: 75_00}
    was_confirmed_fen = 0
    for number in turn:
        confirm(season, given[number])
        confirmed_fen = unconfirmed(season, order, household_id).get(Step.CONFIRMED, 0)
        assert confirmed_fen - was_confirmed_fen == (65_00, 0, 10_00)[number]
        was_confirmed_fen = confirmed_fen


def test_what_falls_after_a_confirmation_leaves_it_its_own(session: orm.Session, season: Season) -> None:
    household_id = factories.household(session).id
    order = season.sell("100")
    season.pay_collective(200_00)
    first, second = (season.give_on(fen, {household_id: 1}) for fen in (80_00, 50_00))
    confirm(season, second)
    assert unconfirmed(season, order, household_id) == {Step.CONFIRMED: 50_00, Step.DISBURSED: 80_00}
    season.story.give_back(order, "50", on=AFTER)
    assert unconfirmed(season, order, household_id) == {Step.CONFIRMED: 50_00, Step.DISBURSED: 15_00}
    season.give_on(10_00, {household_id: 1})
    confirm(season, first)
    assert unconfirmed(season, order, household_id) == {Step.CONFIRMED: 65_00, Step.DISBURSED: 10_00}


def test_that_a_household_confirmed_says_nothing_of_its_collective_in_the_minute_of_a_match(
    grower: tuple[Season, UUID],
) -> None:
    """The collective's own word came after the match, which the book alone can tell, and confirmed nothing then."""
    season, household_id = grower
    order = season.sell("10")
    payment_id = season.pay_collective(20_00)
    confirm(season, season.give_on(12_00, {household_id: 1}))
    season.story.give_back(order, "10", on=AFTER)
    claiming = season.sell("40", on=AFTER)
    assert season.of([claiming], household_id, Mechanism.ORDER_PURCHASE)[Step.CONFIRMED] == 12_00
    assert season.of([claiming], season.collective.id, DIVIDEND)[Step.DISBURSED] == 8_00
    season.story.give_back(claiming, "40", on=AFTER)
    season.confirm_payment(payment_id, now=NOON)
