"""Which lines of statements pay which orders, and what a receipt is refused for, with its figures."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.banking.rules import Waiting
from market.errors import MarketError, TransitionError
from market.payments.fitting import OpenLine, Part, Payable, match
from market.payments.looking import LOOKS, PATIENCE, SENDS_MONEY, Sought, was_not_made
from market.payments.rules import (
    REFUNDS,
    TRANSITIONS,
    CallStatus,
    NotPayableError,
    Operation,
    OverpaidError,
    ProposalEvent,
    ProposalStatus,
    ReceiptSumError,
    ReceiptTakenError,
    RefundEvent,
    RefundStatus,
    away_fen,
    decided,
    refunded,
)

LINES = [UUID(int=number) for number in range(1, 9)]
ORDERS = [UUID(int=number) for number in range(101, 109)]


def test_a_transfer_pays_the_orders_of_the_group_that_it_names() -> None:
    owed = [Payable(ORDERS[0], "G1", 300), Payable(ORDERS[1], "G1", 700), Payable(ORDERS[2], "G2", 1_000)]
    found = match([OpenLine(LINES[0], 1_000, ["G1"])], owed)
    assert found.parts == [Part(LINES[0], ORDERS[0], 300), Part(LINES[0], ORDERS[1], 700)]
    assert not found.waiting


def test_one_transfer_pays_several_groups_and_several_transfers_pay_one() -> None:
    owed = [Payable(ORDERS[0], "G1", 300), Payable(ORDERS[1], "G2", 700), Payable(ORDERS[2], "G3", 500)]
    lines = [
        OpenLine(LINES[0], 1_000, ["G1", "G2"]),
        OpenLine(LINES[1], 200, ["G3"]),
        OpenLine(LINES[2], 300, ["G3"]),
    ]
    assert match(lines, owed).parts == [
        Part(LINES[0], ORDERS[0], 300),
        Part(LINES[0], ORDERS[1], 700),
        Part(LINES[1], ORDERS[2], 200),
        Part(LINES[2], ORDERS[2], 300),
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (OpenLine(LINES[0], 999, ["G1"]), Waiting.TOO_LITTLE),
        (OpenLine(LINES[0], 1_001, ["G1"]), Waiting.TOO_MUCH),
        (OpenLine(LINES[0], 1_000, ["G9"]), Waiting.UNKNOWN_CODE),
        (OpenLine(LINES[0], 1_000, []), Waiting.NO_CODE),
        (OpenLine(LINES[0], 1_000, ["G2"]), Waiting.NOTHING_OWED),
    ],
)
def test_what_does_not_fit_to_the_fen_waits_and_says_why(line: OpenLine, why: Waiting) -> None:
    found = match([line], [Payable(ORDERS[0], "G1", 1_000), Payable(ORDERS[1], "G2", 0)])
    assert (found.parts, found.waiting) == ([], {LINES[0]: why})


def test_lines_that_hang_together_wait_together() -> None:
    owed = [Payable(ORDERS[0], "G1", 500), Payable(ORDERS[1], "G2", 500)]
    lines = [OpenLine(LINES[0], 500, ["G1"]), OpenLine(LINES[1], 500, ["G1"]), OpenLine(LINES[2], 500, ["G2"])]
    found = match(lines, owed)
    assert found.parts == [Part(LINES[2], ORDERS[1], 500)]
    assert found.waiting == dict.fromkeys(LINES[:2], Waiting.TOO_MUCH)


GROUPS = ["G1", "G2", "G3", "G4"]


@given(
    st.lists(st.tuples(st.integers(1, 4), st.lists(st.sampled_from(GROUPS), unique=True, max_size=3)), max_size=6),
    st.lists(st.tuples(st.sampled_from(GROUPS[:3]), st.integers(0, 4)), max_size=6),
)
def test_a_line_pays_whole_or_waits_and_no_order_gets_what_it_does_not_owe(
    moved: list[tuple[int, list[str]]], owing: list[tuple[str, int]]
) -> None:
    lines = [OpenLine(line_id, fen, groups) for line_id, (fen, groups) in zip(LINES, moved, strict=False)]
    owed = [Payable(order_id, *order) for order_id, order in zip(ORDERS, owing, strict=False)]
    found = match(lines, owed)
    spent, paid = Counter[UUID](), Counter[UUID]()
    for part in found.parts:
        spent[part.line_id] += part.fen
        paid[part.order_id] += part.fen
    assert {line.id: line.fen for line in lines if line.id not in found.waiting} == dict(spent)
    asked = {order.order_id: order for order in owed}
    assert all(fen == asked[order_id].fen for order_id, fen in paid.items())
    named = {line.id: line.groups for line in lines}
    reached = {asked[part.order_id].group for part in found.parts}
    assert reached <= {group for line_id in spent for group in named[line_id]}
    # Nobody is guessed at: who pays a group pays all of it.
    assert all(order.order_id in paid for order in owed if order.group in reached and order.fen)


@pytest.mark.parametrize("status", ProposalStatus)
@pytest.mark.parametrize("event", ProposalEvent)
def test_a_proposed_match_is_decided_once(status: ProposalStatus, event: ProposalEvent) -> None:
    if status is ProposalStatus.PROPOSED:
        assert decided(status, event) == TRANSITIONS[status, event]
    else:
        with pytest.raises(TransitionError):
            decided(status, event)


@pytest.mark.parametrize(
    ("error", "status", "code", "en", "zh"),
    [
        (ReceiptTakenError(reference="ICBC-1"), 409, "receipt_taken", "ICBC-1 is already recorded", "ICBC-1 已登记"),
        (ReceiptSumError(parts_fen=3, amount_fen=2), 422, "receipt_sum", "sum to 0.03 yuan", "合计 0.03 元"),
        (
            OverpaidError(number="D1", payable_fen=5, amount_fen=6),
            409,
            "overpaid",
            "0.05 yuan; 0.06",
            "尚可付款 0.05 元",
        ),
        (NotPayableError(number="D1", order_status="expired"), 409, "not_payable", "D1 is expired", "当前状态(已过期)"),
    ],
)
def test_a_refused_receipt_says_what_does_not_fit(error: MarketError, status: int, code: str, en: str, zh: str) -> None:
    assert (error.status, error.code()) == (status, code)
    assert en in error.detail("en")
    assert zh in error.detail("zh")


@pytest.mark.parametrize("event", RefundEvent)
@pytest.mark.parametrize("status", RefundStatus)
def test_a_refund_takes_the_steps_of_its_table_and_no_other(status: RefundStatus, event: RefundEvent) -> None:
    if (status, event) in REFUNDS:
        assert refunded(status, event) is REFUNDS[status, event]
    else:
        with pytest.raises(TransitionError):
            refunded(status, event)


@given(st.lists(st.sampled_from(RefundEvent), max_size=12))
def test_a_refund_has_sent_its_amount_once_or_not_at_all(events: list[RefundEvent]) -> None:
    status, sent_fen = RefundStatus.REQUESTED, 0
    for event in events:
        if after := REFUNDS.get((status, event)):
            sent_fen += away_fen(status, after, 700)
            status = after
        assert sent_fen == (700 if status in (RefundStatus.SENT, RefundStatus.SUCCEEDED) else 0)


def test_what_is_due_or_parked_has_its_outcome_still_to_come() -> None:
    assert [status for status in CallStatus if status.is_open] == [CallStatus.DUE, CallStatus.PARKED]


ASKED_AT, MINUTE = datetime(2026, 4, 2, 4, tzinfo=UTC), timedelta(minutes=1)


@pytest.mark.parametrize("operation", Operation)
def test_what_two_looks_did_not_find_was_not_made_but_money_out_is_looked_for_a_day(operation: Operation) -> None:
    soon, a_day_after = ASKED_AT + 2 * MINUTE, ASKED_AT + PATIENCE
    assert not was_not_made(operation, Sought(ASKED_AT, LOOKS - 1, a_day_after), now=a_day_after)
    assert was_not_made(operation, Sought(ASKED_AT, LOOKS, soon), now=soon) is (operation not in SENDS_MONEY)
    assert was_not_made(operation, Sought(ASKED_AT, LOOKS, a_day_after), now=a_day_after)


@pytest.mark.parametrize("whole_at", [None, ASKED_AT + PATIENCE - MINUTE, ASKED_AT + PATIENCE + 2 * MINUTE])
def test_money_out_is_asked_for_anew_only_if_all_that_moved_was_seen_a_day_after(whole_at: datetime | None) -> None:
    """Neither a look before that counts nor one of a clock that ran ahead."""
    assert not was_not_made(Operation.REFUND, Sought(ASKED_AT, 99, whole_at), now=ASKED_AT + PATIENCE + MINUTE)
