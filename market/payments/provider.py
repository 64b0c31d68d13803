"""What the payment provider says of its objects, in the market's words; only the gateway knows the provider's own."""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from market.payments.rules import DisputeStatus, OnlineStatus, Operation


class MovementSeen(NamedTuple):
    """A movement of the balance at the provider: gross, and the fee that the provider keeps of it, in fen."""

    id: str
    kind: str
    source_id: str
    amount_fen: int
    fee_fen: int
    booked_on: date
    available_on: date


class PaymentSeen(NamedTuple):
    """A buyer's payment; `our_id` is the market's, which the provider keeps beside its own."""

    id: str
    our_id: UUID | None
    status: OnlineStatus
    received_fen: int
    charge_id: str | None
    movement: MovementSeen | None
    client_secret: str
    next_url: str | None
    fault: str | None


class RefundStatus(StrEnum):
    """How far the provider is with a refund."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RefundSeen(NamedTuple):
    """A refund of a charge, and what it moved: out, and back in if it failed after all."""

    id: str
    our_id: UUID | None
    charge_id: str
    amount_fen: int
    status: RefundStatus
    fault: str | None
    movements: Sequence[MovementSeen]


class TransferSeen(NamedTuple):
    """Money sent on to a supplier's account at the provider, or taken back from there, as the operation says."""

    id: str
    our_id: UUID | None
    operation: Operation
    movement: MovementSeen | None


class AccountSeen(NamedTuple):
    """An account at the provider: whether it takes transfers and pays out, and what its owner still has to tell."""

    id: str
    our_id: UUID | None
    takes_transfers: bool
    pays_out: bool
    due: Sequence[str]


class PayoutSeen(NamedTuple):
    """Money on its way from an account at the provider to its owner's bank, in the provider's words."""

    id: str
    our_id: UUID | None
    amount_fen: int
    status: str
    arrives_on: date
    fault: str | None


class DisputeSeen(NamedTuple):
    """A payer's bank takes a charge back; what moved is the provider's word."""

    id: str
    status: DisputeStatus
    charge_id: str
    amount_fen: int
    reason: str
    opened_on: date
    movements: Sequence[MovementSeen]


Seen = PaymentSeen | RefundSeen | TransferSeen | AccountSeen | DisputeSeen | PayoutSeen


class EventSeen(NamedTuple):
    """A signed event, of which only the object that it is about is believed, and that is asked for again."""

    id: str
    kind: str
    object_id: str


class Asked(NamedTuple):
    """An operation on an object of ours, with what the provider is given for it."""

    operation: Operation
    subject_id: UUID
    params: Mapping[str, Any]


class ProviderError(Exception):
    """The provider was asked and did not do it; what that means differs by kind."""

    def __init__(self, code: str, told: str = "") -> None:
        """Keep the provider's code, and its words for whoever looks into it."""
        super().__init__(f"{code}: {told}")
        self.code, self.told = code, told


class RefusedError(ProviderError):
    """It will never do it: the card is refused, the account is closed, the amount is too much."""


class NoAnswerError(ProviderError):
    """It may have done it or not, or will do it when asked again: the same question under the same key is safe."""


class UnclearError(ProviderError):
    """It keeps its failure under the key; whether it did it, only looking it up can tell."""


class ForgedEventError(Exception):
    """An event that is not signed by the provider, for us, a short while ago."""
