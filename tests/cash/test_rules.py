"""Where an order's money stands, and what moves when a fact changes it."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from market.cash.rules import AWAY, CHART, PASSING, TILL, CashKind, Funds, Leg, Side, legs
from market.channels.rules import FundsModel

FEN = st.integers(0, 10**9)


@st.composite
def funds(draw: st.DrawFn, fee_bp: int) -> Funds:
    captured = draw(FEN)
    refunded = draw(st.integers(0, captured))
    return Funds(
        captured,
        refunded,
        draw(FEN),
        draw(FEN),
        draw(st.integers(0, captured)),
        fee_bp,
        draw(st.integers(-(10**6), 10**9)),
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[FundsModel, list[Funds]]:
    model = draw(st.sampled_from(FundsModel))
    fee_bp = 0 if model is FundsModel.DIRECT else draw(st.integers(0, 1_000))
    facts = [Funds(fee_bp=fee_bp), *draw(st.lists(funds(fee_bp), min_size=1, max_size=5))]
    return model, [
        replace(each, reserved_fen=0).paid_directly if model is FundsModel.DIRECT else each for each in facts
    ]


def standing(model: FundsModel, facts: Funds) -> dict[CashKind, int]:
    """Say to whose credit how much stands, as the words of the chart mean it."""
    balances = Counter(
        {
            CashKind.HELD: facts.held_fen,
            CashKind.BUYER_RECEIVABLE: -facts.receivable_fen,
            CashKind.REFUND_PAYABLE: facts.to_refund_fen,
            CashKind.PLATFORM_FEE: facts.fee_fen,
            CashKind.SUPPLIER_PAYABLE: facts.payable_fen,
            CashKind.SUPPLIER_RESERVE: facts.reserve_fen,
            CashKind.SUPPLIER_RECEIVABLE: -facts.owing_fen,
        }
    )
    balances[TILL[model]] -= facts.captured_fen
    balances[PASSING[model]] += facts.passed_fen
    balances[AWAY[model]] += facts.refunded_fen
    return {kind: fen for kind, fen in balances.items() if fen}


@given(histories())
def test_whatever_happens_to_an_order_every_account_stands_where_the_facts_put_it(
    history: tuple[FundsModel, list[Funds]],
) -> None:
    model, facts = history
    book: Counter[CashKind] = Counter()
    for before, after in pairwise(facts):
        for debit, credit, fen in legs(model, before, after):
            assert fen > 0
            book[debit] -= fen
            book[credit] += fen
        assert {kind: fen for kind, fen in book.items() if fen} == standing(model, after)


@given(histories())
def test_what_the_buyer_paid_and_owes_is_held_kept_or_goes_back(history: tuple[FundsModel, list[Funds]]) -> None:
    for facts in history[1]:
        assert facts.captured_fen + facts.receivable_fen == facts.held_fen + facts.kept_fen + facts.refundable_fen
        assert facts.held_fen >= 0
        assert facts.refundable_fen >= facts.refunded_fen
        assert facts.kept_fen == facts.earned_fen + facts.fee_fen
        assert 0 in (facts.claim_fen, facts.owing_fen)
        assert min(facts.payable_fen, facts.reserve_fen) >= 0
        assert facts.earned_fen - facts.passed_fen == facts.payable_fen + facts.reserve_fen - facts.owing_fen


def test_goods_accepted_before_they_are_paid_for_are_owed_by_the_buyer() -> None:
    accepted = Funds(kept_fen=700, to_come_fen=300)
    assert legs(FundsModel.CUSTODIAN, Funds(to_come_fen=1_000), accepted) == [
        Leg(CashKind.BUYER_RECEIVABLE, CashKind.HELD, 700),
        Leg(CashKind.HELD, CashKind.SUPPLIER_PAYABLE, 700),
    ]


def test_what_is_rejected_of_goods_paid_for_goes_back() -> None:
    paid = Funds(captured_fen=1_000, to_come_fen=1_000)
    accepted = replace(paid, kept_fen=600, to_come_fen=0)
    assert legs(FundsModel.CUSTODIAN, paid, accepted) == [
        Leg(CashKind.HELD, CashKind.REFUND_PAYABLE, 400),
        Leg(CashKind.HELD, CashKind.SUPPLIER_PAYABLE, 600),
    ]


def test_a_supplier_that_is_paid_itself_has_at_once_what_it_earned() -> None:
    paid = Funds(captured_fen=1_000, to_come_fen=1_000).paid_directly
    accepted = replace(paid, kept_fen=600, to_come_fen=0).paid_directly
    assert (paid.passed_fen, accepted.passed_fen) == (0, 600)
    assert Leg(CashKind.SUPPLIER_PAYABLE, CashKind.SUPPLIER_ACCOUNT, 600) in legs(FundsModel.DIRECT, paid, accepted)


def test_goods_that_come_back_after_settlement_make_the_supplier_owe_and_the_fee_fall() -> None:
    settled = Funds(captured_fen=1_000, kept_fen=1_000, passed_fen=980, fee_bp=200)
    returned = replace(settled, kept_fen=600)
    assert legs(FundsModel.CUSTODIAN, settled, returned) == [
        Leg(CashKind.HELD, CashKind.REFUND_PAYABLE, 400),
        Leg(CashKind.PLATFORM_FEE, CashKind.HELD, 8),
        Leg(CashKind.SUPPLIER_RECEIVABLE, CashKind.HELD, 392),
    ]


def test_goods_that_come_back_take_what_is_payable_first_then_the_reserve_and_then_are_owed() -> None:
    settled = Funds(captured_fen=1_000, kept_fen=1_000, passed_fen=600, reserved_fen=100)
    assert (settled.payable_fen, settled.reserve_fen, settled.owing_fen) == (300, 100, 0)
    standing_after = {
        kept_fen: (after.payable_fen, after.reserve_fen, after.owing_fen)
        for kept_fen in (750, 650, 550)
        for after in [replace(settled, kept_fen=kept_fen)]
    }
    assert standing_after == {750: (50, 100, 0), 650: (0, 50, 0), 550: (0, 0, 50)}
    assert legs(FundsModel.CUSTODIAN, settled, replace(settled, kept_fen=550)) == [
        Leg(CashKind.HELD, CashKind.REFUND_PAYABLE, 450),
        Leg(CashKind.SUPPLIER_PAYABLE, CashKind.HELD, 400),
        Leg(CashKind.SUPPLIER_RECEIVABLE, CashKind.HELD, 50),
        Leg(CashKind.SUPPLIER_RESERVE, CashKind.SUPPLIER_PAYABLE, 100),
    ]


def test_what_a_supplier_owes_is_taken_off_what_it_earns_next_of_the_order() -> None:
    owing = Funds(captured_fen=1_000, kept_fen=400, to_come_fen=500, passed_fen=600)
    accepted = replace(owing, kept_fen=900, to_come_fen=0)
    assert legs(FundsModel.CUSTODIAN, owing, accepted) == [
        Leg(CashKind.HELD, CashKind.SUPPLIER_RECEIVABLE, 200),
        Leg(CashKind.HELD, CashKind.SUPPLIER_PAYABLE, 300),
    ]


def test_a_refund_that_is_under_way_is_not_taken_back_by_goods_that_weigh_more() -> None:
    refunded = Funds(captured_fen=1_000, refunded_fen=100, kept_fen=500, to_come_fen=400)
    heavier = replace(refunded, kept_fen=950, to_come_fen=0)
    assert (heavier.refundable_fen, heavier.receivable_fen, heavier.held_fen) == (100, 50, 0)


def test_every_account_of_the_chart_has_a_number_of_its_own_by_its_side() -> None:
    assert CHART.keys() == set(CashKind)
    assert len({account.code for account in CHART.values()}) == len(CHART)
    first = {Side.ASSET: "1", Side.LIABILITY: "2", Side.INCOME: "4", Side.EXPENSE: "5"}
    assert all(account.code.startswith(first[account.side]) for account in CHART.values())
    assert {side for side in Side if side.is_debit} == {Side.ASSET, Side.EXPENSE}
