"""What a settlement pays of each order, and what it nets."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.channels.rules import MAX_RESERVE_BP
from market.errors import TransitionError
from market.money import share_bp
from market.settlements.rules import (
    MOST_NETTED_BP,
    TRANSITIONS,
    Earned,
    Item,
    SettlementEvent,
    SettlementStatus,
    Totals,
    after,
    items,
    totals,
)

ORDERS = [UUID(int=number) for number in range(1, 7)]


def test_what_is_earned_and_not_settled_is_paid_without_the_fee() -> None:
    due = items([Earned(ORDERS[0], 1_000, 400, 8, 200), Earned(ORDERS[1], 500, 500, 10, 200)])
    assert due == [Item(ORDERS[0], 600, 12)]
    assert due[0].net_fen == 588


def test_what_a_supplier_owes_is_netted_up_to_half_of_what_it_would_be_paid_oldest_first() -> None:
    earned = [
        Earned(ORDERS[0], 0, 300, 0, 0),
        Earned(ORDERS[1], 100, 500, 0, 0),
        Earned(ORDERS[2], 1_000, 0, 0, 0),
    ]
    assert items(earned) == [Item(ORDERS[2], 1_000, 0), Item(ORDERS[0], -300, 0), Item(ORDERS[1], -200, 0)]


def test_what_is_kept_back_is_taken_off_what_is_due_and_released_when_its_days_are_over() -> None:
    accepted = Earned(ORDERS[0], 1_000, 0, 0, 200, reserve_bp=1_000)
    (kept,) = items([accepted])
    assert kept == Item(ORDERS[0], 1_000, 20, 98)
    settled = Earned(ORDERS[0], 1_000, 1_000, 20, 200, reserved_fen=98)
    (released,) = items([settled])
    assert (released, released.net_fen) == (Item(ORDERS[0], 0, 0, -98), 98)
    assert totals([kept]) == Totals(1_000, 20, 0, 98, 0, 882)
    assert totals([released]) == Totals(0, 0, 0, 0, 98, 98)


def test_goods_that_came_back_are_taken_off_what_is_released_and_what_that_does_not_cover_is_netted() -> None:
    some = Earned(ORDERS[0], 960, 1_000, 0, 0, reserved_fen=100)
    assert totals(items([some])) == Totals(0, 0, 40, 0, 100, 60)
    many = Earned(ORDERS[0], 700, 1_000, 0, 0, reserved_fen=100)
    other = Earned(ORDERS[1], 200, 0, 0, 0)
    assert items([many, other]) == [Item(ORDERS[1], 200, 0), Item(ORDERS[0], -200, 0, -100)]
    assert totals(items([many, other])) == Totals(200, 0, 200, 0, 100, 100)


def test_nothing_is_netted_where_the_fee_rounds_off_the_only_fen_that_could_be() -> None:
    """Of two fen had, one is the fee: to take back one of them gross is to take nothing net."""
    owing = Earned(ORDERS[0], 0, 2, 1, 5_000)
    assert owing.owed_fen == 1
    assert items([owing, Earned(ORDERS[1], 2, 0, 0, 0)]) == [Item(ORDERS[1], 2, 0)]


def test_while_its_days_run_what_is_kept_back_covers_goods_that_came_back() -> None:
    assert items([Earned(ORDERS[0], 960, 1_000, 0, 0, reserved_fen=100, reserve_bp=1_000)]) == []


FEN = st.integers(0, 10**7)


@st.composite
def earnings(draw: st.DrawFn) -> list[Earned]:
    """Say of orders what was earned, settled and kept back of them, by settlements that followed the rules."""
    fee_bp = draw(st.integers(0, 1_000))
    orders = []
    for order_id in draw(st.lists(st.sampled_from(ORDERS), unique=True)):
        settled = draw(FEN)
        fee = share_bp(settled, fee_bp)
        reserve_bp = draw(st.integers(0, MAX_RESERVE_BP))
        reserved = share_bp(settled - fee, reserve_bp)
        reserve_bp = draw(st.sampled_from([0, reserve_bp]))
        orders.append(Earned(order_id, draw(FEN), settled, fee, fee_bp, reserved, reserve_bp))
    return orders


@given(earnings())
def test_settlements_never_pay_more_than_is_earned_and_in_the_end_all_of_it(earned: list[Earned]) -> None:
    found = items(earned)
    due = {item.order_id: item for item in found}
    assert len(due) == len(found)
    come_to = totals(found)
    assert min(come_to[:5]) >= 0
    assert come_to.gross_fen + come_to.released_fen - come_to.fee_fen - come_to.netted_fen - come_to.reserved_fen == (
        come_to.amount_fen
    )
    paid_fen = sum(item.net_fen for item in found if item.net_fen > 0)
    assert -sum(item.net_fen for item in found if item.net_fen < 0) <= share_bp(paid_fen, MOST_NETTED_BP)
    for order in earned:
        item = due.get(order.order_id, Item(order.order_id, 0, 0))
        now = order._replace(
            settled_fen=order.settled_fen + item.gross_fen,
            settled_fee_fen=order.settled_fee_fen + item.fee_fen,
            reserved_fen=order.reserved_fen + item.reserved_fen,
        )
        assert now.settled_fee_fen == share_bp(now.settled_fen, order.fee_bp)
        if order.owed_fen > 0:
            assert 0 <= now.owed_fen <= order.owed_fen
        else:
            kept_fen = max(-now.owed_fen, 0)
            net_fen = order.earned_fen - share_bp(order.earned_fen, order.fee_bp)
            assert now.owed_fen <= 0
            assert kept_fen <= max(share_bp(net_fen, order.reserve_bp), 1)


@pytest.mark.parametrize("status", SettlementStatus)
@pytest.mark.parametrize("event", SettlementEvent)
def test_a_settlement_takes_the_steps_of_its_table_alone(status: SettlementStatus, event: SettlementEvent) -> None:
    if (status, event) in TRANSITIONS:
        assert after(status, event) == TRANSITIONS[status, event]
    else:
        with pytest.raises(TransitionError):
            after(status, event)
