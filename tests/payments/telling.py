"""Telling a tale of payments: every deed waits until whoever does it can know what he needs, and no longer."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

import sqlalchemy as sa
import stripe

from market.banking.models import BankLine
from market.channels.rules import FundsModel
from market.errors import MarketError
from market.orders.models import Order
from market.orders.rules import GIVEN_UP
from market.payments import online, refunding, tasks
from market.payments.models import Dispute, OnlinePayment, ProviderCall, Refund
from market.payments.refunding import Payee, Wish
from market.payments.rules import ENDED, CallStatus, OnlineStatus, RefundEvent, RefundRoute, RefundStatus
from market.settlements import service, transfers
from market.settlements import tasks as settling
from market.settlements.models import Settlement
from market.settlements.rules import SettlementEvent, SettlementStatus
from tests.payments.bank import Movement
from tests.payments.endings import Ending, ending
from tests.payments.stage import OWN_MONEY, Cast
from tests.payments.tales import WALLET, Deed, orders_in
from tests.payments.till import online_order
from tests.stripe_emulator.state import PLATFORM, Thing

BACK = "https://example.org/back"
MOST_WAITS = 60


class Weather(Protocol):
    """What happens between the deeds: deliveries, the worker's rounds, time."""

    def passes(self, telling: "Telling", waited: int) -> None:
        """Let something happen; `waited` is how often somebody has waited for it already."""


