"""Payments that two people or machines deal with at once: each has one effect, and nobody waits for ever."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from typing import TypeVar
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankLine
from market.banking.rules import Waiting
from market.db import Database
from market.identity.rules import Actor
from market.orders import changing
from market.orders.models import Order
from market.orders.rules import OrderEvent
from market.payments import calls, inbox, noting, online, refunding, tasks
from market.payments.models import OnlinePayment, ProviderCall, Refund
from market.payments.provider import EventSeen, Seen
from market.payments.refunding import Wish
from market.payments.rules import Operation, RefundEvent
from tests.conftest import clone
from tests.payments.desk import selling
from tests.payments.till import CARD, Till, online_order, placed_together
from tests.racing import Act, crossings, is_sound
from tests.stripe_emulator.scenes import calling
from tests.stripe_emulator.server import running

T = TypeVar("T")


class Market:
    """A market whose buyers pay online, with real commits."""

    def __init__(self, db: Database, session: orm.Session, till: Till) -> None:
        self.db, self.till, self.now = db, till, till.now
        self.story = selling(session)
        self.numbers = count(1)

    def does(self, act: Callable[[orm.Session], T]) -> T:
        """Do something in a transaction of its own."""
        with self.db.transaction() as session:
            return act(session)

    def begun(self, *, together: bool = False) -> tuple[UUID, str]:
        """Place an order, or two together, paid online; return the payment's id, here and at the provider."""

        def begin(session: orm.Session) -> UUID:
            here = self.story.elsewhere(session)
            group_id = (placed_together(here)[0] if together else online_order(here, "10")).group_id
            return online.begin(session, here.orderer, group_id=group_id, now=self.now).id

        payment_id = self.does(begin)
        tasks.make_calls(self.db, self.till.gateway, self.now)
        return payment_id, self.does(lambda session: str(session.get_one(OnlinePayment, payment_id).provider_id))

    def charged(self, *, together: bool = False) -> tuple[UUID, str]:
        """Let the payer pay online; return the payment, of which the market has not heard."""
        payment_id, provider_id = self.begun(together=together)
        self.does(lambda session: self.till.charge(session.get_one(OnlinePayment, payment_id)))
        return payment_id, provider_id

    def paid(self) -> UUID:
        """Return the id of an order that was paid online."""
        payment_id, provider_id = self.charged()
        self.notes(self.till.gateway.payment(provider_id))()
        paid = sa.select(Order.id).join(OnlinePayment, OnlinePayment.group_id == Order.group_id)
        return self.does(lambda session: session.scalars(paid.where(OnlinePayment.id == payment_id)).one())

    def gives_up(self, order_id: UUID) -> Act:
        """Return that an order's supplier gives it up."""

        def give_up(session: orm.Session) -> None:
            clerk, event = self.story.clerk, OrderEvent.CANCEL
            changing.give_up(session, clerk, order_id=order_id, event=event, reason="道路中断", now=self.now)

        return lambda: self.does(give_up)

    def refunded_fen(self, order_id: UUID) -> int:
        """Return what of an order went back."""
        return self.does(lambda session: session.get_one(Order, order_id).refunded_fen)

    def cancelled(self) -> UUID:
        """Return the id of an order that was paid online and given up."""
        order_id = self.paid()
        self.gives_up(order_id)()
        return order_id

    def asked_back(self, order_id: UUID) -> UUID:
        """Let the buyer ask for ten fen of an order."""

        def ask(session: orm.Session) -> UUID:
            (refund,) = refunding.request(
                session, self.story.orderer, order_id=order_id, wish=Wish(10, "取消"), now=self.now
            )
            return refund.id

        return self.does(ask)

    def approves(self, who: Actor, refund_id: UUID) -> Act:
        """Return that somebody approves a refund."""
        event = RefundEvent.APPROVE
        return lambda: self.does(
            lambda session: refunding.decide(session, who, refund_id=refund_id, event=event, now=self.now)
        )

    def notes(self, seen: Seen) -> Act:
        """Return that the market takes note of something as the provider shows it."""
        return lambda: self.does(lambda session: noting.note(session, seen, now=self.now))

    def lost(self, order_id: UUID) -> Act:
        """Let the payer win a dispute about ten fen of an order; return that the market hears of it."""
        paid = sa.select(OnlinePayment.charge_id).join(Order, Order.group_id == OnlinePayment.group_id)
        charge = self.does(lambda session: session.scalars(paid.where(Order.id == order_id)).one())
        dispute = self.till.emulator.open_dispute(str(charge), amount=10)
        return self.notes(self.till.gateway.dispute(self.till.emulator.lose_dispute(dispute["id"])["id"]))

    def looks_at_the_last_refund(self) -> None:
        """Take note of the refund that was made last, if any was."""
        for last in self.till.client.v1.refunds.list({"limit": 1}).data:
            self.notes(self.till.gateway.refund(last.id))()

    def a_month_later(self) -> None:
        """Let a month pass, so that the book is opened for another."""
        self.till.later(days=31)
        self.now = self.till.now

    def event(self, kind: str, object_id: str) -> Act:
        """Put an event into the inbox; return that it is handled."""
        event_id = f"evt_{next(self.numbers)}"
        self.does(lambda session: inbox.take(session, EventSeen(event_id, kind, object_id), now=self.now))
        return lambda: inbox.handle(self.db, self.till.gateway, event_id, now=self.now)

    def call(self, subject_id: UUID, operation: Operation) -> Act:
        """Return that a worker makes the call about an object."""
        wanted = sa.select(ProviderCall.id).filter_by(subject_id=subject_id, operation=operation)
        call_id = self.does(lambda session: session.scalars(wanted).one())
        return lambda: calls.make(self.db, self.till.gateway, call_id, noting.note_call, now=self.now)

    def settles_down(self) -> None:
        """Let a worker do what is left to do; then nothing is wrong."""
        for _ in range(2):
            tasks.make_calls(self.db, self.till.gateway, self.now)
            tasks.Sweeps(self.till.gateway)(self.db, self.now)
        self.till.emulator.check()
        is_sound(self.db, self.now)


