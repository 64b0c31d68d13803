"""The rules of orders, without a database."""

from itertools import product

import pytest

from market.errors import TransitionError
from market.orders.rules import (
    MAX_PAYMENT_DAYS,
    TRANSITIONS,
    USUAL_PAYMENT_DAYS,
    NotWeighedError,
    OrderEvent,
    OrderStatus,
    Outcome,
    OutcomeError,
    OverToleranceError,
    PriceCutTooMuchError,
    ShippedTooMuchError,
    WeighNoteError,
    after,
    check_outcome,
    check_price_cut,
    check_shipped,
    check_weigh_note,
    kept_fen,
    most_milli,
)

# Rows are statuses, columns events in the order below; `-` is refused.
EVENTS = ["confirm", "decline", "expire", "cancel", "ship", "accept_some", "accept_all", "return", "price_cut"]
EXPECTED = {
    "placed": ["confirmed", "declined", "expired", "cancelled", "-", "-", "-", "-", "-"],
    "confirmed": ["-", "-", "-", "cancelled", "shipped", "-", "-", "-", "-"],
    "shipped": ["-", "-", "-", "-", "-", "partly_accepted", "accepted", "-", "-"],
    "partly_accepted": ["-", "-", "-", "-", "-", "partly_accepted", "accepted", "partly_accepted", "partly_accepted"],
    "accepted": ["-", "-", "-", "-", "-", "-", "-", "accepted", "accepted"],
    "declined": ["-"] * 9,
    "cancelled": ["-"] * 9,
    "expired": ["-"] * 9,
}


def test_the_table_written_here_names_every_status_and_every_event() -> None:
    assert set(EXPECTED) == {status.value for status in OrderStatus}
    assert set(EVENTS) == {event.value for event in OrderEvent}


@pytest.mark.parametrize(("status", "event"), list(product(OrderStatus, OrderEvent)))
def test_an_order_takes_the_steps_of_the_table_written_here_and_no_other(
    status: OrderStatus, event: OrderEvent
) -> None:
    expected = EXPECTED[status.value][EVENTS.index(event.value)]
    if expected == "-":
        assert (status, event) not in TRANSITIONS
        with pytest.raises(TransitionError) as refused:
            after(status, event)
        assert refused.value.facts == {"machine": "order", "status": status, "event": event}
    else:
        assert after(status, event) == expected


def test_a_contract_of_sixty_days_is_the_longest_and_thirty_is_usual() -> None:
    assert (USUAL_PAYMENT_DAYS, MAX_PAYMENT_DAYS) == (30, 60)


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(10, 10, 0, 0, 0, None),
        Outcome(10, 10, 0, 0, 0, "说明"),
        Outcome(9, 9, 0, 0, 1, "少一斤"),
        Outcome(10, 7, 2, 1, 0, "两斤发霉,一斤压坏"),
        Outcome(0, 0, 0, 0, 10, "未到货"),
        Outcome(10, 0, 10, 0, 0, "全部拒收"),
    ],
)
def test_an_acceptance_that_adds_up_is_taken(outcome: Outcome) -> None:
    check_outcome(outcome, shipped_milli=10)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome(10, 9, 0, 0, 0, "少"), "not what was received"),
        (Outcome(10, 11, 0, 0, 0, "多"), "not what was received"),
        (Outcome(9, 9, 0, 0, 0, "少"), "not shipped . over"),
        (Outcome(11, 11, 0, 0, 0, "多"), "not shipped . over"),
        (Outcome(10, 10, 0, 0, 1, "少"), "not shipped . over"),
        (Outcome(9, 9, 0, 0, 1, None), "needs a reason"),
        (Outcome(10, 9, 1, 0, 0, ""), "needs a reason"),
        (Outcome(10, 9, 0, 1, 0, None), "needs a reason"),
    ],
)
def test_an_acceptance_that_does_not_add_up_or_explain_itself_is_refused(outcome: Outcome, said: str) -> None:
    with pytest.raises(OutcomeError, match=said):
        check_outcome(outcome, shipped_milli=10)


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(10_300, 10_300, 0, 0, 0, None, 300),
        Outcome(9_700, 9_700, 0, 0, 300, None),
        Outcome(10_300, 10_200, 100, 0, 0, "碰伤", 300),
    ],
)
def test_another_weight_is_no_fault_where_weight_settles(outcome: Outcome) -> None:
    check_outcome(outcome, shipped_milli=10_000, by_weight=True)


