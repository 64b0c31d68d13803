"""A fact of a closed month is posted in an open one, under its own day; nothing that was closed changes."""

from collections.abc import Iterator
from datetime import date

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.rules import Kind, Step
from market.audit.book import ClosedMonths
from market.audit.doctoring import examine
from market.audit.rules import Difference
from market.audit.verifying import verify
from market.ledger import service as ledger
from market.ledger.models import LedgerBalance, LedgerEntry
from market.ledger.rules import Book
from market.reports.cooperatives import cooperative_statement
from tests import factories
from tests.story import Story, open_channels

FIFTH, NINTH, TWELFTH = (date(2026, 3, day) for day in (5, 9, 12))
APRIL = date(2026, 4, 1)


@pytest.fixture
def story(session: orm.Session) -> Iterator[Story]:
    open_channels(session)
    told = Story(session)
    yield told
    assert not verify(session).findings
    assert {symptom.invariant for symptom in examine(session)} <= {"lot_is_covered"}, "a story's lots come from nowhere"


def close_march(session: orm.Session) -> None:
    member = factories.member(session, factories.organisation(session))
    ledger.close_month(session, Book.ATTRIBUTION, month=FIFTH, closed_by=member.id, today=date(2026, 5, 1))


def late(session: orm.Session, *reasons: str) -> list[tuple[str, date, date | None]]:
    """Return the entries posted into April: why, from which day on, of which day."""
    found = sa.select(LedgerEntry).where(LedgerEntry.effective_on >= APRIL, LedgerEntry.reason.in_(reasons))
    return [
        (row.reason, row.effective_on, row.original_effective_on)
        for row in session.scalars(found.order_by(LedgerEntry.id))
    ]


def balances(session: orm.Session) -> list[tuple[int, int]]:
    rows = session.execute(sa.select(LedgerBalance.account_id, LedgerBalance.balance_fen).order_by("account_id"))
    return [(account_id, fen) for account_id, fen in rows]


def test_a_receipt_of_a_closed_month_is_recognised_on_the_first_open_day(story: Story) -> None:
    household = story.household()
    story.lot(100_000, {household.id: 50_000})
    order = story.sell("10", on=FIFTH)
    close_march(story.session)
    closed = balances(story.session)
    story.pay(order, 10_000, on=NINTH)
    assert late(story.session, "recognition") == [("recognition", APRIL, NINTH)]
    assert story.held([order])[Kind.HOUSEHOLD, household.id, Step.RECOGNISED] == 5_000
    assert balances(story.session) == closed


def test_money_of_a_closed_month_counts_as_received_from_the_first_open_day(story: Story) -> None:
    story.lot(100_000)
    order, earlier = story.sell("10", on=FIFTH), story.sell("10", on=FIFTH)
    story.pay(earlier, 10_000, on=NINTH)
    close_march(story.session)
    story.pay(order, 10_000, on=NINTH)

    def received_fen(month: date, last: date) -> int:
        told = cooperative_statement(
            story.session.connection(), story.clerk, story.supplier.id, period_from=month, period_to=last
        )
        return told.received_fen

    assert received_fen(date(2026, 3, 1), date(2026, 3, 31)) == 10_000
    assert received_fen(APRIL, date(2026, 4, 30)) == 10_000


def test_a_payment_of_a_closed_month_settles_on_the_first_open_day(story: Story) -> None:
    household = story.household()
    story.lot(100_000, {household.id: 50_000})
    order = story.sell("10", on=FIFTH)
    story.pay(order, 10_000, on=TWELFTH)
    close_march(story.session)
    story.disburse({household.id: 6_000}, on=NINTH)
    assert late(story.session, "disbursement", "matching") == [
        ("disbursement", APRIL, NINTH),
        ("matching", APRIL, TWELFTH),
    ]
    assert story.held([order])[Kind.HOUSEHOLD, household.id, Step.DISBURSED] == 5_000
    assert story.advances(household.id) == 1_000


def test_a_return_of_a_closed_month_counts_from_the_first_open_day(story: Story) -> None:
    household = story.household()
    story.lot(100_000, {household.id: 50_000})
    order = story.sell("10", on=FIFTH)
    story.pay(order, 10_000, on=FIFTH)
    story.disburse({household.id: 5_000}, on=FIFTH)
    close_march(story.session)
    returned = story.give_back(order, "4", on=NINTH)
    assert [row.counts_on for _, row in returned.lines] == [APRIL]
    assert late(story.session, "return") == [("return", APRIL, FIFTH)]
    assert story.advances(household.id) == 2_000


def test_goods_accepted_in_a_closed_month_and_paid_ahead_are_posted_in_the_open_one(story: Story) -> None:
    household = story.household()
    story.lot(100_000, {household.id: 50_000})
    story.disburse({household.id: 3_000}, on=FIFTH)
    order = story.place("10")
    story.deliver(order)
    story.pay(order, 10_000, on=FIFTH)
    close_march(story.session)
    accepted = story.accept(order, on=NINTH)
    assert [row.counts_on for _, row in accepted.lines] == [APRIL]
    assert late(story.session, "accrual", "recognition", "matching") == [
        ("accrual", APRIL, NINTH),
        ("recognition", APRIL, None),
        ("matching", APRIL, None),
    ]
    assert story.held([order])[Kind.HOUSEHOLD, household.id, Step.DISBURSED] == 3_000


def test_who_takes_no_notice_of_the_close_finds_other_days(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    household = story.household()
    story.lot(100_000, {household.id: 50_000})
    order = story.sell("10", on=FIFTH)
    close_march(story.session)
    story.pay(order, 10_000, on=NINTH)
    with monkeypatch.context() as patched:
        patched.setattr(ClosedMonths, "opens_on", lambda *_: date.min)
        assert [finding.difference for finding in verify(story.session).findings] == [Difference.DATE]


def test_facts_of_the_open_month_keep_their_day(story: Story) -> None:
    household = story.household()
    story.lot(100_000, {household.id: 50_000})
    order = story.sell("10", on=FIFTH)
    close_march(story.session)
    story.pay(order, 10_000, on=date(2026, 4, 7))
    assert late(story.session, "recognition") == [("recognition", date(2026, 4, 7), None)]
