"""Online payments by HTTP: begun, confirmed, told by the provider; its events, and nobody else's, are believed."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa
import stripe
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.app import create_app
from market.clock import utc_now
from market.db import Database
from market.payments import tasks
from market.payments.gateway import Gateway
from market.payments.models import OnlinePayment, ProviderCall, ProviderEvent
from market.payments.rules import CallStatus, EventStatus
from tests import factories
from tests.payments.till import CARD, Till, opened
from tests.stalls import Desk, Stalls
from tests.stripe_emulator.deliveries import Forgery

CONFIRM = {"payment_method": CARD, "return_url": "https://market.example.org/orders"}


@pytest.fixture
def till(db: Database, session: orm.Session) -> Iterator[Till]:
    with opened(db, session) as till:
        yield till


@pytest.fixture
def stalls(db: Database, session: orm.Session, till: Till) -> Iterator[Stalls]:
    with TestClient(create_app(db, vault=factories.VAULT, gateway=till.gateway)) as client:
        yield Stalls(client, session)


def group_of(stalls: Stalls) -> str:
    """Place 10 kg to be paid online; return its group's id."""
    group = stalls.orderer.made("/order-groups", stalls.wanted(funds_model="stripe"))
    return str(group["id"])


def begun(stalls: Stalls) -> dict[str, Any]:
    return dict(stalls.orderer.made(f"/order-groups/{group_of(stalls)}/online-payments"))


def looked_at(desk: Desk, payment: dict[str, Any]) -> dict[str, Any]:
    return dict(desk.get(f"/online-payments/{payment['id']}").json())


def unlike_the_books(till: Till) -> list[str]:
    """Return what doctor and auditor say but that the stalls sell what nobody brought in."""
    return [complaint for complaint in till.complaints() if not complaint.startswith("lot_is_covered")]


def test_a_buyer_begins_confirms_and_sees_that_it_is_paid(stalls: Stalls, till: Till) -> None:
    payment = begun(stalls)
    assert (payment["status"], payment["amount_fen"]) == ("creating", 10_000)
    opened_ = looked_at(stalls.orderer, payment)
    assert opened_["status"] == "open"
    assert opened_["client_secret"]
    stalls.orderer.made(f"/online-payments/{payment['id']}/confirmation", CONFIRM)
    till.work(sweep=True)
    assert looked_at(stalls.receiver, payment)["status"] == "captured"
    (listed,) = stalls.orderer.get("/online-payments", group_id=payment["group_id"], status="captured").json()["items"]
    assert listed == looked_at(stalls.auditor, payment)
    assert [part["amount_fen"] for part in listed["orders"]] == [10_000]
    assert unlike_the_books(till) == []


def test_two_clicks_with_one_key_are_one_payment(stalls: Stalls, till: Till) -> None:
    path = f"/order-groups/{group_of(stalls)}/online-payments"
    first, again = (stalls.orderer.post(path, key="once") for _ in range(2))
    assert (again.status_code, again.headers["idempotency-hit"], again.json()) == (201, "true", first.json())
    assert stalls.session.scalar(sa.select(sa.func.count()).select_from(OnlinePayment)) == 1
    assert len(list(till.client.v1.payment_intents.list().auto_paging_iter())) == 1


def test_a_second_tab_is_told_of_the_payment_that_is_open(stalls: Stalls, till: Till) -> None:
    path = f"/order-groups/{group_of(stalls)}/online-payments"
    first = stalls.orderer.made(path)
    second = stalls.orderer.post(path, **{"Accept-Language": "zh-CN"})
    assert (second.status_code, second.json()["code"]) == (409, "payment_open")
    assert (second.headers["content-type"], first["id"] in second.json()["detail"]) == (
        "application/problem+json",
        True,
    )
    assert second.json()["detail"].startswith("该采购单已有进行中的支付")
    assert len(list(till.client.v1.payment_intents.list().auto_paging_iter())) == 1


