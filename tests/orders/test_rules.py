"""The rules of orders, without a database."""

from itertools import product

import pytest

from market.errors import TransitionError
from market.orders.rules import (
    MAX_PAYMENT_DAYS,
    TRANSITIONS,
    USUAL_PAYMENT_DAYS,
    OrderEvent,
    OrderStatus,
    Outcome,
    OutcomeError,
    after,
    check_outcome,
)

# Rows are statuses, columns events in the order below; `-` is refused.
EVENTS = ["confirm", "decline", "expire", "cancel", "ship", "accept_some", "accept_all", "return"]
EXPECTED = {
    "placed": ["confirmed", "declined", "expired", "cancelled", "-", "-", "-", "-"],
    "confirmed": ["-", "-", "-", "cancelled", "shipped", "-", "-", "-"],
    "shipped": ["-", "-", "-", "-", "-", "partly_accepted", "accepted", "-"],
    "partly_accepted": ["-", "-", "-", "-", "-", "partly_accepted", "accepted", "partly_accepted"],
    "accepted": ["-", "-", "-", "-", "-", "-", "-", "accepted"],
    "declined": ["-"] * 8,
    "cancelled": ["-"] * 8,
    "expired": ["-"] * 8,
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
