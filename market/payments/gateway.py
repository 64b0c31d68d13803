"""The way to Stripe: the only module that knows its SDK, whose version pins the version of the API.

It asks once and never by itself again: whoever calls it keeps the keys by which a second question is the first.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import stripe

from market.clock import business_date
from market.payments.provider import (
    AccountSeen,
    Asked,
    DisputeSeen,
    EventSeen,
    ForgedEventError,
    MovementSeen,
    NoAnswerError,
    PaymentSeen,
    PayoutSeen,
    RefundSeen,
    RefundStatus,
    RefusedError,
    Seen,
    TransferSeen,
    UnclearError,
)
from market.payments.rules import CURRENCY, DisputeStatus, OnlineStatus, Operation

CLOCKS_DIFFER = timedelta(days=1)
"""How far before it was asked for one looks for what an operation may have made."""
KEPT_ERROR = 500
"""The status that Stripe keeps under an idempotency key, and gives again."""
_TOO_MANY, _CONFLICT, _UNAUTHORISED, _FORBIDDEN = 429, 409, 401, 403
_WHOLE_CHARGE = "latest_charge.balance_transaction"
_REFUND_MOVEMENTS = ["balance_transaction", "failure_balance_transaction"]
_EXPANDED: Mapping[Operation, Mapping[str, list[str]]] = {
    Operation.REFUND: {"expand": _REFUND_MOVEMENTS},
    Operation.TRANSFER: {"expand": ["balance_transaction"]},
    Operation.REVERSE_TRANSFER: {"expand": ["balance_transaction"]},
}

_STATUS = {
    "processing": OnlineStatus.PROCESSING,
    "requires_capture": OnlineStatus.PROCESSING,
    "succeeded": OnlineStatus.CAPTURED,
    "canceled": OnlineStatus.CANCELLED,
}


class Gateway:
    """Stripe, with one secret key; `base_url` is another server that speaks as Stripe does."""

    def __init__(
        self, key: str, *, webhook_secret: str = "", base_url: str | None = None, timeout_seconds: float = 20
    ) -> None:
        """Connect on first use."""
        addresses: dict[str, str] = {"api": base_url} if base_url else {}
        self._secret = webhook_secret
        self._http = stripe.RequestsClient(timeout=timeout_seconds)
        self._client = stripe.StripeClient(
            key,
            base_addresses=cast("Any", addresses),
            http_client=self._http,
            max_network_retries=0,
        )

    def close(self) -> None:
        """Drop the connections."""
        self._http.close()  # type: ignore[no-untyped-call] # so is the SDK

    @property
    def hears(self) -> bool:
        """Tell whether events can be believed at all: without a secret anybody could sign them."""
        return bool(self._secret)

    def ask(self, asked: Asked, *, key: str) -> Seen:
        """Have something done; raises `RefusedError`, `NoAnswerError` or `UnclearError`."""
        v1, params = self._client.v1, _named(asked)
        options: stripe.RequestOptions = {"idempotency_key": key}
        having: dict[Operation, Callable[[Any], Seen]] = {
            Operation.CREATE_PAYMENT: lambda given: _payment(v1.payment_intents.create(given, options)),
            Operation.CONFIRM_PAYMENT: lambda given: _payment(
                v1.payment_intents.confirm(given.pop("payment"), given, options)
            ),
            Operation.CANCEL_PAYMENT: lambda given: _payment(
                v1.payment_intents.cancel(given.pop("payment"), given, options)
            ),
            Operation.REFUND: lambda given: _refund(v1.refunds.create(given, options)),
            Operation.TRANSFER: lambda given: _transfer(v1.transfers.create(given, options)),
            Operation.REVERSE_TRANSFER: lambda given: _transfer(
                v1.transfers.reversals.create(given.pop("transfer"), given, options)
            ),
            Operation.OPEN_ACCOUNT: lambda given: _account(v1.accounts.create(given, options)),
            Operation.PAYOUT: lambda given: _payout(
                v1.payouts.create(given, {**options, "stripe_account": given.pop("account")})
            ),
        }
        try:
            return having[asked.operation]({**params, **_EXPANDED.get(asked.operation, {})})
        except stripe.StripeError as error:
            raise _meaning(error) from error

    def find(self, asked: Asked, *, since: datetime) -> Seen | None:
        """Look for what an operation may have made, by the market's id that it carries; raises `NoAnswerError`."""
        v1 = self._client.v1
        window = {"created": {"gte": int((since - CLOCKS_DIFFER).timestamp())}, "limit": 100}
        listing: dict[Operation, Any] = {
            Operation.CREATE_PAYMENT: lambda: v1.payment_intents.list(cast("Any", window)),
            Operation.REFUND: lambda: v1.refunds.list({"charge": asked.params["charge"]}),
            Operation.TRANSFER: lambda: v1.transfers.list({"transfer_group": asked.params["transfer_group"]}),
            Operation.REVERSE_TRANSFER: lambda: v1.transfers.reversals.list(asked.params["transfer"]),
            Operation.OPEN_ACCOUNT: lambda: v1.accounts.list(cast("Any", window)),
            Operation.PAYOUT: lambda: v1.payouts.list(cast("Any", window), {"stripe_account": asked.params["account"]}),
        }
        try:
            if asked.operation in {Operation.CONFIRM_PAYMENT, Operation.CANCEL_PAYMENT}:
                payment = self.payment(asked.params["payment"])
                return payment if _is_done(asked.operation, payment) else None
            for each in listing[asked.operation]().auto_paging_iter():
                if _our_id(each) == asked.subject_id:
                    return self._whole(each)
        except stripe.StripeError as error:
            raise NoAnswerError(str(error.code or error.http_status), str(error)) from error
        return None

    def _whole(self, found: Any) -> Seen:
        """Read an object that a list told of again, with its movements."""
        match found:
            case stripe.PaymentIntent():
                return self.payment(found.id)
            case stripe.Refund():
                return self.refund(found.id)
            case stripe.Account():
                return _account(found)
            case stripe.Transfer():
                return self.transfer(found.id)
            case stripe.Payout():
                return _payout(found)
            case _:
                return _transfer(
                    self._client.v1.transfers.reversals.retrieve(
                        str(found.transfer), found.id, {"expand": ["balance_transaction"]}
                    )
                )

    def payment(self, payment_id: str) -> PaymentSeen:
        """Return a payment as it is now."""
        return _payment(self._read(self._client.v1.payment_intents.retrieve, payment_id, [_WHOLE_CHARGE]))

    def payment_of_charge(self, charge_id: str) -> PaymentSeen | None:
        """Return the payment that a charge belongs to, if it belongs to one."""
        charge = self._read(self._client.v1.charges.retrieve, charge_id, [])
        return self.payment(str(charge.payment_intent)) if charge.payment_intent else None

    def refund(self, refund_id: str) -> RefundSeen:
        """Return a refund as it is now."""
        return _refund(self._read(self._client.v1.refunds.retrieve, refund_id, _REFUND_MOVEMENTS))

    def transfer(self, transfer_id: str) -> TransferSeen:
        """Return a transfer as it is now."""
        return _transfer(self._read(self._client.v1.transfers.retrieve, transfer_id, ["balance_transaction"]))

    def dispute(self, dispute_id: str) -> DisputeSeen:
        """Return a dispute as it is now."""
        return _dispute(self._read(self._client.v1.disputes.retrieve, dispute_id, []))

    def account(self, account_id: str | None = None) -> AccountSeen:
        """Return an account as it is now; the platform's own, if none is named."""
        if account_id is None:
            return _account(self._read(lambda _, params: self._client.v1.accounts.retrieve_current(params), "", []))
        return _account(self._read(self._client.v1.accounts.retrieve, account_id, []))

    def onboarding_url(self, account_id: str, *, return_url: str) -> str:
        """Return the page on which an account's owner tells the provider what it asks; it lasts some minutes."""
        params: stripe.params.AccountLinkCreateParams = {
            "account": account_id,
            "type": "account_onboarding",
            "refresh_url": return_url,
            "return_url": return_url,
        }
        try:
            return self._client.v1.account_links.create(params).url
        except stripe.StripeError as error:
            raise _meaning(error) from error

    def payouts(self, account_id: str) -> list[PayoutSeen]:
        """Return the last payouts of an account to its owner's bank, newest first."""
        try:
            found = self._client.v1.payouts.list({"limit": 100}, {"stripe_account": account_id})
        except stripe.StripeError as error:
            raise NoAnswerError(str(error.code or error.http_status), str(error)) from error
        return [_payout(each) for each in found.data]

    def movements(self, since: date) -> Iterator[MovementSeen]:
        """Yield what moved on the platform's balance since a day, newest first; raises `NoAnswerError`."""
        yield from map(_movement, self._listed(self._client.v1.balance_transactions.list, since, currency=CURRENCY))

    def disputes(self, since: date) -> Iterator[DisputeSeen]:
        """Yield the disputes that were opened since a day."""
        yield from map(_dispute, self._listed(self._client.v1.disputes.list, since))

    def balance_fen(self) -> int:
        """Return what the platform has at the provider, available or not yet."""
        balance = self._read(lambda _, params: self._client.v1.balance.retrieve(params), "", [])
        return sum(each.amount for each in [*balance.available, *balance.pending] if each.currency == CURRENCY)

    def _listed(self, listing: Any, since: date, **filters: Any) -> Iterator[Any]:
        began = int(datetime.fromisoformat(f"{since}T00:00:00+08:00").timestamp())
        try:
            yield from listing({"created": {"gte": began}, "limit": 100, **filters}).auto_paging_iter()
        except stripe.StripeError as error:
            raise NoAnswerError(str(error.code or error.http_status), str(error)) from error

    def _read(self, read: Any, object_id: str, expand: list[str]) -> Any:
        """Read an object; raises `RefusedError` for one that is not there, `NoAnswerError` if one may ask again."""
        try:
            return read(object_id, {"expand": expand} if expand else {})
        except stripe.InvalidRequestError as error:
            raise RefusedError(str(error.code or error.http_status), str(error)) from error
        except stripe.StripeError as error:
            raise NoAnswerError(str(error.code or error.http_status), str(error)) from error

    def event(self, body: bytes, signature: str) -> EventSeen:
        """Return what an event is about; raises `ForgedEventError` for one that is not signed for us, or is stale."""
        try:
            event = stripe.Webhook.construct_event(body, signature, self._secret)
            about = event.data.object
            return EventSeen(event.id, event.type, getattr(about, "id", ""))  # a balance has no id
        except (ValueError, AttributeError, KeyError, TypeError, stripe.SignatureVerificationError) as error:
            raise ForgedEventError(str(error)) from error