def test_a_payment_that_was_given_up_makes_room_for_another(stalls: Stalls) -> None:
    payment = begun(stalls)
    stalls.orderer.made(f"/online-payments/{payment['id']}/cancellation")
    assert looked_at(stalls.orderer, payment)["status"] == "cancelled"
    assert stalls.orderer.post(f"/online-payments/{payment['id']}/cancellation").json()["code"] == "payment_busy"
    assert stalls.orderer.post(f"/order-groups/{payment['group_id']}/online-payments").status_code == 201


def test_a_payment_is_begun_though_the_provider_does_not_answer(stalls: Stalls, till: Till) -> None:
    till.emulator.fail("cut_before", path="/v1/payment_intents")
    payment = begun(stalls)
    assert looked_at(stalls.orderer, payment)["status"] == "creating"
    till.later(minutes=2)
    till.work()
    assert looked_at(stalls.orderer, payment)["status"] == "open"


def post_to(client: TestClient) -> Any:
    """Return what stands for the market's address at the provider."""

    def receive(body: bytes, headers: dict[str, str]) -> int:
        answer = client.post("/v1/provider-events", content=body, headers=headers)
        assert answer.status_code == 202 or answer.json()["code"] == "event_forged", answer.text
        return answer.status_code

    return receive


def events(session: orm.Session) -> list[ProviderEvent]:
    return list(session.scalars(sa.select(ProviderEvent)))


@pytest.mark.parametrize("how", Forgery)
def test_an_event_that_is_not_the_providers_is_refused_and_not_kept(stalls: Stalls, till: Till, how: Forgery) -> None:
    endpoint = till.emulator.listen(post_to(stalls.client))
    begun(stalls)
    (waiting,) = till.emulator.deliveries.due()
    assert till.emulator.forge(how, waiting.event["id"], endpoint) == 400
    assert events(stalls.session) == []


def test_an_event_is_believed_for_five_minutes(stalls: Stalls, till: Till) -> None:
    body = (
        b'{"id":"evt_1","object":"event","type":"charge.succeeded","data":{"object":{"id":"ch_1","object":"charge"}}}'
    )
    for age, status in ((301, 400), (290, 202)):
        at = int(time.time()) - age
        signature = stripe.WebhookSignature.generate_signature_header(body.decode(), till.emulator.webhook_secret, at)
        answer = stalls.client.post("/v1/provider-events", content=body, headers={"Stripe-Signature": signature})
        assert answer.status_code == status, answer.text
    assert [event.id for event in events(stalls.session)] == ["evt_1"]


def test_a_genuine_event_is_kept_once_however_often_it_is_sent(stalls: Stalls, till: Till) -> None:
    till.emulator.listen(post_to(stalls.client))
    payment = begun(stalls)
    till.charge(stalls.session.get_one(OnlinePayment, payment["id"], populate_existing=True))
    for _ in range(3):
        till.emulator.deliveries.duplicate()
    sent = till.emulator.deliver()
    assert {attempt.status for attempt in sent} == {202}
    kept = events(stalls.session)
    assert len(sent) > len(kept) == len({attempt.event for attempt in sent})
    till.later(minutes=1)
    till.work()
    assert {event.status for event in kept} == {EventStatus.HANDLED}
    assert looked_at(stalls.orderer, payment)["status"] == "captured"
    assert unlike_the_books(till) == []


def test_an_event_about_a_thing_without_an_id_is_kept_and_leads_to_nothing(stalls: Stalls, till: Till) -> None:
    body = b'{"id":"evt_b","object":"event","type":"balance.available","data":{"object":{"object":"balance"}}}'
    signature = stripe.WebhookSignature.generate_signature_header(body.decode(), till.emulator.webhook_secret)
    answer = stalls.client.post("/v1/provider-events", content=body, headers={"Stripe-Signature": signature})
    assert (answer.status_code, answer.json()) == (202, {"kept": True})
    assert tasks.handle_events(till.db, till.gateway, utc_now()) == 1