@pytest.mark.parametrize(
    ("outcome", "by_weight", "said"),
    [
        (Outcome(10_300, 10_300, 0, 0, 300, "x", 600), True, "nothing both over and short"),
        (Outcome(10_300, 10_300, 0, 0, 0, "多", 300), False, "only what is settled by its weight can be over"),
        (Outcome(10_300, 10_200, 100, 0, 0, None, 300), True, "needs a reason"),
        (Outcome(0, 0, 0, 0, 10_000, None), True, "needs a reason"),  # nothing came: no matter of scales
    ],
)
def test_scales_excuse_no_fault_and_nothing_else_is_over(outcome: Outcome, *, by_weight: bool, said: str) -> None:
    with pytest.raises(OutcomeError, match=said):
        check_outcome(outcome, shipped_milli=10_000, by_weight=by_weight)


def ship(milli: int, *, ordered_milli: int, tolerance_bp: int | None) -> None:
    check_shipped(
        milli,
        quantity_milli=ordered_milli,
        weight_tolerance_bp=tolerance_bp,
        unit="jin",
        unit_milli=500,
        pointer="/lines/0/quantity",
    )


@pytest.mark.parametrize(
    ("ordered_milli", "tolerance_bp", "most", "said"),
    [
        (10_000, None, 10_000, "Only 20 jin"),
        (10_000, 0, 10_000, "At most 20 jin"),
        (10_000, 1_000, 11_000, "At most 22 jin"),
        (9_999, 1_000, 10_998, r"At most 21\.996 jin"),
    ],
)
def test_so_much_is_shipped_as_was_ordered_or_agreed_above_it_to_the_gram(
    ordered_milli: int, tolerance_bp: int | None, most: int, said: str
) -> None:
    assert most_milli(ordered_milli, tolerance_bp) == most
    ship(most, ordered_milli=ordered_milli, tolerance_bp=tolerance_bp)
    refusal = ShippedTooMuchError if tolerance_bp is None else OverToleranceError
    with pytest.raises(refusal, match=said) as refused:
        ship(most + 1, ordered_milli=ordered_milli, tolerance_bp=tolerance_bp)
    assert refused.value.pointer == "/lines/0/quantity"


def test_a_weigh_note_is_named_where_weight_settles_and_nowhere_else() -> None:
    check_weigh_note("过磅单-1", by_weight=True, pointer="/lines/0")
    check_weigh_note(None, by_weight=False, pointer="/lines/0")
    for note, by_weight, refusal in ((None, True, WeighNoteError), ("过磅单-1", False, NotWeighedError)):
        with pytest.raises(refusal) as refused:
            check_weigh_note(note, by_weight=by_weight, pointer="/lines/0")
        assert refused.value.pointer == "/lines/0/weigh_note"


@pytest.mark.parametrize(
    ("left_fen", "kept_milli", "expected_fen"),
    [
        (3_330, 4_000, 1_332),  # never cut: the goods that stay cost what they cost
        (3_330, 0, 0),
        (2_000, 4_000, 800),
        (2_000, 10_000, 2_000),
        (2_000, 0, 0),
        (1, 5_000, 1),  # half a fen is rounded up, once
        (1, 4_990, 0),
    ],
)
def test_goods_that_stay_when_others_come_back_are_owed_at_the_price_that_is_left_of_them(
    left_fen: int, kept_milli: int, expected_fen: int
) -> None:
    kept = kept_fen(left_fen, left_milli=10_000, kept_milli=kept_milli, unit_price_fen=333, unit_milli=1_000)
    assert kept == expected_fen


def test_nothing_is_owed_for_what_has_no_price() -> None:
    assert kept_fen(0, left_milli=3, kept_milli=1, unit_price_fen=1, unit_milli=1_000) == 0


def test_a_price_cut_leaves_something_to_be_owed() -> None:
    check_price_cut(99, left_fen=100, pointer="/lines/0/amount_fen")
    with pytest.raises(PriceCutTooMuchError) as refused:
        check_price_cut(100, left_fen=100, pointer="/lines/0/amount_fen")
    assert refused.value.facts == {"left_fen": 100}
