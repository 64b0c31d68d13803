"""What stands between banks, the payment provider and the book has a reason and an age; nothing is unexplained."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.reconciling import Reconciliation, reconcile
from market.audit.rules import Reason
from market.db import Database
from market.payments import refunding
from market.payments.refunding import Payee, Wish
from market.payments.rules import RefundEvent
from tests.payments.bank import Movement
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


def test_what_no_break_explains_is_said(story: Story, custody: Bank) -> None:
    order = placed(story, "10")
    custody.tell(Movement(10_000, code(story, order), "IN"), Movement(300, "利息", "X"))
    story.session.execute(sa.text("SET LOCAL ROLE market_owner"))
    story.session.execute(sa.text("UPDATE bank_lines SET open_fen = 0, waiting = NULL WHERE amount_fen = 300"))
    found = reconcile(story.session, now=NOON)
    assert found.unexplained_fen == 300