def _is_done(operation: Operation, payment: PaymentSeen) -> bool:
    """Tell whether a payment shows that it was confirmed or cancelled: one that is open as before shows neither."""
    if payment.status is not OnlineStatus.OPEN:
        return True
    return operation is Operation.CONFIRM_PAYMENT and bool(payment.next_url or payment.fault)


def _named(asked: Asked) -> dict[str, Any]:
    """Return the parameters, with the market's id in what the provider keeps for us."""
    params = dict(asked.params)
    if asked.operation not in {Operation.CONFIRM_PAYMENT, Operation.CANCEL_PAYMENT}:
        params["metadata"] = {**params.get("metadata", {}), "market_id": str(asked.subject_id)}
    return params


def _our_id(thing: Any) -> UUID | None:
    told = _plain(thing.metadata).get("market_id")
    try:
        return UUID(told) if told else None
    except ValueError:
        return None


def _plain(thing: stripe.StripeObject | None) -> dict[str, Any]:
    return thing.to_dict() if thing else {}


def _meaning(error: stripe.StripeError) -> RefusedError | NoAnswerError | UnclearError:
    """Say what a failure means for what was asked."""
    code, told = str(error.code or type(error).__name__), str(error.user_message or error)
    status = error.http_status
    if status == KEPT_ERROR:
        return UnclearError(code, told)
    if status is None or status > KEPT_ERROR or status in {_TOO_MANY, _CONFLICT, _UNAUTHORISED, _FORBIDDEN}:
        return NoAnswerError(code, told)
    return RefusedError(code, told)


