"""A month after the sample, paid online and into custody: the book balances every day, and nothing is unexplained."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.rules import Reason
from market.cash.rules import CHART, CashKind
from market.channels.rules import FundsModel
from market.clock import CHINA_STANDARD_TIME
from market.db import Database
from market.identity.rules import Permission
from market.ledger import queries as ledger
from market.ledger.rules import Book
from market.orders.models import Order
from market.payments import refunding
from market.payments.models import Refund
from market.payments.rules import RefundStatus
from market.settlements import transfers
from market.settlements.models import Settlement
from market.settlements.rules import NothingToSettleError, SettlementEvent, SettlementStatus
from tests.conftest import RolledBackDatabase
from tests.payments.till import opened
from tests.settlements.month import Month, acting, statements_that_differ, trial_balance

FIRST, LAST = date(2026, 11, 2), date(2026, 11, 30)
MORNING = datetime(2026, 11, 2, 9, tzinfo=CHINA_STANDARD_TIME)
ONLINE, CUSTODIAN = FundsModel.STRIPE, FundsModel.CUSTODIAN
SLOW = "pm_card_visa"
"""A card whose money is there after two days."""
PAPERS = {"acceptance_note": "验收单", "invoice": "26140000000000009319"}


@pytest.fixture
def db(seeded_db: Database) -> Iterator[RolledBackDatabase]:
    with closing(RolledBackDatabase(seeded_db)) as database:
        yield database


@pytest.fixture
def month(db: Database, session: orm.Session) -> Iterator[Month]:
    staff = [acting(session, f"platform.{job}", Permission.SETTLEMENT_WRITE) for job in ("operator", "cashier")]
    with opened(db, session, staff=staff, now=MORNING) as till:
        till.emulator.settings.fee_basis_points, till.emulator.settings.dispute_fee = 60, 1_500
        yield Month(session, till)


def first_week(month: Month) -> dict[str, Order]:
    """What the sample left open ends; five orders are paid online, one of them is given up."""
    month.till.emulator.top_up(50_000)  # of the platform's own, for fees and what it loses
    for supplier in ("fushan", "taohongpo", "kiwi"):
        month.open_account(supplier)
    of_shaji, of_shanzhu, of_kiwi = (month.open_settlement(supplier) for supplier in ("shaji", "shanzhu", "kiwi"))
    month.instruct(of_shaji)
    month.instruct(of_kiwi)
    rerouted = month.session.scalars(sa.select(Refund).filter_by(status=RefundStatus.APPROVED)).one()
    till, now = month.till, month.till.now
    refunding.send(month.session, till.clerk, refund_id=rerouted.id, bank_name="甘肃银行", now=now)
    month.on(3)
    month.left(of_shaji, of_shanzhu, of_kiwi)
    month.tell((-rerouted.amount_fen, rerouted.number))
    partly = month.buy("family-a", "fushan", {"红薯粉条": 10, "富山小米": 10}, card=SLOW)
    later_returned = month.buy("village-shop", "taohongpo", {"香菇脆": 20})
    month.on(4)
    lost = month.buy("family-b", "kiwi", {"红心猕猴桃": 5})
    won = month.buy("ly-shop", "kiwi", {"红心猕猴桃": 8})
    given_up = month.buy("family-b", "fushan", {"红薯粉条": 6})
    month.on(5)
    month.cancel(given_up)
    month.refund(given_up)
    short, code = month.short_paid()
    month.tell((90_000, f"食材款尾款 {code}"))
    month.on(6)
    month.accept(short, evidence=PAPERS)
    month.deliver(partly, later_returned, lost, won)
    return {"partly": partly, "returned": later_returned, "lost": lost, "won": won}


def second_week(month: Month, bought: dict[str, Order]) -> tuple[dict[str, str], Settlement]:
    """A part is refunded before settlement; a bank brings a settlement back; two charges are contested.

    Return the disputes, and a settlement that was transferred.
    """
    month.on(9)
    month.accept(bought["partly"], damaged=2)
    assert month.refund(bought["partly"]).amount_fen == 1_960
    month.accept(bought["returned"])
    by_bank = month.settle("fushan", CUSTODIAN)
    month.on(10)
    month.left(by_bank)
    month.accept(bought["lost"])
    month.accept(bought["won"])
    month.on(11)
    charges = {name: month.till.charge_of(bought[name]) for name in ("lost", "won")}
    disputes = {name: month.till.emulator.open_dispute(charge)["id"] for name, charge in charges.items()}
    month.on(12)
    assert {each.reason for each in month.reconciled().breaks} >= {Reason.DISPUTED}
    month.came_back(by_bank)
    month.settle("taohongpo", ONLINE)
    month.on(13)
    with pytest.raises(NothingToSettleError):
        month.draft("kiwi", ONLINE)
    return disputes, month.settle("fushan", ONLINE)


def third_week(month: Month, bought: dict[str, Order], disputes: dict[str, str], transferred: Settlement) -> None:
    """Goods come back after they were settled; one dispute is won, one lost; a transfer is taken back."""
    month.on(16)
    month.give_back(bought["returned"], "3")
    assert month.refund(bought["returned"]).amount_fen == 18_600
    again = month.settle("fushan", CUSTODIAN)
    month.on(17)
    month.left(again)
    bought["netting"] = month.buy("village-shop", "taohongpo", {"香菇脆": 10}, card=SLOW)
    month.deliver(bought["netting"])
    month.on(18)
    month.till.emulator.lose_dispute(disputes["lost"])
    month.till.emulator.win_dispute(disputes["won"])
    month.on(19)
    assert month.settle("kiwi", ONLINE).amount_fen == bought["lost"].captured_fen + bought["won"].captured_fen
    month.accept(bought["netting"])
    month.on(20)
    approve = partial(transfers.decide_back, event=SettlementEvent.APPROVE)
    for step, who in ((transfers.ask_back, month.till.clerk), (approve, month.till.colleague)):
        step(month.session, who, settlement_id=transferred.id, now=month.till.now)
    month.on(21)
    assert transferred.status is SettlementStatus.RETURNED


def last_week(month: Month) -> None:
    """What a supplier owes is netted, and what was taken back is transferred again."""
    month.on(23)
    netting = month.settle("taohongpo", ONLINE)
    assert (netting.gross_fen, netting.netted_fen) == (62_000, 18_600)
    month.on(24)
    assert month.settle("fushan", ONLINE).amount_fen == 14_340
    month.on(LAST.day)


def test_a_mixed_month_ends_with_nothing_unexplained_and_statements_that_equal_the_book(month: Month) -> None:
    bought = first_week(month)
    third_week(month, bought, *second_week(month, bought))
    last_week(month)
    ended = month.evening()
    session = month.session
    for days in range((LAST - FIRST).days + 1):
        debit_fen, credit_fen = trial_balance(session, FIRST + timedelta(days=days))
        assert debit_fen == credit_fen > 0
    balances = ledger.balances(session, Book.CASH, on=LAST)
    # The platform's own money and the bank's interest are no buyer's: they wait, said why and for how long.
    waiting = {each.reference: each.fen for each in ended.breaks if each.reason is Reason.UNMATCHED}
    assert sorted(waiting.values()) == [1_237, 50_000]
    for kind, account in CHART.items():
        if account.clears and kind in balances:
            stands_fen = balances[kind].credit_fen - balances[kind].debit_fen
            assert stands_fen == (51_237 if kind is CashKind.UNMATCHED else 0), kind
    assert {each.reason for each in ended.breaks} == {Reason.UNMATCHED, Reason.TO_REFUND}
    assert balances[CashKind.DISPUTE_LOSS].debit_fen == bought["lost"].captured_fen
    assert balances[CashKind.PROVIDER_AVAILABLE].debit_fen == month.till.gateway.balance_fen() > 0
    assert statements_that_differ(session) == []
    assert month.till.complaints() == []


def test_a_statement_that_says_something_else_than_the_book_is_found(month: Month) -> None:
    session = month.session
    assert statements_that_differ(session) == []
    settlement = month.open_settlement("shaji")
    session.execute(sa.text("SET LOCAL ROLE market_owner"))
    session.execute(
        sa.text("UPDATE settlement_items SET gross_fen = gross_fen - 1 WHERE settlement_id = :id"),
        {"id": settlement.id},
    )
    assert statements_that_differ(session) == [settlement.number]
