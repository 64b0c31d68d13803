"""Connected accounts: transfers to them, back from them, and on to their banks."""

import pytest
import stripe

from tests.stripe_emulator.control import Emulator
from tests.stripe_emulator.scenes import available, charge_of, cooperative, pay, refused


def test_an_account_becomes_active_and_loses_it_again(emulator: Emulator, client: stripe.StripeClient) -> None:
    account = client.v1.accounts.create(
        {
            "country": "CN",
            "email": "he@example.org",
            "capabilities": {"transfers": {"requested": True}},
            "controller": {"losses": {"payments": "application"}, "stripe_dashboard": {"type": "express"}},
            "metadata": {"organisation": "7"},
        }
    )
    assert account.requirements
    assert account.requirements.currently_due
    emulator.activate(account.id, "transfers")
    active = client.v1.accounts.retrieve(account.id)
    assert active.capabilities
    assert (active.capabilities.transfers, active.payouts_enabled) == ("active", True)
    emulator.restrict(account.id)
    restricted = client.v1.accounts.retrieve(account.id)
    assert restricted.capabilities
    assert (restricted.capabilities.transfers, restricted.payouts_enabled) == ("inactive", False)
    renamed = client.v1.accounts.update(account.id, {"metadata": {"village": "3"}})
    assert renamed.metadata
    assert renamed.metadata.to_dict() == {"organisation": "7", "village": "3"}
    assert account.id in [each.id for each in client.v1.accounts.list().data]


def test_an_account_of_an_emulator_that_has_ended_is_admitted_under_its_id(
    emulator: Emulator, client: stripe.StripeClient
) -> None:
    for _ in range(2):
        assert emulator.admit("acct_elsewhere")["payouts_enabled"]
    pay(client)
    client.v1.transfers.create({"amount": 4_000, "currency": "cny", "destination": "acct_elsewhere"})
    assert available(client, "acct_elsewhere") == 4_000


def test_what_is_transferred_leaves_one_balance_and_reaches_the_other(
    emulator: Emulator, client: stripe.StripeClient
) -> None:
    pay(client)
    account = cooperative(client, emulator)
    transfer = client.v1.transfers.create(
        {"amount": 7_000, "currency": "cny", "destination": account, "transfer_group": "order-17"}
    )
    assert (available(client), available(client, account)) == (3_000, 7_000)
    found = client.v1.transfers.list({"transfer_group": "order-17", "created": {"gte": transfer.created}})
    assert [each.id for each in found.data] == [transfer.id]
    assert client.v1.transfers.list({"transfer_group": "order-18"}).data == []
    (movement,) = client.v1.balance_transactions.list(options={"stripe_account": account}).data
    assert (movement.type, movement.source) == ("payment", transfer.destination_payment)


def test_more_than_is_available_is_not_transferred(emulator: Emulator, client: stripe.StripeClient) -> None:
    pay(client, method="pm_card_visa")
    account = cooperative(client, emulator)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.transfers.create({"amount": 1, "currency": "cny", "destination": account})
    assert refused(refusal.value) == (400, "balance_insufficient")
    emulator.advance(days=2)
    client.v1.transfers.create({"amount": 10_000, "currency": "cny", "destination": account})


def test_a_charges_own_money_is_transferred_before_it_is_available_but_once(
    emulator: Emulator, client: stripe.StripeClient
) -> None:
    charge = charge_of(pay(client, method="pm_card_visa", group="order-9"))
    account = cooperative(client, emulator)
    transfer = client.v1.transfers.create(
        {"amount": 9_000, "currency": "cny", "destination": account, "source_transaction": charge.id}
    )
    assert (transfer.transfer_group, available(client, account)) == ("order-9", 0)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.transfers.create(
            {"amount": 1_001, "currency": "cny", "destination": account, "source_transaction": charge.id}
        )
    assert refusal.value.param == "amount"
    emulator.advance(days=2)
    assert (available(client), available(client, account)) == (1_000, 9_000)


