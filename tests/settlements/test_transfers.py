"""What was paid online and accepted is transferred to the supplier's account at the provider, and may be taken back."""

from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import orm

from market.attribution.rules import Step
from market.channels.rules import FundsModel
from market.db import Database
from market.errors import FourEyesError, TransitionError
from market.orders.models import Order
from market.payments import connecting, looking
from market.payments.rules import DisputeOpenError, WithProviderError
from market.settlements import queries, service, tasks, transfers
from market.settlements.models import Settlement
from market.settlements.rules import (
    NoPayeeAccountError,
    NothingToSettleError,
    NotReadyError,
    SettlementEvent,
    SettlementStatus,
)
from tests.payments.desk import in_custody, of_supplier, selling
from tests.payments.till import Till, online_order, opened
from tests.settlements.custody import paid, settle
from tests.story import Story


@pytest.fixture
def story(session: orm.Session) -> Story:
    return selling(session)


@pytest.fixture
def till(db: Database, session: orm.Session) -> Iterator[Till]:
    with opened(db, session) as till:
        yield till


def sold(story: Story, till: Till) -> Order:
    """Sell online: placed, paid, delivered, accepted."""
    order = online_order(story, "10")
    till.pay(story.orderer, order)
    story.deliver(order)
    story.accept(order)
    return order


def connect(story: Story, till: Till, *, active: bool = True) -> str:
    """Open the supplier's account at the provider."""
    connecting.connect(story.session, story.clerk, now=till.now)
    till.work()
    account, _ = connecting.account_of(story.session, story.supplier.id)
    if active:
        till.emulator.activate(account.number)
        till.later(minutes=11)
        till.work(sweep=True)
    return account.number


def drafted(story: Story, till: Till) -> Settlement:
    return service.draft(
        story.session, till.clerk, supplier_id=story.supplier.id, model=FundsModel.STRIPE, now=till.now
    )


def approved(story: Story, till: Till) -> Settlement:
    settlement = drafted(story, till)
    event = SettlementEvent.APPROVE
    service.decide(story.session, till.colleague, settlement_id=settlement.id, event=event, now=till.now)
    return settlement


def instruct(till: Till, settlement: Settlement) -> None:
    service.instruct(till.session, till.clerk, settlement_id=settlement.id, now=till.now)
    follow(till)


def follow(till: Till) -> None:
    till.work(sweep=True)
    tasks.follow_transfers(till.db, till.now)
    till.session.expire_all()


def test_a_transfer_reaches_the_supplier_and_its_shares_are_recognised(story: Story, till: Till) -> None:
    order = sold(story, till)
    with pytest.raises(NoPayeeAccountError):
        drafted(story, till)
    account = connect(story, till)
    settlement = approved(story, till)
    assert story.standing(order, Step.RECOGNISED) == 0
    instruct(till, settlement)
    assert (settlement.status, order.paid_fen) == (SettlementStatus.CONFIRMED, 10_000)
    assert story.standing(order, Step.ACCRUED) == 0
    assert (
        sum(each.amount for each in till.client.v1.balance.retrieve({}, {"stripe_account": account}).available)
        == 10_000
    )
    assert till.complaints() == []
    with pytest.raises(NothingToSettleError):
        drafted(story, till)
    till.emulator.top_up(3_000)
    till.client.v1.refunds.create({"charge": till.charge_of(order), "amount": 3_000})  # on the provider's own pages
    till.later(minutes=11)
    till.work(sweep=True)
    assert (order.refunded_fen, order.settled_fen) == (3_000, 10_000)
    assert till.complaints() == []


def test_what_is_owed_of_custody_is_told_and_not_netted_of_what_was_paid_online(story: Story, till: Till) -> None:
    custody = in_custody(story.session)
    of_supplier(story)
    returned = paid(story, custody, "5")
    settle(story, custody)
    story.give_back(returned, "3")
    sold(story, till)
    connect(story, till)
    settlement = drafted(story, till)
    assert (settlement.amount_fen, settlement.owed_after_fen, settlement.owed_apart_fen) == (10_000, 0, 3_000)


def test_an_account_that_takes_no_transfers_yet_waits(story: Story, till: Till) -> None:
    sold(story, till)
    connect(story, till, active=False)
    settlement = approved(story, till)
    with pytest.raises(NotReadyError):
        instruct(till, settlement)


def test_a_transfer_that_the_provider_refuses_is_owed_again(story: Story, till: Till) -> None:
    order = sold(story, till)
    account = connect(story, till)
    settlement = approved(story, till)
    till.emulator.restrict(account)
    instruct(till, settlement)
    assert (settlement.status, order.settled_fen) == (SettlementStatus.FAILED, 0)
    assert till.complaints() == []


