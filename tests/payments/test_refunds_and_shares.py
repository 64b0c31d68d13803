"""Refunds of what was paid directly: what a supplier has no more, its lines are not paid by, and households neither."""

import pytest
from sqlalchemy import orm

from market.attribution.rules import Step
from market.banking.rules import PaidAfterAllError, ToldByStatementError
from market.channels.rules import FundsModel
from market.errors import FourEyesError, InvalidInputError
from market.identity.rules import Actor, Role
from market.orders.models import Order
from market.payments import refunding
from market.payments.models import Refund
from market.payments.refunding import Payee
from market.payments.rules import RefundTooMuchError
from tests import factories
from tests.orders.test_by_weight import TEN_PERCENT, accept, by_weight, found, ship
from tests.payments.bank import Movement
from tests.payments.desk import complaints, in_custody, of_supplier
from tests.payments.test_refunds import approve, asked, cancelled_in_custody, send
from tests.story import NOON, TODAY, Story, open_channels


@pytest.fixture
def story(session: orm.Session) -> Story:
    open_channels(session)
    story = by_weight(session, tolerance_bp=TEN_PERCENT)
    story.lot(1_000_000, {story.household().id: 1_000_000})
    return story


def half_goes_back(story: Story) -> tuple[Order, Refund]:
    """Sell two lines of 100 yuan by weight, paid before they come; the first comes and goes back: a refund of it."""
    order = story.place("10", "10", funds_model=FundsModel.DIRECT)
    story.pay(order, 20_000)
    ship(story, order, "10", "10")
    accept(story, order, found(story.lines(order)[0], received="10", accepted="10"))
    story.give_back(order, "10")
    refund = asked(story.orderer, story.session, order)
    approve(story.clerk, story.session, refund)
    assert refund.amount_fen == 10_000
    return order, refund


def accept_the_heavier_half(story: Story, order: Order) -> None:
    """Find the second line a kilogram heavier than it was sent: it comes to 110 yuan."""
    line = story.lines(order)[1]
    accept(story, order, found(line, received="11", accepted="11", over="1")._replace(weigh_note="复磅-1"))


def colleague(story: Story) -> Actor:
    """Return another of the supplier's clerks."""
    return factories.actor(story.session, factories.member(story.session, story.supplier, Role.SUPPLIER_CLERK))


def paid_fen(story: Story, order: Order) -> int:
    return sum(line.paid_fen for line in story.lines(order))


def test_what_a_refund_took_pays_heavier_goods_when_its_bank_did_not_pay_it(story: Story) -> None:
    order, refund = half_goes_back(story)
    refunding.send(story.session, colleague(story), refund_id=refund.id, bank_name="工行", now=NOON)
    accept_the_heavier_half(story, order)
    assert (order.paid_fen, paid_fen(story, order)) == (10_000, 10_000)
    assert complaints(story.session) == []
    refunding.fail(story.session, story.clerk, refund_id=refund.id, reason="账户已销户", now=NOON)
    assert (order.paid_fen, paid_fen(story, order)) == (20_000, 11_000)
    assert complaints(story.session) == []


def test_a_refund_paid_out_of_what_heavier_goods_cost_un_recognises_that(story: Story) -> None:
    order, refund = half_goes_back(story)
    accept_the_heavier_half(story, order)
    assert paid_fen(story, order) == 11_000
    recognised_fen = story.standing(order, Step.RECOGNISED)
    refunding.record(
        story.session, colleague(story), refund_id=refund.id, bank_reference="ICBC-B", paid_on=TODAY, now=NOON
    )
    assert (order.paid_fen, paid_fen(story, order)) == (10_000, 10_000)
    assert story.standing(order, Step.RECOGNISED) < recognised_fen
    assert complaints(story.session) == []


def test_a_failed_refund_is_not_asked_again_of_a_payment_that_has_gone_back_since(story: Story) -> None:
    order = story.place("20", funds_model=FundsModel.DIRECT)
    for _ in range(2):
        story.pay(order, 10_000)
    story.cancel(order)
    first = asked(story.orderer, story.session, order, 10_000)
    approve(story.clerk, story.session, first)
    refunding.send(story.session, colleague(story), refund_id=first.id, bank_name="工行", now=NOON)
    refunding.fail(story.session, story.clerk, refund_id=first.id, reason="账户已销户", now=NOON)
    again = asked(story.orderer, story.session, order, 10_000)
    assert again.allocation_id == first.allocation_id
    with pytest.raises(RefundTooMuchError):
        refunding.reroute(
            story.session, story.clerk, refund_id=first.id, payee=Payee("教育局", "3001"), reason="改付", now=NOON
        )


def recorded(story: Story, *, reference: str = "ICBC-B") -> Refund:
    """Record by hand that the supplier's bank paid a refund of 100 yuan."""
    order = story.place("10", funds_model=FundsModel.DIRECT)
    story.pay(order, 10_000)
    story.cancel(order)
    refund = asked(story.orderer, story.session, order)
    approve(story.clerk, story.session, refund)
    by = colleague(story)
    refunding.record(story.session, by, refund_id=refund.id, bank_reference=reference, paid_on=TODAY, now=NOON)
    with pytest.raises((FourEyesError, InvalidInputError)):  # its own word, or the bank's
        refunding.fail(story.session, by, refund_id=refund.id, reason="记错", now=NOON)
    return refund


@pytest.mark.parametrize("is_told_first", [False, True])
def test_the_suppliers_bank_tells_of_a_refund_that_was_recorded_by_hand(story: Story, *, is_told_first: bool) -> None:
    own = of_supplier(story)
    if is_told_first:
        own.tell(Movement(-10_000, "退货款", "ICBC-B"))
    refund = recorded(story, reference="icbc b")
    if not is_told_first:
        own.tell(Movement(-10_000, "退货款", "ICBC-B"))
    assert (refund.left_line_id is None, own.waiting()) == (False, [])
    with pytest.raises(InvalidInputError):
        refunding.fail(story.session, story.clerk, refund_id=refund.id, reason="记错", now=NOON)
    assert complaints(story.session) == []


def test_a_refund_is_not_recorded_otherwise_than_the_suppliers_bank_tells(story: Story) -> None:
    of_supplier(story).tell(Movement(-9_000, "退货款", "ICBC-B"))
    with pytest.raises(ToldByStatementError):
        recorded(story)


def test_nothing_goes_back_in_place_of_a_refund_that_left_after_all(story: Story) -> None:
    custody = in_custody(story.session)
    order = cancelled_in_custody(story, custody)
    first = asked(custody.clerk, story.session, order)
    approve(custody.colleague, story.session, first)
    send(custody, first)
    refunding.fail(story.session, custody.colleague, refund_id=first.id, reason="账户已销户", now=NOON)
    elsewhere = Payee("我", "99999 8888")
    again = refunding.reroute(
        story.session, custody.clerk, refund_id=first.id, payee=elsewhere, reason="改付", now=NOON
    )
    custody.tell(Movement(-10_000, f"退款 {first.number}", "OUT"))
    with pytest.raises(PaidAfterAllError):
        approve(custody.colleague, story.session, again)
