"""How the lines of the matrix about online payments, accounts at the provider, its events and refunds are asked for."""

import json
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
import stripe

from market.db import Database
from market.identity.models import Member
from market.identity.rules import Scope
from market.payments import connecting
from market.payments.gateway import Gateway
from market.payments.provider import AccountSeen
from market.payments.provider import Asked as Wanted
from market.settlements.models import Settlement
from tests import factories
from tests.access.ask import Ask, Asked, item, said, thing
from tests.access.places import LOGIN
from tests.stalls import TODAY
from tests.story import NOON

SECRET = "whsec_of_the_matrix"
"""Signs the provider's events."""
BACK = "https://market.example.org/orders"
PAYEE = {"name": "财政支付中心", "account": "14001234567890"}
EVENT = json.dumps(
    {
        "id": "evt_matrix",
        "object": "event",
        "type": "payment_intent.created",
        "data": {"object": {"id": "pi_matrix", "object": "payment_intent"}},
    }
)


def _signature(_: Asked) -> dict[str, str]:
    return {"Stripe-Signature": stripe.WebhookSignature.generate_signature_header(EVENT, SECRET)}


def _platform(db: Database, gateway: Gateway, _: Asked) -> None:
    """Connect the platform to its account."""
    with db.transaction() as session:
        member = session.scalars(sa.select(Member).where(Member.login == LOGIN)).one()
        operator = factories.actor(session, member, Scope.ALL)
        connecting.connect_platform(session, operator, gateway.account(), now=NOON)


def _platform_for_others(db: Database, gateway: Gateway, asked: Asked) -> None:
    """The platform's account is there before any supplier's; the operator asks for it itself."""
    if asked.role != "operator":
        _platform(db, gateway, asked)


def _both(db: Database, gateway: Gateway, asked: Asked) -> None:
    """Connect the platform and the supplier at home."""
    _platform(db, gateway, asked)
    with db.transaction() as session:
        member = session.get_one(Member, UUID(asked.home.supplier_member))
        call = connecting.connect(session, factories.actor(session, member), now=NOON)
        opened = gateway.ask(Wanted(call.operation, call.subject_id, call.params), key=uuid4().hex)
        assert isinstance(opened, AccountSeen)
        connecting.note(session, opened, now=NOON)


def _asked_back(db: Database, _: Gateway, asked: Asked) -> None:
    """Let the one who drafted the settlement want it back."""
    with db.transaction() as session:
        mine = sa.update(Settlement).where(Settlement.id == UUID(asked.place.returning_settlement))
        session.execute(mine.values(reversal_asked_by=Settlement.made_by))


def _refund(name: str, body: Any = None) -> dict[str, Ask]:
    """Return how what is done to a refund of this state is asked for: of one paid directly, and out of custody."""
    state, _, word = name.partition(" ")
    return {
        f"POST /v1/refunds/{{refund_id}}/{word} {state} {kind} refund": Ask(thing(f"{state}_{kind}"), body)
        for kind in ("direct", "custody")
    }


ONLINE: dict[str, Ask] = {
    "POST /v1/order-groups/{group_id}/online-payments online group": Ask(thing("online_group"), before=_platform),
    "POST /v1/online-payments/{payment_id}/confirmation open payment": Ask(
        thing("online_payment"), said(payment_method="pm_card_visa", return_url=BACK)
    ),
    "POST /v1/online-payments/{payment_id}/cancellation open payment": Ask(thing("online_payment")),
    "GET /v1/online-payments/{payment_id} open payment": Ask(thing("online_payment")),
    "GET /v1/online-payments payments": Ask(thing("online_payment"), lists=item()),
    "POST /v1/provider-account": Ask(before=_platform_for_others),
    "GET /v1/provider-account": Ask(before=_both),
    "POST /v1/provider-account/onboarding": Ask(body=said(return_url=BACK), before=_both),
    "GET /v1/provider-account/payouts": Ask(before=_both),
    "POST /v1/provider-account/payouts": Ask(body=said(amount_fen=100), before=_both),
    "GET /v1/provider-calls calls": Ask(thing("provider_call"), lists=item()),
    "POST /v1/provider-calls/{call_id}/retry parked call": Ask(thing("provider_call")),
    "POST /v1/provider-events/{event_id}/retry parked event": Ask(thing("provider_event")),
    "GET /v1/reconciliation": Ask(),
    "POST /v1/settlements/{settlement_id}/reversal returning settlement": Ask(thing("returning_settlement")),
    "POST /v1/settlements/{settlement_id}/reversal-decision settlement asked back": Ask(
        thing("returning_settlement"), said(event="approve"), before=_asked_back
    ),
    "POST /v1/provider-events": Ask(body=lambda _: EVENT.encode(), headers=_signature),
    "GET /v1/disputes disputes": Ask(thing("dispute"), lists=item()),
    "POST /v1/orders/{order_id}/refunds order paid directly": Ask(
        thing("paid_directly"), said(amount_fen=1, reason="订单取消")
    ),
    "POST /v1/orders/{order_id}/refunds order in custody": Ask(
        thing("paid_into_custody"), said(amount_fen=1, reason="订单取消")
    ),
    **_refund("requested decision", said(event="approve")),
    **_refund("approved sending", said(bank_name="工行")),
    **_refund("sent failure", said(reason="账户已销户")),
    **_refund("failed rerouting", said(payee=PAYEE, reason="改付新账户")),
    "POST /v1/refunds/{refund_id}/payment approved direct refund": Ask(
        thing("approved_direct"), said(bank_reference="ICBC-1", paid_on=TODAY)
    ),
    "POST /v1/bank-accounts/{account_id}/refund-files account": Ask(thing("bank_account"), said(form="csv")),
    "POST /v1/bank-accounts/{account_id}/refund-files custody account": Ask(thing("custody_account"), said(form="csv")),
    "GET /v1/refund-files/{file_id} file of direct refunds": Ask(thing("refund_file_direct")),
    "GET /v1/refund-files/{file_id} file of custody refunds": Ask(thing("refund_file_custody")),
    "GET /v1/refunds/{refund_id} requested direct refund": Ask(thing("requested_direct")),
    "GET /v1/refunds/{refund_id} requested custody refund": Ask(thing("requested_custody")),
    "GET /v1/refunds refunds": Ask(thing("sent_direct"), lists=item()),
}
