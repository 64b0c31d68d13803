"""Closing a bank account waits for what a bank was told to pay, and what comes after goes another way."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.banking import accounts
from market.banking.rules import AccountClosedError, Meaning, NoPayingAccountError
from market.db import Database
from market.payments import refunding
from market.payments.models import Refund
from market.payments.refunding import Payee, Wish
from market.payments.rules import RefundEvent
from market.settlements import closing, service
from market.settlements.models import Settlement
from market.settlements.rules import AccountBusyError, NoPayeeAccountError, SettlementStatus
from tests.payments.bank import Movement
from tests.payments.desk import Bank, code, complaints, in_custody, of_supplier, placed, selling
from tests.racing import Act, Custody, crossings, is_sound
from tests.settlements.custody import approve, draft, instruct, paid, settle
from tests.story import NOON, Story


@pytest.fixture
def story(session: orm.Session) -> Story:
    return selling(session)


@pytest.fixture
def own(story: Story) -> Bank:
    return of_supplier(story)


@pytest.fixture
def custody(session: orm.Session, own: Bank) -> Bank:
    assert own.account.confirmed_at is not None
    return in_custody(session)


def close(bank: Bank) -> None:
    """Close the account of a bank."""
    closing.close(bank.session, bank.clerk, account_id=bank.account.id, reason="已在银行销户", now=NOON)


def asked_back(story: Story, custody: Bank) -> Refund:
    """Sell into custody, give the order up, and have a refund approved."""
    order = placed(story, "10")
    custody.tell(Movement(order.amount_fen, code(story, order), f"IN-{order.number}"))
    story.cancel(order)
    wish = Wish(None, "订单取消", Payee("财政支付中心", "14001234567890"))
    (refund,) = refunding.request(story.session, custody.clerk, order_id=order.id, wish=wish, now=NOON)
    event = RefundEvent.APPROVE
    return refunding.decide(story.session, custody.colleague, refund_id=refund.id, event=event, now=NOON)


def send(custody: Bank, refund: Refund) -> None:
    """Hand a refund to the bank."""
    refunding.send(custody.session, custody.clerk, refund_id=refund.id, bank_name="工行", now=NOON)


def test_neither_end_of_a_settlement_is_closed_while_the_bank_has_it(story: Story, own: Bank, custody: Bank) -> None:
    paid(story, custody, "10")
    settlement = draft(story, custody)
    approve(custody, settlement)
    instruct(custody, settlement)
    for bank in (own, custody):
        with pytest.raises(AccountBusyError) as refused:
            close(bank)
        assert refused.value.facts == {"refunds": 0, "settlements": 1}
    custody.tell(Movement(-settlement.amount_fen, f"结算 {settlement.number}", "OUT"))
    service.confirm(story.session, custody.clerk, settlement_id=settlement.id, now=NOON)
    for bank in (own, custody):
        close(bank)
    assert complaints(story.session) == []


def test_a_settlement_that_the_bank_has_not_is_not_paid_to_a_closed_account(
    story: Story, own: Bank, custody: Bank
) -> None:
    paid(story, custody, "10")
    settlement = draft(story, custody)
    approve(custody, settlement)
    close(own)
    with pytest.raises(AccountClosedError):
        instruct(custody, settlement)
    service.fail(story.session, custody.colleague, settlement_id=settlement.id, now=NOON)
    with pytest.raises(NoPayeeAccountError, match="confirmed and open"):
        draft(story, custody)
    again = of_supplier(story)
    assert settle(story, custody).payee_account_id == again.account.id
    close(custody)
    paid(story, in_custody(story.session), "1")
    assert complaints(story.session) == []


def test_a_refund_that_the_bank_has_is_waited_for_and_the_next_leaves_by_another_account(
    story: Story, custody: Bank
) -> None:
    first, second = asked_back(story, custody), asked_back(story, custody)
    send(custody, first)
    with pytest.raises(AccountBusyError) as refused:
        close(custody)
    assert refused.value.facts == {"refunds": 1, "settlements": 0}
    custody.tell(Movement(-first.amount_fen, f"退款 {first.number}", "OUT"))
    close(custody)
    with pytest.raises(NoPayingAccountError):
        send(custody, second)
    other = in_custody(story.session)
    send(custody, second)
    custody.tell(Movement(-second.amount_fen, "销户转出", "LAST"))
    custody.mean(Meaning.OWN_TRANSFER)
    other.tell(Movement(second.amount_fen, "销户转入", "FIRST"))
    other.mean(Meaning.OWN_TRANSFER)
    assert second.account_id == other.account.id
    other.tell(Movement(-second.amount_fen, f"退款 {second.number}", "OUT-2"))
    assert complaints(story.session) == []


def test_what_a_closed_account_tells_late_comes_to_its_settlement(story: Story, own: Bank, custody: Bank) -> None:
    paid(story, custody, "10")
    settlement = settle(story, custody)
    close(custody)
    custody.tell(Movement(settlement.amount_fen, f"退汇 {settlement.number} 账户已销户", "BACK"))
    service.take_back(story.session, custody.clerk, settlement_id=settlement.id, now=NOON)
    with pytest.raises(NoPayingAccountError):
        draft(story, custody)
    assert own.account.closed_at is None
    assert complaints(story.session) == []


@pytest.fixture
def races(committed_db: Database) -> Custody:
    """A market in which one order waits to be settled."""
    races = Custody(committed_db)
    races.does(lambda here, bank: paid(here, bank, "10"))
    return races


def instructed_or_closed(races: Custody) -> None:
    """Hold that of who instructs a settlement and who closes the account that pays it one is refused."""

    def begin() -> tuple[Act, Act]:
        races.bank = races.does(lambda here, _: in_custody(here.session))
        settlement_id = races.does(approved)

        def instructs(here: Story, bank: Bank) -> None:
            instruct(bank, here.session.get_one(Settlement, settlement_id))

        return lambda: races.does(instructs), lambda: races.does(lambda _, bank: close(bank))

    for crossed in crossings(races.db, begin, least=3):
        refused = [type(each).__name__ for each in crossed if each is not None]
        assert refused in (["AccountBusyError"], ["AccountClosedError"]), f"refused: {refused}"
    is_sound(races.db, NOON)


def approved(here: Story, bank: Bank) -> UUID:
    """Have a settlement approved, after the one before."""
    for before in here.session.scalars(sa.select(Settlement)):
        if before.status in (SettlementStatus.APPROVED, SettlementStatus.INSTRUCTED):
            service.fail(here.session, bank.colleague, settlement_id=before.id, now=NOON)
    settlement = draft(here, bank)
    approve(bank, settlement)
    return settlement.id


def test_an_account_is_closed_before_a_settlement_is_instructed_or_waits_for_it(races: Custody) -> None:
    instructed_or_closed(races)


def test_accounts_that_are_not_held_open_are_seen_to_be_closed_under_a_settlement(
    races: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "hold_open", lambda *_: None)
    with pytest.raises(AssertionError, match=r"refused: \[\]"):
        instructed_or_closed(races)