def test_the_platform_and_a_supplier_connect_once_and_see_their_accounts(stalls: Stalls, till: Till) -> None:
    assert stalls.operator.post("/provider-account").json()["code"] == "bank_account_taken"
    assert stalls.manager.get("/provider-account").json()["code"] == "not_found"
    stalls.manager.made("/provider-account")
    seen = stalls.clerk.get("/provider-account").json()
    assert (seen["takes_transfers"], "external_account" in seen["due"]) == (False, True)
    assert stalls.manager.post("/provider-account").json()["code"] == "connected_once"
    page = stalls.manager.made("/provider-account/onboarding", {"return_url": "https://market.example.org/"})
    assert seen["number"] in page["url"]
    till.emulator.activate(seen["number"])
    till.later(minutes=11)
    till.work(sweep=True)
    assert stalls.clerk.get("/provider-account").json()["takes_transfers"]


def test_approved_the_provider_sends_back_what_came_by_it(stalls: Stalls, till: Till) -> None:
    payment = begun(stalls)
    stalls.orderer.made(f"/online-payments/{payment['id']}/confirmation", CONFIRM)
    till.work(sweep=True)
    order_id = payment["orders"][0]["order_id"]
    stalls.orderer.made(f"/orders/{order_id}/cancellation", {"reason": "无需"})
    (refund,) = stalls.orderer.made(f"/orders/{order_id}/refunds", {"reason": "无需"})["refunds"]
    assert refund["route"] == "provider"
    path = f"/refunds/{refund['id']}"
    assert stalls.clerk.post(f"{path}/decision", {"event": "approve"}).json()["code"] == "not_found"
    stalls.operator.made(f"{path}/decision", {"event": "approve"})
    shown = stalls.orderer.get(path).json()
    assert (shown["status"], [change["away_fen"] for change in shown["changes"]]) == ("succeeded", [0, 10_000, 0])
    by_bank = stalls.operator.post(f"{path}/failure", {"reason": "无"})
    assert (by_bank.status_code, by_bank.json()["code"]) == (422, "invalid_input")
    assert unlike_the_books(till) == []


def test_a_dispute_is_listed_for_those_who_read_the_cash_book(stalls: Stalls, till: Till) -> None:
    payment = begun(stalls)
    stalls.orderer.made(f"/online-payments/{payment['id']}/confirmation", CONFIRM)
    till.work(sweep=True)
    charge = stalls.session.get_one(OnlinePayment, payment["id"]).charge_id
    till.emulator.open_dispute(str(charge), amount=4_000)
    till.later(minutes=11)
    till.work(sweep=True)
    (dispute,) = stalls.auditor.get("/disputes").json()["items"]
    assert (dispute["payment_id"], dispute["amount_fen"], dispute["status"]) == (payment["id"], 4_000, "open")
    assert stalls.orderer.get("/disputes").status_code == 403


def test_without_a_provider_nothing_is_paid_online_and_no_event_is_believed(
    db: Database, session: orm.Session, till: Till
) -> None:
    with TestClient(create_app(db, vault=factories.VAULT)) as client:
        stalls = Stalls(client, session)
        path = f"/order-groups/{group_of(stalls)}/online-payments"
        said = {}
        for language in ("en", "zh-CN"):
            answer = stalls.orderer.post(path, **{"Accept-Language": language})
            assert (answer.status_code, answer.json()["code"]) == (503, "provider_off")
            assert answer.headers["content-type"] == "application/problem+json"
            said[language] = answer.json()["detail"]
        assert said == {
            "en": "This market is not connected to its payment provider now.",
            "zh-CN": "本平台当前未接入在线支付。",
        }
        assert client.post("/v1/provider-events", content=b"{}").json()["code"] == "provider_off"
    with (
        closing(Gateway(till.emulator.key, base_url=till.emulator.url)) as deaf,
        TestClient(create_app(db, gateway=deaf)) as client,
    ):
        answer = client.post("/v1/provider-events", content=b"{}")
        assert (answer.status_code, answer.json()["code"]) == (503, "provider_off")
    assert list(session.scalars(sa.select(ProviderCall).where(ProviderCall.status == CallStatus.DUE))) == []
