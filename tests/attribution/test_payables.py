"""What is owed is found from what accounts hold: to the fen what all of history says, and without reading it."""

from collections.abc import Callable, Sequence
from datetime import date
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.payables import Payable, overdue_to, payables, set_terms
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from tests import factories
from tests.attribution.dealings import FIFTH, NINTH, Dealings, close_march, reverse
from tests.attribution.slow_payables import slow_payables
from tests.distributions.season import VILLAGE, Season
from tests.story import Story, open_channels

APRIL, MAY, JUNE = date(2026, 4, 20), date(2026, 5, 20), date(2026, 6, 1)
READ_ON = (date(2026, 3, 20), JUNE, date(2026, 12, 31), date(2028, 5, 5), date(2035, 1, 1), date(2099, 1, 1))
"""Days on which it is asked: the later, the further back what is owed lies."""


@pytest.fixture
def session(session: orm.Session) -> orm.Session:
    open_channels(session)
    return session


def auditor(session: orm.Session) -> Actor:
    office = factories.organisation(session, kind=OrganisationKind.AUDIT_OFFICE)
    return factories.actor(session, factories.member(session, office, Role.AUDITOR), Scope.ALL)


def county(session: orm.Session, code: str) -> Actor:
    department = factories.organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT, region_code=code)
    return factories.actor(session, factories.member(session, department, Role.COUNTY_REVIEWER), Scope.REGION)


def all_pages(session: orm.Session, actor: Actor, *, on: date, limit: int, overdue: bool = False) -> list[Payable]:
    """Read page by page, each from where the last ended."""
    found: list[Payable] = []
    after = None
    while page := payables(session, actor, on=on, after=after, limit=limit, overdue=overdue):
        assert len(page) <= limit
        found += page
        after = page[-1].supplier_id, page[-1].payee_id
    return found


def of_a_collective(session: orm.Session) -> Season:
    """A third supplier owes a collective, and has paid part of it."""
    season = Season(session, collective_bp=2_000)
    season.story.lot(100_000)
    season.sell("30", on=FIFTH)
    season.pay_collective(1_500, on=NINTH)
    season.sell("10", on=APRIL)
    return season


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happened_what_is_owed_is_what_all_of_history_says(session: orm.Session, seed: int) -> None:
    dealings = [Dealings(session, seed), Dealings(session, 100 + seed)]
    dealings[1].is_closed = True  # the first alone may close the month
    season = of_a_collective(session)
    for number in range(50):
        dealings[number % 2].act()
    factories.region(session, code=VILLAGE)
    terms = county(session, VILLAGE)
    set_terms(session, terms, region_code=VILLAGE, valid_from=READ_ON[2], within_days=400, today=JUNE)
    everyone = auditor(session)
    households = [household.id for each in dealings for household in each.households]
    for on in READ_ON:
        for overdue in (False, True):
            owed = slow_payables(session, on=on, overdue=overdue)
            for limit in (1, 2, 50):
                assert all_pages(session, everyone, on=on, limit=limit, overdue=overdue) == owed
            for supplier in (dealings[0].story.clerk, season.story.clerk):
                own = slow_payables(session, on=on, overdue=overdue, supplier_id=supplier.organisation_id)
                assert all_pages(session, supplier, on=on, limit=2, overdue=overdue) == own
            near = slow_payables(session, on=on, overdue=overdue, region_code=VILLAGE)
            assert all_pages(session, terms, on=on, limit=2, overdue=overdue) == near
        late = slow_payables(session, on=on, overdue=True, payee_ids=households)
        assert overdue_to(session.connection(), households, on) == {
            household: own for household in households if (own := [each for each in late if each.payee_id == household])
        }


def test_chance_brings_all_that_what_is_owed_can_come_of(session: orm.Session) -> None:
    owed: list[Payable] = []
    for seed in range(3):
        dealings = Dealings(session, seed)
        for _ in range(25):
            dealings.act()
        owed += slow_payables(session, on=JUNE, supplier_id=dealings.story.supplier.id)
    reasons = set(session.scalars(sa.text("SELECT DISTINCT reason FROM ledger_entries")))
    assert reasons >= {"recognition", "disbursement", "matching", "return", "payment_reversal"}
    assert any(each.top_up_fen for each in owed)
    assert any(each.recognised_fen for each in owed)


