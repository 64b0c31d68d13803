"""Calls that are repeated, cut off, refused for a while, or answered with an error that stays."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.stripe_emulator.control import Emulator
from tests.stripe_emulator.scenes import calling, charge_of, pay, refused


def payments(client: stripe.StripeClient) -> int:
    return len(list(client.v1.payment_intents.list({"limit": 100}).auto_paging_iter()))


def test_without_its_memory_of_keys_the_emulator_charges_twice(emulator: Emulator, client: stripe.StripeClient) -> None:
    pay(client, key="order-1")
    pay(client, key="order-1")
    assert payments(client) == 1
    emulator.settings.forgets_keys = True
    pay(client, key="order-1")
    assert payments(client) == 2


def test_a_key_is_forgotten_after_a_day(emulator: Emulator, client: stripe.StripeClient) -> None:
    first = pay(client, key="order-1")
    emulator.advance(hours=23)
    assert pay(client, key="order-1").id == first.id
    emulator.advance(hours=1)
    assert pay(client, key="order-1").id != first.id


def test_what_is_refused_before_anything_is_done_leaves_the_key_free(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        pay(client, -1, key="order-1")
    assert pay(client, 500, key="order-1").status == "succeeded"


def test_a_declined_card_stays_declined_under_its_key(client: stripe.StripeClient) -> None:
    charges = set()
    for _ in range(2):
        with pytest.raises(stripe.CardError) as refusal:
            pay(client, method="pm_card_chargeDeclined", key="order-1")
        assert refusal.value.error
        charges.add(refusal.value.error.charge)
    assert len(charges) == 1


def test_a_key_of_one_account_is_no_key_of_another(emulator: Emulator, client: stripe.StripeClient) -> None:
    emulator.top_up(5_000)
    account = client.v1.accounts.create({"capabilities": {"transfers": {"requested": True}}}).id
    emulator.activate(account)
    client.v1.transfers.create({"amount": 5_000, "currency": "cny", "destination": account})
    for of in (None, account):
        options: stripe.RequestOptions = {"idempotency_key": "payout-1", "stripe_account": of}
        emulator.top_up(100)
        assert client.v1.payouts.create({"amount": 100, "currency": "cny"}, options).amount == 100


def test_the_same_key_at_the_same_time_is_in_use(emulator: Emulator) -> None:
    held = emulator.fail("slow", path="/v1/payment_intents")
    with ThreadPoolExecutor(1) as other, calling(emulator) as first, calling(emulator) as second:
        paying = other.submit(pay, first, 700, key="order-1")
        assert held.arrived.wait(10)
        with pytest.raises(stripe.APIError) as refusal:
            pay(second, 700, key="order-1")
        assert refused(refusal.value) == (409, "idempotency_key_in_use")
        held.released.set()
        made = paying.result()
        assert pay(second, 700, key="order-1").id == made.id


@pytest.mark.parametrize(
    ("failure", "happened"),
    [("cut_before", 0), ("cut_after", 1), ("timeout_before", 0), ("timeout_after", 1)],
)
def test_a_call_without_an_answer_may_have_happened(emulator: Emulator, failure: str, happened: int) -> None:
    with calling(emulator, timeout=0.2 if "timeout" in failure else 80) as client:
        emulator.fail(failure)
        with pytest.raises(stripe.APIConnectionError):
            pay(client, key="order-1")
        assert payments(client) == happened
        pay(client, key="order-1")
        assert payments(client) == 1


@pytest.mark.parametrize("failure", ["cut_before", "cut_after", "conflict", "unavailable"])
def test_the_sdk_repeats_what_failed_and_charges_once(emulator: Emulator, failure: str) -> None:
    with calling(emulator, retries=2) as client:
        emulator.fail(failure, path="/v1/payment_intents", times=2)
        assert pay(client).status == "succeeded"
        assert payments(client) == 1


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [("conflict", 409, "lock_timeout"), ("rate_limit", 429, "rate_limit"), ("unavailable", 503, None)],
)
def test_a_passing_refusal_leaves_the_key_free(
    emulator: Emulator, client: stripe.StripeClient, failure: str, status: int, code: str | None
) -> None:
    emulator.fail(failure)
    with pytest.raises(stripe.StripeError) as refusal:
        pay(client, key="order-1")
    assert refused(refusal.value) == (status, code)
    assert pay(client, key="order-1").status == "succeeded"


@pytest.mark.parametrize(("failure", "happened"), [("error_before", 0), ("error_after", 1)])
def test_a_stored_error_is_all_one_gets_under_its_key(emulator: Emulator, failure: str, happened: int) -> None:
    emulator.fail(failure)
    with calling(emulator, retries=2) as client:
        for replayed in (None, "true"):
            with pytest.raises(stripe.APIError) as refusal:
                pay(client, key="order-1")
            assert refusal.value.http_status == 500
            assert refusal.value.headers
            assert refusal.value.headers.get("Idempotent-Replayed") == replayed
        assert payments(client) == happened
        assert pay(client, key="order-2").status == "succeeded"


def test_a_failure_meets_also_a_call_whose_answer_is_known(emulator: Emulator, client: stripe.StripeClient) -> None:
    pay(client, key="order-1")
    emulator.fail("unavailable")
    with pytest.raises(stripe.APIError):
        pay(client, key="order-1")
    emulator.fail("unavailable")
    emulator.recover()
    assert pay(client, key="order-1").status == "succeeded"
    assert payments(client) == 1


def test_a_failure_waits_for_the_calls_it_is_meant_for(emulator: Emulator, client: stripe.StripeClient) -> None:
    emulator.fail("unavailable", path="/v1/refunds*", times=2)
    emulator.fail("unavailable", method="get", path="/v1/refunds/*")
    charge = charge_of(pay(client)).id
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.refunds.create({"charge": charge})
    refund = client.v1.refunds.create({"charge": charge})
    with pytest.raises(stripe.APIError):
        client.v1.refunds.retrieve(refund.id)
    assert client.v1.refunds.retrieve(refund.id).status == "succeeded"


def test_twenty_payments_at_once_are_twenty(client: stripe.StripeClient) -> None:
    with ThreadPoolExecutor(8) as payers:
        paid = list(payers.map(lambda number: pay(client, key=f"order-{number}").id, range(20)))
    assert len(set(paid)) == payments(client) == 20