@contextmanager
def opened(server_url: str, template: str, name: str) -> Iterator[Market]:
    with (
        clone(server_url, template, f"market_{name}_{os.getpid()}") as url,
        closing(Database(url, threads=4)) as db,
        running() as emulator,
        calling(emulator) as client,
    ):
        with db.transaction() as session:
            till = Till(db, session, emulator, client)
            market = Market(db, session, till)
        emulator.top_up(1_000_000)
        with closing(till.gateway):
            yield market


@pytest.fixture(scope="module")
def market(server_url: str, template: str) -> Iterator[Market]:
    with opened(server_url, template, "paying_races") as market:
        yield market


def two_approve(market: Market) -> None:
    """Hold that of two who approve a refund at once one is refused, and that the provider is asked once."""
    order_id = market.cancelled()
    refunds = []

    def begin() -> tuple[Act, Act]:
        refunds.append(market.asked_back(order_id))
        return market.approves(market.till.clerk, refunds[-1]), market.approves(market.till.colleague, refunds[-1])

    for crossed in crossings(market.db, begin, least=3):
        assert sorted(type(each).__name__ for each in crossed) == ["Refund", "TransitionError"]
    market.settles_down()
    asked = sa.select(ProviderCall.subject_id).where(ProviderCall.subject_id.in_(refunds))
    assert sorted(market.does(lambda session: session.scalars(asked).all())) == refunds
    assert market.refunded_fen(order_id) == 10 * len(refunds)


def test_a_refund_that_two_approve_at_once_is_approved_once(market: Market) -> None:
    two_approve(market)


def test_the_answer_about_a_payment_and_the_event_about_it_have_one_effect(market: Market) -> None:
    payments = []

    def begin() -> tuple[Act, Act]:
        payment_id, provider_id = market.begun()
        payments.append(payment_id)
        by, url = market.story.orderer, "https://example.org"
        market.does(
            lambda session: online.confirm(
                session, by, payment_id=payment_id, method=CARD, return_url=url, now=market.now
            )
        )
        return market.call(payment_id, Operation.CONFIRM_PAYMENT), market.event("payment_intent.succeeded", provider_id)

    assert list(crossings(market.db, begin, least=6)) == [(True, True)] * len(payments[1:])
    market.settles_down()
    brought = sa.select(BankLine.amount_fen, BankLine.open_fen).join(
        OnlinePayment, OnlinePayment.charge_id == BankLine.payment_reference
    )
    lines = market.does(lambda session: session.execute(brought.where(OnlinePayment.id.in_(payments))).all())
    assert lines == [(10_000, 0)] * len(payments)