def test_what_a_reversed_payment_gives_back_is_as_old_as_it_was_however_long_ago(session: orm.Session) -> None:
    story = Story(session)
    household = story.household().id
    story.lot(1_000_000, {household: 1_000_000})
    order = story.sell("10", on=FIFTH)
    story.pay(order, order.amount_fen, on=FIFTH)
    (payment,) = story.disburse({household: 10_000}, on=NINTH)
    close_march(session)
    reverse(story, payment, on=MAY)
    (owed,) = payables(session, story.clerk, on=JUNE, after=None, limit=5)
    assert (owed.recognised_fen, owed.since, owed.overdue_fen) == (10_000, FIFTH, 10_000)


def test_what_a_price_cut_turned_into_a_top_up_is_owed_since_the_acceptance(session: orm.Session) -> None:
    story = Story(session)
    household = story.household().id
    story.lot(1_000_000, {household: 1_000_000})
    order = story.sell("10", on=FIFTH)
    story.pay(order, order.amount_fen, on=NINTH)
    close_march(session)
    story.cut(order, order.amount_fen - 1, on=MAY)
    (owed,) = payables(session, story.clerk, on=JUNE, after=None, limit=5)
    assert (owed.recognised_fen, owed.top_up_fen, owed.since, owed.overdue_fen) == (1, 9_999, FIFTH, 10_000)
    story.disburse({household: 4_000}, on=MAY)
    (owed,) = payables(session, story.clerk, on=JUNE, after=None, limit=5)
    assert (owed.top_up_fen, owed.since, owed.overdue_fen) == (6_000, FIFTH, 6_000)


def test_who_was_never_paid_is_owed_since_the_first_day_behind_all_that_was_paid_since(session: orm.Session) -> None:
    story = Story(session)
    household = story.household().id
    story.lot(10_000, {household: 10_000})
    first = story.sell("10", on=FIFTH)
    story.pay(first, first.amount_fen, on=FIFTH)
    close_march(session)
    _, (new,) = story.lot(1_000_000, {household: 1_000_000})
    for _ in range(3):
        settle(story, household, on=MAY, contribution_id=new.id)
    (owed,) = payables(session, story.clerk, on=JUNE, after=None, limit=5)
    assert (owed.recognised_fen, owed.since) == (10_000, FIFTH)


def settle(story: Story, household: UUID, *, on: date, contribution_id: UUID | None = None) -> None:
    order = story.sell("1", on=on)
    story.pay(order, order.amount_fen, on=on)
    story.disburse(
        {household: order.amount_fen}, contributions={household: contribution_id} if contribution_id else None, on=on
    )


def told(session: orm.Session, *, settled: int, owed: int) -> Callable[[], Sequence[Payable]]:
    """Tell of a supplier that paid all of March, and owes something of May; return how it lists what it owes."""
    story = Story(session)
    household = story.household().id
    story.lot(1_000_000, {household: 1_000_000})
    for _ in range(settled):
        settle(story, household, on=FIFTH)
    for _ in range(owed):
        order = story.sell("1", on=MAY)
        story.pay(order, order.amount_fen, on=MAY)
    return lambda: payables(session, story.clerk, on=JUNE, after=None, limit=50)


_READ = sa.text(
    """
    SELECT sum(pg_stat_get_xact_tuples_returned(oid)) FROM pg_class
     WHERE relname LIKE 'ledger_transfers%' OR relname LIKE 'ledger_balances%'
    """
)
"""Rows of the book, or entries of its indexes, that this transaction has read."""


def rows_read(session: orm.Session, ask: Callable[[], object]) -> int:
    before = session.scalars(_READ).one()
    ask()
    return int(session.scalars(_READ).one() - before)


@pytest.mark.parametrize("owed", [0, 2])
def test_what_was_settled_in_closed_months_is_not_read(session: orm.Session, owed: int) -> None:
    young = told(session, settled=2, owed=owed)
    old = told(session, settled=20, owed=owed)
    close_march(session)
    assert [[each.recognised_fen for each in found()] for found in (young, old)] == [[1_000 * owed] * bool(owed)] * 2
    assert rows_read(session, old) == rows_read(session, young)


def test_a_page_reads_no_further_than_it_shows(session: orm.Session) -> None:
    story = Story(session)
    households = [story.household().id for _ in range(20)]
    story.lot(1_000_000, dict.fromkeys(households, 50_000))
    order = story.sell("1000", on=MAY)
    story.pay(order, order.amount_fen, on=MAY)

    def page(limit: int) -> Sequence[Payable]:
        return payables(session, story.clerk, on=JUNE, after=None, limit=limit)

    assert (len(page(2)), len(page(50))) == (2, 20)
    assert rows_read(session, lambda: page(2)) < rows_read(session, lambda: page(50)) // 3