def test_a_transfer_is_taken_back_and_recognised_no_more(story: Story, till: Till) -> None:
    order = sold(story, till)
    connect(story, till)
    settlement = approved(story, till)
    instruct(till, settlement)
    asking, deciding = (
        partial(step, story.session, settlement_id=settlement.id, now=till.now)
        for step in (transfers.ask_back, transfers.decide_back)
    )
    with pytest.raises(TransitionError):
        deciding(till.colleague, event=SettlementEvent.APPROVE)
    asking(till.clerk)
    with pytest.raises(TransitionError):
        asking(till.colleague)
    deciding(till.colleague, event=SettlementEvent.DECLINE)
    asking(till.colleague)
    with pytest.raises(FourEyesError):
        deciding(till.colleague, event=SettlementEvent.APPROVE)
    deciding(till.clerk, event=SettlementEvent.APPROVE)
    with pytest.raises(TransitionError):
        asking(till.clerk)
    steps = queries.changes_of(story.session, settlement.id)[-4:]
    assert [(step.event, step.changed_by) for step in steps] == [
        (SettlementEvent.REVERSE, till.clerk.member_id),
        (SettlementEvent.DECLINE_REVERSAL, till.colleague.member_id),
        (SettlementEvent.REVERSE, till.colleague.member_id),
        (SettlementEvent.APPROVE_REVERSAL, till.clerk.member_id),
    ]
    follow(till)
    assert (settlement.status, order.paid_fen) == (SettlementStatus.RETURNED, 0)
    assert story.standing(order, Step.RECOGNISED) == 0
    assert till.complaints() == []
    again = approved(story, till)
    instruct(till, again)
    assert (again.status, order.paid_fen) == (SettlementStatus.CONFIRMED, 10_000)
    assert till.complaints() == []


def test_nothing_that_a_payers_bank_contests_is_settled(story: Story, till: Till) -> None:
    order = sold(story, till)
    other = sold(story, till)
    connect(story, till)
    settlement = approved(story, till)
    dispute = till.emulator.open_dispute(till.charge_of(order))
    till.later(minutes=11)
    till.work(sweep=True)
    with pytest.raises(DisputeOpenError, match=order.number):
        instruct(till, settlement)
    till.emulator.win_dispute(dispute["id"])
    till.later(minutes=11)
    till.work(sweep=True)
    assert other.settled_fen == 10_000
    assert till.complaints() == []


def test_what_is_lost_in_a_dispute_is_the_platforms_loss_and_the_supplier_keeps_what_it_earned(
    story: Story, till: Till
) -> None:
    order = sold(story, till)
    connect(story, till)
    dispute = till.emulator.open_dispute(till.charge_of(order))
    till.later(minutes=11)
    till.work(sweep=True)
    with pytest.raises(NothingToSettleError):
        drafted(story, till)
    till.emulator.lose_dispute(dispute["id"])
    till.later(minutes=11)
    till.work(sweep=True)
    assert drafted(story, till).amount_fen == 10_000
    assert till.complaints() == []


def test_a_transfer_that_the_provider_may_still_make_has_not_failed(story: Story, till: Till) -> None:
    sold(story, till)
    connect(story, till)
    settlement = approved(story, till)
    service.instruct(till.session, till.clerk, settlement_id=settlement.id, now=till.now)
    with pytest.raises(WithProviderError):
        service.fail(till.session, till.clerk, settlement_id=settlement.id, now=till.now)
    follow(till)
    assert settlement.status is SettlementStatus.CONFIRMED


@pytest.mark.parametrize("most", [1, 2])
def test_a_transfer_that_failed_unclearly_is_made_once_though_lists_lag(
    story: Story, till: Till, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Whoever asks anew after two looks, as of what sends no money out, is seen to pay twice: the control."""
    if most > 1:
        monkeypatch.setattr(looking, "SENDS_MONEY", frozenset())
    sold(story, till)
    account = connect(story, till)
    settlement = approved(story, till)
    till.emulator.top_up(10_000)
    till.emulator.settings.lists_lag = 20 * 60 * 60
    till.emulator.fail("error_after", "post", "/v1/transfers")
    instruct(till, settlement)
    for _ in range(7):
        till.later(hours=4)
        follow(till)
    till.emulator.settings.lists_lag = 0
    assert settlement.status is SettlementStatus.CONFIRMED
    assert len(till.client.v1.transfers.list({"destination": account}).data) == most


def test_a_settlement_that_cannot_be_handed_on_is_withdrawn(story: Story, till: Till) -> None:
    order = sold(story, till)
    connect(story, till, active=False)
    settlement = approved(story, till)
    service.fail(till.session, till.clerk, settlement_id=settlement.id, now=till.now)
    assert (settlement.status, order.settled_fen) == (SettlementStatus.FAILED, 0)
    assert till.complaints() == []
    assert drafted(story, till).amount_fen == 10_000
