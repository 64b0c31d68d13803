"""What stands between banks, the payment provider and the book has a reason and an age; nothing is unexplained."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.reconciling import Reconciliation, reconcile
from market.audit.rules import Reason
from market.db import Database
from market.payments import refunding
from market.payments.refunding import Payee, Wish
from market.payments.rules import RefundEvent
from tests.payments.bank import Movement, export
from tests.payments.desk import Bank, code, in_custody, placed, selling
from tests.payments.till import Till, online_order, opened
from tests.story import NOON, Story


@pytest.fixture
def story(session: orm.Session) -> Story:
    return selling(session)


@pytest.fixture
def custody(session: orm.Session) -> Bank:
    return in_custody(session)


@pytest.fixture
def till(db: Database, session: orm.Session) -> Iterator[Till]:
    with opened(db, session) as till:
        yield till


def told(found: Reconciliation) -> list[tuple[Reason, int]]:
    return [(each.reason, each.fen) for each in found.breaks]


def test_what_waits_in_custody_and_what_is_on_its_way_back_is_named_with_its_age(story: Story, custody: Bank) -> None:
    order = placed(story, "10")
    custody.tell(Movement(10_000, code(story, order), "IN"), Movement(300, "利息", "X"))
    story.cancel(order)
    found = reconcile(story.session, now=NOON)
    assert sorted(told(found)) == [(Reason.TO_REFUND, 10_000), (Reason.UNMATCHED, 300)]
    wish = Wish(None, "取消", Payee("财政", "140012345"))
    (refund,) = refunding.request(story.session, custody.clerk, order_id=order.id, wish=wish, now=NOON)
    refunding.decide(story.session, custody.colleague, refund_id=refund.id, event=RefundEvent.APPROVE, now=NOON)
    refunding.send(story.session, custody.clerk, refund_id=refund.id, bank_name="工行", now=NOON)
    found = reconcile(story.session, now=NOON)
    assert sorted(told(found)) == [(Reason.REFUND_SENT, 10_000), (Reason.UNMATCHED, 300)]
    assert found.unexplained_fen == 0


def test_money_at_the_provider_is_pending_until_it_is_there(story: Story, till: Till) -> None:
    order = online_order(story, "10")
    till.pay(story.orderer, order, card="pm_card_visa")
    till.later(minutes=11)
    till.work(sweep=True)
    found = reconcile(till.session, now=till.now)
    assert told(found) == [(Reason.PENDING, -10_000)]
    till.later(days=3)
    till.release()
    found = reconcile(till.session, now=till.now)
    assert (told(found), found.unexplained_fen) == ([], 0)
    assert till.complaints() == []


def test_a_statement_that_is_missing_leaves_a_gap_with_its_age_until_it_is_imported(custody: Bank) -> None:
    days, later = [date(2026, 3, day) for day in (2, 3, 4)], NOON + timedelta(days=5)
    first, second, third = (
        export(Movement(fen, "货款", f"N{fen}", on=on), Movement(7, "利息", f"I{fen}", on=on), opening_fen=opening_fen)
        for fen, on, opening_fen in zip((1_000, 2_000, -300), days, (5_000, 6_007, 8_014), strict=True)
    )
    assert [custody.upload(content, now=later).gap_fen for content in (first, third)] == [None, 2_007]
    (gap,) = [each for each in reconcile(custody.session, now=later).breaks if each.account is None]
    assert (gap.reason, gap.since, "2007" in gap.detail) == (Reason.STATEMENT_DIFFERS, days[2], True)
    during_the_next_day = export(Movement(50, "利息", "J", on=days[2]), opening_fen=7_721)
    assert [custody.upload(content, now=later).gap_fen for content in (second, during_the_next_day)] == [0, 0]
    assert {each.reason for each in reconcile(custody.session, now=later).breaks} == {Reason.UNMATCHED}


def test_what_no_break_explains_is_said(story: Story, custody: Bank) -> None:
    order = placed(story, "10")
    custody.tell(Movement(10_000, code(story, order), "IN"), Movement(300, "利息", "X"))
    story.session.execute(sa.text("SET LOCAL ROLE market_owner"))
    story.session.execute(sa.text("UPDATE bank_lines SET open_fen = 0, waiting = NULL WHERE amount_fen = 300"))
    found = reconcile(story.session, now=NOON)
    assert found.unexplained_fen == 300