def _day(timestamp: int) -> date:
    return business_date(datetime.fromtimestamp(timestamp).astimezone())


def _movement(told: Any) -> MovementSeen:
    if told.currency != CURRENCY:
        raise NoAnswerError("foreign_currency", f"{told.id} is in {told.currency}")
    return MovementSeen(
        told.id, told.type, str(told.source), told.amount, told.fee, _day(told.created), _day(told.available_on)
    )


def _payment(told: stripe.PaymentIntent) -> PaymentSeen:
    charge = told.latest_charge if isinstance(told.latest_charge, stripe.Charge) else None
    movement = charge.balance_transaction if charge else None
    return PaymentSeen(
        id=told.id,
        our_id=_our_id(told),
        status=_STATUS.get(told.status, OnlineStatus.OPEN),
        received_fen=told.amount_received,
        charge_id=charge.id if charge else cast("str | None", told.latest_charge),
        movement=_movement(movement) if isinstance(movement, stripe.BalanceTransaction) else None,
        client_secret=told.client_secret or "",
        next_url=_next_url(_plain(told.next_action)),
        fault=told.last_payment_error.message if told.last_payment_error else None,
    )


def _next_url(action: Mapping[str, Any]) -> str | None:
    """Return where the payer goes on: to the wallet's page, or to the picture of its code."""
    if not action:
        return None
    told = action.get(action["type"]) or {}
    return cast("str | None", told.get("url") or told.get("image_url_png") or told.get("hosted_instructions_url"))


