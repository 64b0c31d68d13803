"""A price cut takes a part of the price off: shares fall by what remains, goods stay, and what was promised is owed."""

from collections.abc import Iterator
from datetime import date
from functools import partial

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution import queries
from market.attribution.rules import Kind, Step
from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.benefits.rules import Mechanism
from market.errors import InvalidInputError, NotFoundError, TransitionError
from market.ledger.models import LedgerEntry
from market.orders import price_cutting, returns
from market.orders import queries as orders
from market.orders.models import Order, OrderLine
from market.orders.rules import LineNotOfOrderError, PriceCutOpenError, PriceCutStatus, PriceCutTooMuchError
from tests import factories
from tests.attribution.dealings import FIFTH, NINTH, close_march
from tests.story import NOON, TODAY, Story, open_channels

APRIL = date(2026, 4, 1)


@pytest.fixture
def story(session: orm.Session) -> Iterator[Story]:
    open_channels(session)
    told = Story(session)
    yield told
    assert_sound(session)


def assert_sound(session: orm.Session) -> None:
    assert not verify(session).findings
    assert {symptom.invariant for symptom in examine(session)} <= {"lot_is_covered"}, "a story's lots come from nowhere"


def the_line(story: Story, order: Order) -> OrderLine:
    (line,) = story.lines(order)
    return line


def offer_of(line: OrderLine, fen: int) -> price_cutting.Offer:
    return price_cutting.Offer([returns.IsCut(line.id, fen)], "果径偏小", TODAY, "折让协议")


def test_an_offer_takes_nothing_from_anybody_before_the_buyer_takes_it(story: Story) -> None:
    household = story.household()
    story.lot(100_000, {household.id: 50_000})
    order = story.sell("10")
    story.pay(order, 10_000)
    before = story.held([order])
    offered = story.offer(order, 9_999)
    assert (offered.status, story.held([order])) == (PriceCutStatus.OFFERED, before)
    assert the_line(story, order).returned_fen == 0
    price_cutting.accept(story.session, story.receiver, price_cut_id=offered.id, now=NOON)
    assert (offered.status, offered.decided_by) == (PriceCutStatus.ACCEPTED, story.receiver.member_id)
    assert the_line(story, order).returned_fen == 9_999


def test_a_declined_or_withdrawn_offer_comes_to_nothing_and_frees_the_order_for_another(story: Story) -> None:
    story.lot(100_000)
    order = story.sell("10")
    first = story.offer(order, 1_000)
    with pytest.raises(PriceCutOpenError):
        story.offer(order, 500)
    price_cutting.decline(story.session, story.receiver, price_cut_id=first.id, reason="与协议不符", now=NOON)
    assert (first.status, first.declined_because) == (PriceCutStatus.DECLINED, "与协议不符")
    second = story.offer(order, 500)
    price_cutting.withdraw(story.session, story.manager, price_cut_id=second.id, now=NOON)
    for gone in (first, second):
        with pytest.raises(TransitionError):
            price_cutting.accept(story.session, story.receiver, price_cut_id=gone.id, now=NOON)
    assert the_line(story, order).returned_fen == 0


def test_what_was_offered_is_checked_anew_when_it_is_taken(story: Story) -> None:
    story.lot(100_000)
    order = story.sell("10")
    offered = story.offer(order, 5_000)
    story.give_back(order, "5")
    for take in (price_cutting.predict_acceptance, partial(price_cutting.accept, now=NOON)):
        with pytest.raises(PriceCutTooMuchError), story.session.begin_nested():
            take(story.session, story.receiver, price_cut_id=offered.id)
    story.session.refresh(offered)
    assert offered.status is PriceCutStatus.OFFERED


def test_only_the_buyer_of_the_order_finds_the_offer_to_take(story: Story) -> None:
    story.lot(100_000)
    offered = story.offer(story.sell("10"), 1_000)
    for stranger in (Story(story.session).receiver, Story(story.session).manager):
        with pytest.raises(NotFoundError):
            price_cutting.accept(story.session, stranger, price_cut_id=offered.id, now=NOON)