class Telling:
    """One telling of a tale, in some weather."""

    def __init__(self, cast: Cast, weather: Weather) -> None:
        """Begin with nothing done."""
        self.cast, self.weather = cast, weather
        self.session, self.till, self.story = cast.session, cast.till, cast.story
        self.emulator, self.world = self.till.emulator, self.till.emulator.world
        self.orders: list[Order] = []
        self.refusals: list[tuple[str, int, str]] = []

    def tell(self, deeds: Sequence[Deed]) -> Ending:
        """Do the deeds, wait until all is known and there, and return how it ended."""
        quantities = (str(10 + 3 * number) for number in range(orders_in(list(deeds))))
        self.orders = [online_order(self.story, quantity) for quantity in quantities]
        self.cast.custody.tell(Movement(OWN_MONEY, "备付金", "OWN"))
        for deed in deeds:
            self._do(deed)
            self.weather.passes(self, 0)
        self.till.later(days=4)
        self.until(self.all_is_known)
        self.look_at_everything()
        self.till.later(days=8)
        self.till.release()
        assert self.till.complaints() == []
        return {"refusals": self.refusals, **ending(self.session, self.orders, self.cast.people)}

    def _do(self, deed: Deed) -> None:
        """Do a deed; what the market refuses is told, and leaves nothing."""
        do: Callable[..., None] = getattr(self, deed.name)
        self.until(lambda: _KNOWN[deed.name](self, deed.order))
        try:
            with self.session.begin_nested():
                do(*([deed.order] if deed.order >= 0 else []), *([deed.how] if deed.how else []))
        except MarketError as error:
            self.refusals.append((deed.name, deed.order, type(error).__name__))
        self.session.flush()

    # The worker.

    def work(self) -> int:
        """Do what a worker does without looking at everything; return how much that was."""
        self.session.flush()
        now, db, gateway = self.till.now, self.till.db, self.till.gateway
        done = tasks.make_calls(db, gateway, now) + tasks.handle_events(db, gateway, now)
        done += settling.follow_transfers(db, now)
        self.session.expire_all()
        return done

    def look_at_everything(self) -> None:
        """Look at everything, and follow what was seen."""
        self.till.later(minutes=11)
        self.till.work(sweep=True)
        self.work()

    def until(self, known: Callable[[], bool]) -> None:
        """Wait until the market knows something."""
        for waited in range(MOST_WAITS):
            self.session.flush()
            self.session.expire_all()
            if known():
                return
            self.weather.passes(self, waited)
        raise AssertionError(f"never came: {known}")

    # What is known.

    def payment(self, number: int) -> OnlinePayment:
        """Return the last payment of an order."""
        wanted = sa.select(OnlinePayment).where(OnlinePayment.group_id == self.orders[number].group_id)
        return self.session.scalars(wanted.order_by(OnlinePayment.id.desc()).limit(1)).one()

    def intent(self, number: int) -> Thing:
        """Return the last payment of an order as the provider has it."""
        return self.world.known(str(self.payment(number).provider_id))

    def refunds_of(self, number: int) -> list[Refund]:
        """Return the refunds of an order that go by the provider, oldest first."""
        wanted = sa.select(Refund).where(Refund.order_id == self.orders[number].id)
        return list(self.session.scalars(wanted.where(Refund.route == RefundRoute.PROVIDER).order_by(Refund.id)))

    def nothing_is_asked(self) -> bool:
        """Tell whether the provider has answered everything."""
        wanted = sa.exists().where(ProviderCall.status == CallStatus.DUE)
        return not self.session.scalar(sa.select(wanted))

    def all_is_known(self) -> bool:
        """Tell whether the market knows all that moved at the provider, and how it ended."""
        lines = self._pairs(sa.select(BankLine.line_key, BankLine.open_fen))
        moved = [each for each in self.world.each(PLATFORM, "balance_transaction") if each["type"] != "topup"]
        return (
            self.nothing_is_asked()
            and all(lines.get(each["id"]) == 0 for each in moved)
            and self.ends_are_known()
            and not self.session.scalar(sa.select(sa.exists().where(Settlement.status == SettlementStatus.INSTRUCTED)))
        )

    def _pairs(self, wanted: sa.Select[Any, Any]) -> dict[Any, Any]:
        return {row[0]: row[1] for row in self.session.execute(wanted)}

    def ends_are_known(self) -> bool:
        """Compare how disputes and refunds stand with how the market has them."""
        disputes = self._pairs(sa.select(Dispute.provider_id, Dispute.status))
        refunds = self._pairs(sa.select(Refund.provider_id, Refund.status))
        failed = (RefundStatus.FAILED, RefundStatus.REROUTED)
        return all(
            disputes.get(each["id"]) == (each["status"] if each["status"] in ("won", "lost") else "open")
            for each in self.world.each(PLATFORM, "dispute")
        ) and all(
            refunds[each["id"]] in failed for each in self.world.each(PLATFORM, "refund") if each["status"] == "failed"
        )

    def payments_ended(self, number: int) -> bool:
        """Tell whether no payment of an order is open."""
        wanted = sa.select(OnlinePayment.status).where(OnlinePayment.group_id == self.orders[number].group_id)
        return all(status in ENDED for status in self.session.scalars(wanted))

    def payment_is_open(self, number: int) -> bool:
        """Tell whether the provider waits for the payer, and nothing is asked of it."""
        return self.nothing_is_asked() and self.payment(number).status is OnlineStatus.OPEN

    # Buyers.

    def begins(self, number: int) -> None:
        """The buyer begins to pay."""
        order = self.orders[number]
        online.begin(self.session, self.story.orderer, group_id=order.group_id, now=self.till.now)

    def pays(self, number: int, how: str) -> None:
        """The payer's browser confirms the payment; the market hears of it by an event, or when it looks.

        What was cancelled with its order cannot be paid any more.
        """
        if self.is_cancelled(number):
            return
        params: Any = {"return_url": BACK}
        params |= {"payment_method_data": {"type": WALLET}} if how == WALLET else {"payment_method": how}
        with suppress(stripe.CardError):
            self.till.client.v1.payment_intents.confirm(self.intent(number)["id"], params)

    def is_cancelled(self, number: int) -> bool:
        """Tell whether an order was given up with its payment, and no other may be begun."""
        return self.orders[number].status in GIVEN_UP and self.intent(number)["status"] == "canceled"

    def confirms(self, number: int, how: str) -> None:
        """The buyer lets the market confirm the payment."""
        online.confirm(
            self.session,
            self.story.orderer,
            payment_id=self.payment(number).id,
            method=how,
            return_url=BACK,
            now=self.till.now,
        )

    def cancels(self, number: int) -> None:
        """The buyer gives up a payment that brought nothing."""
        online.cancel(self.session, self.story.orderer, payment_id=self.payment(number).id, now=self.till.now)

    def completes(self, number: int) -> None:
        """The payer passes 3-D Secure, or pays in the wallet."""
        if not self.is_cancelled(number):
            self.emulator.complete_payment(self.intent(number)["id"])

    def turns_back(self, number: int) -> None:
        """The payer does not pass."""
        if not self.is_cancelled(number):
            self.emulator.fail_payment(self.intent(number)["id"])

    # Goods. What people decide, they decide when they know of every dispute's end.

    def given_up(self, number: int) -> None:
        """The supplier gives the order up."""
        self.story.cancel(self.orders[number])

    def accepted(self, number: int) -> None:
        """All is delivered and accepted."""
        self.story.deliver(self.orders[number])
        self.story.accept(self.orders[number])

    def accepted_in_part(self, number: int) -> None:
        """All is delivered, and three kilograms are not accepted."""
        self.story.deliver(self.orders[number])
        kept = str(10 + 3 * number - 3)
        self.story.accept(self.orders[number], found={0: {"accepted": kept, "rejected": "3"}})

    def gives_back(self, number: int) -> None:
        """The buyer returns two kilograms."""
        self.story.give_back(self.orders[number], "2")

    # Refunds.

    def refunds(self, number: int) -> None:
        """Two people send back what is to go back."""
        wish = Wish(None, "订单取消")
        order = self.orders[number]
        for refund in refunding.request(self.session, self.till.clerk, order_id=order.id, wish=wish, now=self.till.now):
            self._approve(refund)

    def _approve(self, refund: Refund) -> None:
        event = RefundEvent.APPROVE
        refunding.decide(self.session, self.till.colleague, refund_id=refund.id, event=event, now=self.till.now)

    def refund_settles(self, number: int) -> None:
        """The payer's bank has a refund that was under way."""
        self._with_refunds(number, ("pending",), self.emulator.settle_refund)

    def refund_fails(self, number: int) -> None:
        """The payer's bank sends a refund back, also one that had succeeded."""
        self._with_refunds(number, ("pending", "succeeded"), self.emulator.fail_refund)

    def _with_refunds(self, number: int, statuses: Sequence[str], happen: Callable[[str], object]) -> None:
        for refund in self.refunds_of(number):
            if refund.provider_id and self.world.known(refund.provider_id)["status"] in statuses:
                happen(refund.provider_id)

    def reroutes(self, number: int) -> None:
        """What failed is sent by a bank, and its statement tells so."""
        custody, now = self.cast.custody, self.till.now
        for failed in [each for each in self.refunds_of(number) if each.status is RefundStatus.FAILED]:
            payee = Payee("财政支付中心", "14001234567890")
            again = refunding.reroute(
                self.session, self.till.clerk, refund_id=failed.id, payee=payee, reason="改付银行", now=now
            )
            self._approve(again)
            refunding.send(self.session, self.till.clerk, refund_id=again.id, bank_name="工行", now=now)
            custody.tell(Movement(-again.amount_fen, f"退款 {again.number}", f"OUT-{again.number}"), now=now)

    # The payer's bank.

    def dispute_opens(self, number: int, how: str = "") -> None:
        """The payer's bank takes a charge back, or half of what is left of it."""
        charge = self.intent(number)["latest_charge"]
        thing = self.world.known(charge) if charge else None
        if not thing or thing["object"] != "charge" or not charge.startswith("ch_") or not thing["captured"]:
            return
        left = thing["amount"] - thing["amount_refunded"]
        if left and not thing["disputed"]:
            self.emulator.open_dispute(charge, amount=left // 2 if how else None)

    def dispute_ends(self, number: int, how: str) -> None:
        """It decides."""
        end = {"won": self.emulator.win_dispute, "lost": self.emulator.lose_dispute}[how]
        for dispute in self.world.each(PLATFORM, "dispute"):
            if dispute["payment_intent"] == self.intent(number)["id"] and dispute["status"] not in ("won", "lost"):
                end(dispute["id"])

    # Settlements.

    def settles(self) -> None:
        """The platform has the provider pay the supplier what it has earned."""
        self.till.later(days=3)
        settlement = service.draft(
            self.session,
            self.till.clerk,
            supplier_id=self.story.supplier.id,
            model=FundsModel.STRIPE,
            now=self.till.now,
        )
        decide = partial(service.decide, self.session, self.till.colleague, event=SettlementEvent.APPROVE)
        decide(settlement_id=settlement.id, now=self.till.now)
        service.instruct(self.session, self.till.clerk, settlement_id=settlement.id, now=self.till.now)

    def takes_back(self) -> None:
        """The platform has the last transfer taken back."""
        wanted = sa.select(Settlement).where(Settlement.status == SettlementStatus.CONFIRMED)
        last = self.session.scalars(wanted.order_by(Settlement.id.desc()).limit(1)).first()
        if last is not None:
            approve = partial(transfers.decide_back, event=SettlementEvent.APPROVE)
            for step, who in ((transfers.ask_back, self.till.clerk), (approve, self.till.colleague)):
                step(self.session, who, settlement_id=last.id, now=self.till.now)


def _all(telling: Telling, _: int) -> bool:
    return telling.all_is_known()


def _ends(telling: Telling, _: int) -> bool:
    return telling.ends_are_known()


def _answers(telling: Telling, _: int) -> bool:
    return telling.nothing_is_asked()


_KNOWN: Mapping[str, Callable[[Telling, int], bool]] = {
    "begins": Telling.payments_ended,
    "confirms": Telling.payment_is_open,
    "cancels": Telling.payment_is_open,
    "pays": _answers,
    "completes": _answers,
    "turns_back": _answers,
    "given_up": _ends,
    "accepted": _ends,
    "accepted_in_part": _ends,
    "gives_back": _all,
    "refunds": _all,
    "refund_settles": _answers,
    "refund_fails": _answers,
    "reroutes": _all,
    "dispute_opens": _answers,
    "dispute_ends": _answers,
    "settles": _all,
    "takes_back": _all,
}
"""What must be known before a deed: people decide by what they know, and what happens at the provider just happens."""