def _refund(told: stripe.Refund) -> RefundSeen:
    status = {"succeeded": RefundStatus.SUCCEEDED, "failed": RefundStatus.FAILED, "canceled": RefundStatus.FAILED}
    movements = [told.balance_transaction, getattr(told, "failure_balance_transaction", None)]
    return RefundSeen(
        told.id,
        _our_id(told),
        str(told.charge),
        told.amount,
        status.get(told.status or "", RefundStatus.PENDING),
        getattr(told, "failure_reason", None),
        [_movement(each) for each in movements if isinstance(each, stripe.BalanceTransaction)],
    )


def _transfer(told: stripe.Transfer | stripe.TransferReversal) -> TransferSeen:
    movement = told.balance_transaction
    operation = Operation.TRANSFER if isinstance(told, stripe.Transfer) else Operation.REVERSE_TRANSFER
    seen = _movement(movement) if isinstance(movement, stripe.BalanceTransaction) else None
    return TransferSeen(told.id, _our_id(told), operation, seen)


def _account(told: stripe.Account) -> AccountSeen:
    due = told.requirements.currently_due if told.requirements else None
    return AccountSeen(
        told.id,
        _our_id(told),
        _plain(told.capabilities).get("transfers") == "active",
        bool(told.payouts_enabled),
        list(due or ()),
    )


def _payout(told: stripe.Payout) -> PayoutSeen:
    return PayoutSeen(told.id, _our_id(told), told.amount, told.status, _day(told.arrival_date), told.failure_message)


def _dispute(told: stripe.Dispute) -> DisputeSeen:
    ends = {"won": DisputeStatus.WON, "warning_closed": DisputeStatus.WON, "prevented": DisputeStatus.WON}
    status = {**ends, "lost": DisputeStatus.LOST}.get(told.status, DisputeStatus.OPEN)
    return DisputeSeen(
        told.id,
        status,
        str(told.charge),
        told.amount,
        told.reason,
        _day(told.created),
        [_movement(each) for each in told.balance_transactions],
    )