def test_a_price_cut_takes_off_each_share_its_part_of_what_stands(session: orm.Session) -> None:
    open_channels(session)
    member = factories.household(session)
    story = Story(
        session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, [(member.id, 1)]), (Mechanism.PATRONAGE, 500, None)]
    )
    giving = story.household()
    story.consign(100_000, {giving.id: 50_000}, others_milli=50_000)
    order = story.sell("10")
    before = story.held([order])
    assert before == {
        (Kind.HOUSEHOLD, giving.id, Step.ACCRUED): 4_500,
        (Kind.HOUSEHOLD, member.id, Step.ACCRUED): 1_000,
        (Kind.POOL, story.supplier.id, Step.ACCRUED): 500,
        (Kind.RETAINED, story.supplier.id, Step.ACCRUED): 4_000,
    }
    story.cut(order, 2_000)
    assert story.held([order]) == {place: fen * 8 // 10 for place, fen in before.items()}
    assert_sound(session)


def test_of_a_taxed_price_what_is_cut_is_shared_without_the_tax(session: orm.Session) -> None:
    open_channels(session)
    story = Story(session, tax_bp=900, price_fen=1_090)
    story.lot(100_000)
    order = story.sell("10")
    cut = story.cut(order, 2_180)
    assert [(row.amount_fen, row.net_fen, row.quantity_milli) for _, row in cut.lines] == [(2_180, 2_000, 0)]
    assert story.held([order]) == {(Kind.RETAINED, story.supplier.id, Step.ACCRUED): 8_000}
    assert_sound(session)


def test_what_was_promised_for_produce_is_topped_up_and_the_lot_goes_on_as_if_nothing_had_been_cut(
    story: Story,
) -> None:
    household = story.household()
    lot, _ = story.lot(20_000, {household.id: 10_000})
    order = story.sell("10")
    story.cut(order, 2_000)
    held = story.held([order])
    assert held[Kind.HOUSEHOLD, household.id, Step.ACCRUED] == 4_000
    assert held[Kind.HOUSEHOLD, household.id, Step.TOP_UP] == 1_000, "what it gave is still worth 5,000"
    assert held[Kind.RETAINED, story.supplier.id, Step.ACCRUED] == 4_000
    story.session.refresh(lot)
    assert (lot.accepted_milli, lot.available_milli, lot.spoiled_milli) == (10_000, 10_000, 0)
    assert [fact.carry_fen for fact in queries.contribution_facts(story.session, [lot.id])] == [0]
    rest = story.held([story.sell("10")])
    assert rest[Kind.HOUSEHOLD, household.id, Step.ACCRUED] == 5_000


def test_what_comes_back_after_a_cut_is_given_back_at_the_price_that_was_left(story: Story) -> None:
    household = story.household()
    lot, _ = story.lot(100_000, {household.id: 50_001})
    order = story.sell("10")
    story.cut(order, 2_001)
    assert the_line(story, order).returned_fen == 2_001
    story.give_back(order, "5")
    assert the_line(story, order).returned_fen == 2_001 + 3_999, "half of 7,999, what stays is rounded up"
    story.cut(order, 1_000)
    story.give_back(order, "5")
    line = the_line(story, order)
    assert (line.returned_fen, line.returned_net_fen, line.returned_milli) == (10_000, 10_000, 10_000)
    assert story.held([order]) == {}, "nobody has anything left of the line, nor is topped up"
    assert [fact.carry_fen for fact in queries.contribution_facts(story.session, [lot.id])] == [0]


def test_what_a_household_was_paid_for_its_produce_it_was_owed_all_the_same(story: Story) -> None:
    household = story.household()
    story.lot(100_000, {household.id: 20_000})
    order = story.sell("10")
    story.pay(order, 10_000)
    story.disburse({household.id: 2_000})
    story.cut(order, 1_000)
    assert story.held([order])[Kind.HOUSEHOLD, household.id, Step.DISBURSED] == 1_800
    assert story.held([order])[Kind.HOUSEHOLD, household.id, Step.TOP_UP_PAID] == 200
    assert story.advances(household.id) == 0


def test_what_a_household_has_received_beyond_its_share_is_an_advance_again(story: Story) -> None:
    household = story.household()
    story.consign(100_000, {household.id: 100_000})
    order = story.sell("10")
    story.pay(order, 10_000)
    story.disburse({household.id: 9_000})
    story.cut(order, 1_000)
    assert story.held([order])[Kind.HOUSEHOLD, household.id, Step.DISBURSED] == 8_100
    assert story.advances(household.id) == 900
    story.pay(story.sell("1"), 1_000)
    assert story.advances(household.id) == 0, "the next sale claims it"


def test_what_the_buyer_paid_too_much_is_owed_back_to_it(story: Story) -> None:
    story.lot(100_000)
    order = story.sell("10")
    story.pay(order, 10_000)
    story.cut(order, 1_234)
    assert orders.owed_back(story.session, [order.id]) == {order.id: 1_234}
    assert the_line(story, order).paid_fen == 8_766


def test_a_cut_down_to_what_is_paid_has_all_that_is_left_recognised(story: Story) -> None:
    household = story.household()
    story.lot(100_000, {household.id: 33_333})
    order = story.sell("10")
    story.pay(order, 7_000)
    story.cut(order, 3_000)
    held = story.held([order])
    assert {step for _, _, step in held} == {Step.RECOGNISED, Step.TOP_UP}
    assert sum(fen for (_, _, step), fen in held.items() if step is Step.RECOGNISED) == 7_000


def test_a_cut_of_a_closed_month_counts_from_the_first_open_day_and_keeps_the_day_of_the_acceptance(
    story: Story,
) -> None:
    story.lot(100_000)
    order = story.sell("10", on=FIFTH)
    close_march(story.session)
    cut = story.cut(order, 1_000, on=NINTH)
    found = sa.select(LedgerEntry.effective_on, LedgerEntry.original_effective_on)
    entry = story.session.execute(found.where(LedgerEntry.source == f"price_cut:{cut.lines[0][1].id}")).one()
    assert tuple(entry) == (APRIL, FIFTH)
    assert cut.lines[0][1].counts_on == APRIL


def test_what_cannot_be_cut_is_refused(story: Story) -> None:
    story.lot(100_000)
    order, other = story.sell("10"), story.sell("1")
    placed = story.place("1")
    with pytest.raises(TransitionError):
        story.cut(placed, 1)
    with pytest.raises(PriceCutTooMuchError):
        story.cut(order, 10_000)
    with pytest.raises(InvalidInputError, match="cut before it was accepted"):
        story.cut(order, 1, on=date(2026, 3, 1))
    foreign = offer_of(the_line(story, other), 1)
    with pytest.raises(LineNotOfOrderError):
        price_cutting.offer(story.session, story.manager, order_id=order.id, offered=foreign, now=NOON)
    story.give_back(order, "10")
    with pytest.raises(PriceCutTooMuchError):
        story.cut(order, 1)


def test_a_dry_run_foresees_what_falls_and_what_is_topped_up(story: Story) -> None:
    household = story.household()
    story.lot(100_000, {household.id: 50_000})
    order = story.sell("10")
    first = price_cutting.predict(
        story.session, story.manager, order_id=order.id, offered=offer_of(the_line(story, order), 2_000)
    )
    offered = story.offer(order, 2_000)
    second = price_cutting.predict_acceptance(story.session, story.receiver, price_cut_id=offered.id)
    cut = price_cutting.accept(story.session, story.receiver, price_cut_id=offered.id, now=NOON)
    for foreseen in (first, second):
        assert [each.falls for each in foreseen.falling] == [each.falls for each in cut.falling]
        assert [fen for _, fen in foreseen.falling[0].top_ups] == [fen for _, fen in cut.falling[0].top_ups] == [1_000]