def test_a_transfer_is_taken_back_in_parts_and_not_beyond(emulator: Emulator, client: stripe.StripeClient) -> None:
    pay(client)
    account = cooperative(client, emulator)
    transfer = client.v1.transfers.create({"amount": 5_000, "currency": "cny", "destination": account}).id
    first = client.v1.transfers.reversals.create(transfer, {"amount": 2_000})
    with pytest.raises(stripe.InvalidRequestError) as too_much:
        client.v1.transfers.reversals.create(transfer, {"amount": 3_001})
    assert too_much.value.param == "amount"
    rest = client.v1.transfers.reversals.create(transfer)
    with pytest.raises(stripe.InvalidRequestError, match="already fully reversed"):
        client.v1.transfers.reversals.create(transfer, {"amount": 1})
    assert [each.id for each in client.v1.transfers.reversals.list(transfer).data] == [rest.id, first.id]
    assert client.v1.transfers.reversals.retrieve(transfer, first.id).amount == 2_000
    other = client.v1.transfers.create({"amount": 100, "currency": "cny", "destination": account}).id
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.transfers.reversals.retrieve(other, first.id)
    client.v1.transfers.reversals.create(other)
    assert client.v1.transfers.retrieve(transfer).reversed
    assert (available(client), available(client, account)) == (10_000, 0)


def test_what_the_account_has_paid_out_cannot_be_taken_back(emulator: Emulator, client: stripe.StripeClient) -> None:
    pay(client)
    account = cooperative(client, emulator)
    transfer = client.v1.transfers.create({"amount": 5_000, "currency": "cny", "destination": account}).id
    payout = client.v1.payouts.create({"amount": 4_000, "currency": "cny"}, {"stripe_account": account})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.transfers.reversals.create(transfer)
    assert refused(refusal.value) == (400, "balance_insufficient")
    client.v1.transfers.reversals.create(transfer, {"amount": 1_000})
    assert (payout.status, available(client, account)) == ("pending", 0)


def test_payouts_arrive_fail_late_or_are_cancelled_in_time(emulator: Emulator, client: stripe.StripeClient) -> None:
    pay(client)
    account = cooperative(client, emulator)
    client.v1.transfers.create({"amount": 9_000, "currency": "cny", "destination": account})
    options: stripe.RequestOptions = {"stripe_account": account}
    arrived, failed, cancelled = (
        client.v1.payouts.create({"amount": 3_000, "currency": "cny"}, options).id for _ in range(3)
    )
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payouts.create({"amount": 1, "currency": "cny"}, options)
    assert refused(refusal.value) == (400, "balance_insufficient")
    emulator.arrive_payout(arrived)
    emulator.arrive_payout(failed)
    emulator.fail_payout(failed)
    client.v1.payouts.cancel(cancelled, options=options)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payouts.cancel(arrived, options=options)
    statuses = {each.id: each.status for each in client.v1.payouts.list(options=options).data}
    assert statuses == {arrived: "paid", failed: "failed", cancelled: "canceled"}
    assert available(client, account) == 6_000
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payouts.retrieve(arrived)


def test_books_that_do_not_add_up_are_noticed(emulator: Emulator, client: stripe.StripeClient) -> None:
    charge = charge_of(pay(client))
    account = cooperative(client, emulator)
    transfer = client.v1.transfers.create({"amount": 5_000, "currency": "cny", "destination": account})
    refund = client.v1.refunds.create({"charge": charge.id, "amount": 2_000})
    for id_, name, wrong in (
        (charge.id, "amount_captured", 9_999),
        (charge.id, "amount_captured", 1_000),
        (transfer.id, "amount", 4_999),
        (refund.id, "status", "failed"),
        (str(refund.balance_transaction), "amount", -1_999),
    ):
        kept = emulator.world.known(id_)
        right = kept[name]
        kept[name] = wrong
        with pytest.raises(AssertionError):
            emulator.check()
        kept[name] = right
    emulator.check()
