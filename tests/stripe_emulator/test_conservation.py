"""Whatever is done in whatever order, no fen appears or disappears."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import stripe
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stripe_emulator.control import Emulator
from tests.stripe_emulator.scenes import calling, cooperative, pay
from tests.stripe_emulator.server import running
from tests.stripe_emulator.state import Thing

Deed = Callable[["Day", int], Any]

METHODS = (*["pm_card_bypassPending"] * 5, "pm_card_visa", "pm_card_pendingRefund", "pm_card_chargeDeclined")


class Day:
    """A platform with one cooperative, at which things are done to whatever there is."""

    def __init__(self, emulator: Emulator, client: stripe.StripeClient) -> None:
        self.emulator, self.client = emulator, client
        emulator.settings.fee_basis_points, emulator.settings.dispute_fee = 60, 1_500
        self.account = cooperative(client, emulator)
        self.of_account: stripe.RequestOptions = {"stripe_account": self.account}

    def last(self, kind: str, account: str = "acct_platform") -> Thing:
        """Return the newest object of a kind; without any, the deed is left undone."""
        things = list(self.emulator.world.each(account, kind))
        if not things:
            raise ValueError(kind)
        return things[-1]

    def pay(self, amount: int) -> None:
        pay(self.client, 3 * amount, method=METHODS[amount % len(METHODS)])

    def refund(self, amount: int) -> None:
        self.client.v1.refunds.create({"payment_intent": self.last("payment_intent")["id"], "amount": amount})

    def settle_refund(self, _: int) -> None:
        self.emulator.settle_refund(self.last("refund")["id"])

    def fail_refund(self, _: int) -> None:
        self.emulator.fail_refund(self.last("refund")["id"])

    def transfer(self, amount: int) -> None:
        self.client.v1.transfers.create({"amount": amount, "currency": "cny", "destination": self.account})

    def transfer_of_charge(self, amount: int) -> None:
        charge = self.last("charge")["id"]
        self.client.v1.transfers.create(
            {"amount": amount, "currency": "cny", "destination": self.account, "source_transaction": charge}
        )

    def reverse(self, amount: int) -> None:
        self.client.v1.transfers.reversals.create(self.last("transfer")["id"], {"amount": amount})

    def pay_out(self, amount: int) -> None:
        self.client.v1.payouts.create({"amount": amount, "currency": "cny"}, self.of_account)

    def fail_payout(self, _: int) -> None:
        self.emulator.fail_payout(self.last("payout", self.account)["id"])

    def cancel_payout(self, _: int) -> None:
        self.client.v1.payouts.cancel(self.last("payout", self.account)["id"], options=self.of_account)

    def dispute(self, _: int) -> None:
        self.emulator.open_dispute(self.last("charge")["id"])

    def win(self, _: int) -> None:
        self.emulator.win_dispute(self.last("dispute")["id"])

    def lose(self, _: int) -> None:
        self.client.v1.disputes.close(self.last("dispute")["id"])

    def wait(self, amount: int) -> None:
        self.emulator.advance(hours=amount % 50)


DEEDS: tuple[Deed, ...] = (
    *(Day.pay, Day.pay, Day.refund, Day.settle_refund, Day.fail_refund, Day.transfer, Day.transfer_of_charge),
    *(Day.reverse, Day.pay_out, Day.fail_payout, Day.cancel_payout, Day.dispute, Day.win, Day.lose, Day.wait),
)


@settings(max_examples=12)
@given(st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(1, 3_000)), min_size=10, max_size=30))
def test_no_fen_is_lost_or_made_by_any_sequence_of_deeds(deeds: list[tuple[Deed, int]]) -> None:
    with running() as emulator, calling(emulator) as client:
        day = Day(emulator, client)
        for deed, amount in deeds:
            with suppress(ValueError, stripe.CardError, stripe.InvalidRequestError):
                deed(day, amount)
            emulator.check()
        for name in emulator.world.books:
            held = client.v1.balance.retrieve(options={"stripe_account": name})
            listed = client.v1.balance_transactions.list({"limit": 100}, {"stripe_account": name})
            both = sum(each.amount for each in held.available) + sum(each.amount for each in held.pending)
            assert both == sum(each.net for each in listed.auto_paging_iter())
