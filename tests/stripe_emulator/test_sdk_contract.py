"""The contract is the SDK's own, whole, and the emulator is held to it like any caller."""

import pytest
import stripe

from tests.stripe_emulator import contract
from tests.stripe_emulator.control import Emulator
from tests.stripe_emulator.emulated import OPERATIONS, Operation
from tests.stripe_emulator.refusals import Refusal
from tests.stripe_emulator.scenes import calling, charge_of, live, pay, refused


def emulated() -> list[tuple[contract.Route, Operation]]:
    by_path: dict[tuple[str, str], contract.Route] = {(route.method, route.path): route for route in contract.routes()}
    return [(by_path[key], operation) for key, operation in OPERATIONS.items()]


def test_the_sdk_is_read_whole_and_everything_emulated_is_in_it() -> None:
    assert len(contract.routes()) > 600
    assert len(emulated()) >= 40


def test_the_types_of_everything_emulated_are_read_from_the_sdk() -> None:
    for route, _ in emulated():
        with pytest.raises(Refusal):
            route.read({"no_such_parameter": "1"})
        assert route.faults_of({"object": "nothing of the kind"}), route


def test_everything_honoured_is_a_parameter_of_stripe() -> None:
    for route, operation in emulated():
        assert operation.honours <= route.takes | {"expand"}, route


@pytest.mark.parametrize(
    ("sent", "code", "parameter"),
    [
        ({"amount": "ten", "currency": "cny"}, "parameter_invalid_integer", "amount"),
        ({"currency": "cny"}, "parameter_missing", "amount"),
        ({"amount": "1", "currency": "cny", "colour": "red"}, "parameter_unknown", "colour"),
        (
            {"amount": "1", "currency": "cny", "automatic_payment_methods": {"enabled": "true", "maybe": "1"}},
            "parameter_unknown",
            "automatic_payment_methods[maybe]",
        ),
        ({"amount": "1", "currency": "cny", "capture_method": "sometimes"}, None, "capture_method"),
    ],
)
def test_parameters_that_stripe_does_not_take_are_refused_by_name(
    sent: dict[str, str], code: str | None, parameter: str
) -> None:
    route, _ = contract.find("post", "/v1/payment_intents") or pytest.fail("not found")
    with pytest.raises(Refusal) as refusal:
        route.read(sent)
    assert (refusal.value.error.get("code"), refusal.value.error["param"]) == (code, parameter)


@pytest.mark.parametrize(
    "harm",
    [{"amount": "ten"}, {"status": "done"}, {"colour": "red"}, {"refunds": []}, {"outcome": {"type": None}}],
)
def test_an_object_that_does_not_fit_the_sdk_never_leaves(
    emulator: Emulator, client: stripe.StripeClient, harm: dict[str, object]
) -> None:
    id_ = charge_of(pay(client)).id
    kept = emulator.world.known(id_)
    before = dict(kept)
    kept.update(harm)
    with pytest.raises(stripe.APIError, match="does not fit the SDK's type") as refusal:
        client.v1.charges.retrieve(id_)
    assert refused(refusal.value) == (500, "misshapen")
    kept.clear()
    kept.update(before)
    assert client.v1.charges.retrieve(id_).id == id_


def test_a_missing_field_is_seen_too(emulator: Emulator, client: stripe.StripeClient) -> None:
    intent = pay(client)
    kept = emulator.world.known(intent.id)
    currency = kept.pop("currency")
    with pytest.raises(stripe.APIError, match="currency"):
        client.v1.payment_intents.retrieve(intent.id)
    kept["currency"] = currency


def test_a_mistake_of_the_emulators_own_is_told(emulator: Emulator, client: stripe.StripeClient) -> None:
    charge = charge_of(pay(client)).id
    kept = emulator.world.known(charge)
    amount = kept.pop("amount_refunded")
    with pytest.raises(stripe.APIError, match=r"KeyError.*amount_refunded") as refusal:
        client.v1.refunds.create({"charge": charge}, {"idempotency_key": "refund-1"})
    assert refused(refusal.value) == (500, "emulator_failed")
    kept["amount_refunded"] = amount
    assert client.v1.refunds.create({"charge": charge}, {"idempotency_key": "refund-1"}).status == "succeeded"


def test_what_stripe_has_and_the_emulator_has_not_is_no_success(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.APIError, match="POST /v1/customers") as refusal:
        client.v1.customers.create({"name": "王芳"})
    assert refused(refusal.value) == (501, "not_emulated")
    with pytest.raises(stripe.APIError, match="the parameter customer of") as refusal:
        client.v1.payment_intents.create({"amount": 1, "currency": "cny", "customer": "cus_1"})
    assert refused(refusal.value) == (501, "not_emulated")
    pay(client)
    with pytest.raises(stripe.APIError, match="expansion") as refusal:
        client.v1.charges.list({"expand": ["data.refunds"]})
    assert refused(refusal.value) == (501, "not_emulated")


def test_a_live_key_is_never_used() -> None:
    with pytest.raises(ValueError, match="test mode"), live("sk_live_of_somebody"):
        pass


def test_what_stripe_has_not_either_is_not_found(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL") as refusal:
        client.raw_request("post", "/v1/wishes")
    assert refused(refusal.value) == (404, None)


def test_a_wrong_key_another_version_and_a_foreign_account_are_refused(
    emulator: Emulator, client: stripe.StripeClient
) -> None:
    with calling(emulator, key="sk_test_guessed") as stranger, pytest.raises(stripe.AuthenticationError) as refusal:
        stranger.v1.balance.retrieve()
    assert refusal.value.http_status == 401
    with pytest.raises(stripe.APIError, match="API version"):
        client.v1.balance.retrieve(options={"stripe_version": "2020-08-27"})
    with pytest.raises(stripe.PermissionError) as refusal_of_account:
        client.v1.balance.retrieve(options={"stripe_account": "acct_of_nobody"})
    assert refused(refusal_of_account.value)[0] == 403
