"""What a settlement pays of each order, and what it nets."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import TransitionError
from market.money import share_bp
from market.settlements.rules import (
    MOST_NETTED_BP,
    TRANSITIONS,
    Earned,
    Item,
    SettlementEvent,
    SettlementStatus,
    after,
    items,
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


FEN = st.integers(0, 10**7)


@given(st.lists(st.tuples(FEN, FEN), max_size=6), st.integers(0, 1_000))
def test_settlements_never_pay_more_than_is_earned_and_in_the_end_all_of_it(
    orders: list[tuple[int, int]], fee_bp: int
) -> None:
    earned = [Earned(order, *fen, share_bp(fen[1], fee_bp), fee_bp) for order, fen in zip(ORDERS, orders, strict=False)]
    due = {item.order_id: item for item in items(earned)}
    paid_fen = sum(item.net_fen for item in due.values() if item.gross_fen > 0)
    netted_fen = -sum(item.net_fen for item in due.values() if item.gross_fen < 0)
    assert 0 <= netted_fen <= share_bp(paid_fen, MOST_NETTED_BP)
    for order in earned:
        gross_fen = due[order.order_id].gross_fen if order.order_id in due else 0
        if order.earned_fen >= order.settled_fen:
            assert order.settled_fen + gross_fen == order.earned_fen
        else:
            assert order.earned_fen - order.settled_fen <= gross_fen <= 0
        settled_fen = order.settled_fen + gross_fen
        fee_fen = due[order.order_id].fee_fen if order.order_id in due else 0
        assert share_bp(order.settled_fen, fee_bp) + fee_fen == share_bp(settled_fen, fee_bp)


@pytest.mark.parametrize("status", SettlementStatus)
@pytest.mark.parametrize("event", SettlementEvent)
def test_a_settlement_takes_the_steps_of_its_table_alone(status: SettlementStatus, event: SettlementEvent) -> None:
    if (status, event) in TRANSITIONS:
        assert after(status, event) == TRANSITIONS[status, event]
    else:
        with pytest.raises(TransitionError):
            after(status, event)