def test_the_answer_about_a_refund_and_a_look_at_it_have_one_effect(market: Market) -> None:
    order_id = market.cancelled()
    refunds = []

    def begin() -> tuple[Act, Act]:
        refunds.append(market.asked_back(order_id))
        market.approves(market.till.clerk, refunds[-1])()
        return market.call(refunds[-1], Operation.REFUND), market.looks_at_the_last_refund

    assert all(crossed.first for crossed in crossings(market.db, begin, least=6))
    market.settles_down()
    out = sa.select(BankLine.amount_fen, BankLine.open_fen).join(Refund, Refund.left_line_id == BankLine.id)
    lines = market.does(lambda session: session.execute(out.where(Refund.id.in_(refunds))).all())
    assert lines == [(-10, 0)] * len(refunds)


def test_a_refund_is_approved_while_a_dispute_of_its_order_is_lost(market: Market) -> None:
    order_id = market.cancelled()

    def begin() -> tuple[Act, Act]:
        refund_id = market.asked_back(order_id)
        return market.lost(order_id), market.approves(market.till.clerk, refund_id)

    answers = {type(crossed.second).__name__ for crossed in crossings(market.db, begin, least=5)}
    assert answers == {"Refund", "TransitionError"}  # what nobody had approved, the dispute declined
    market.settles_down()


def test_an_order_is_given_up_while_a_dispute_of_it_is_lost_in_a_month_of_which_nothing_is_posted(
    market: Market,
) -> None:
    def begin() -> tuple[Act, Act]:
        order_id = market.paid()
        market.a_month_later()
        return market.lost(order_id), market.gives_up(order_id)

    assert list(crossings(market.db, begin, least=4))
    market.settles_down()


def test_two_orders_lose_their_disputes_at_once(market: Market) -> None:
    first, second = market.cancelled(), market.cancelled()
    told = list(crossings(market.db, lambda: (market.lost(first), market.lost(second)), least=4))
    market.settles_down()
    assert min(market.refunded_fen(first), market.refunded_fen(second)) >= 10 * len(told)


def test_a_payment_is_disputed_while_it_is_captured(market: Market) -> None:
    def begin() -> tuple[Act, Act]:
        _, provider_id = market.charged()
        seen = market.till.gateway.payment(provider_id)
        market.notes(seen._replace(movement=None))()  # it succeeded, and its money is not there yet
        dispute = market.till.emulator.open_dispute(str(seen.charge_id), amount=10)
        return market.notes(seen), market.notes(market.till.gateway.dispute(dispute["id"]))

    assert list(crossings(market.db, begin, least=4))
    market.settles_down()


def test_a_payment_is_disputed_while_a_part_of_it_goes_back_of_nobody_knows_which_order(market: Market) -> None:
    def begin() -> tuple[Act, Act]:
        _, provider_id = market.charged(together=True)
        seen = market.till.gateway.payment(provider_id)
        market.notes(seen)()
        refund = market.till.client.v1.refunds.create({"charge": str(seen.charge_id), "amount": 10})
        dispute = market.till.emulator.open_dispute(str(seen.charge_id), amount=10)
        return (
            market.notes(market.till.gateway.refund(refund.id)),
            market.notes(market.till.gateway.dispute(dispute["id"])),
        )

    crossed = list(crossings(market.db, begin, least=3))
    assert {type(answer).__name__ for each in crossed for answer in each} == {"NoneType"}
    market.settles_down()
    waiting = sa.select(sa.func.count()).where(BankLine.waiting == Waiting.REFUNDED_UNASKED)
    assert market.does(lambda session: session.scalar(waiting)) == len(crossed) + 1


def test_a_refund_that_is_decided_on_without_locks_is_seen_to_be_approved_twice(
    server_url: str, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(session: orm.Session, actor: Actor, refund_id: UUID) -> tuple[Refund, Order]:
        del actor
        refund = session.get_one(Refund, refund_id)
        order = session.get_one(Order, refund.order_id)
        session.execute(sa.select(Order.id).where(Order.id == order.id).with_for_update())  # too late
        return refund, order

    monkeypatch.setattr(refunding, "_locked", read)
    with opened(server_url, template, "naive_refunds") as market, pytest.raises(AssertionError, match="Refund"):
        two_approve(market)
