"""The e-invoice of an acceptance may be of a later day than the goods, but not of a year to come."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import orm

from market.channels.rules import EvidenceKind
from market.orders import acceptance
from market.orders.rules import InvoiceNumberError
from tests.story import ALL_EVIDENCE, Story, open_channels

OF_2027 = ALL_EVIDENCE | {EvidenceKind.INVOICE.value: "27142000000012345678"}


@pytest.fixture
def story(session: orm.Session) -> Story:
    open_channels(session)
    return Story(session)


def accept(story: Story, *, recorded: datetime) -> acceptance.Accepted:
    story.lot(10_000)
    order = story.place("5")
    story.deliver(order)
    (line,) = story.lines(order)
    found = acceptance.FoundLine(line.id, "5", "5", "0", "0", "0", None)
    report = acceptance.Report([found], OF_2027, date(2026, 12, 30))
    acceptance.predict(story.session, story.receiver, order_id=order.id, report=report, now=recorded)
    return acceptance.accept(story.session, story.receiver, order_id=order.id, report=report, now=recorded)


def test_goods_of_december_may_be_invoiced_in_january(story: Story) -> None:
    assert accept(story, recorded=datetime(2027, 1, 5, tzinfo=UTC)).order.accepted_on == date(2026, 12, 30)


def test_no_invoice_is_of_a_year_to_come(story: Story) -> None:
    with pytest.raises(InvoiceNumberError):
        accept(story, recorded=datetime(2026, 12, 31, tzinfo=UTC))
