"""The primary facts of one supplier, as they were recorded: what the book is recomputed from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from market.audit.sharing_facts import DistributionFact, SecondFact

ASSISTED = frozenset({"registered_poor", "unstable", "marginal", "sudden_hardship"})
SELF_GROWN = frozenset({"order_purchase", "consignment", "contracting"})


class LineFact(NamedTuple):
    """An order line as it was placed."""

    id: UUID
    order_id: UUID
    plan_version_id: UUID
    plan_sha256: str
    unit_milli: int
    unit_price_fen: int
    tax_bp: int


class DrawFact(NamedTuple):
    """Cumulative milli-units of a lot before and after, of the whole."""

    lot_id: UUID
    before_milli: int
    after_milli: int
    whole_milli: int


class AcceptedFact(NamedTuple):
    """What was accepted of a line."""

    id: UUID
    line_id: UUID
    accepted_milli: int
    accepted_fen: int
    net_fen: int
    counts_on: date
    draws: Sequence[DrawFact]


class ReturnedFact(NamedTuple):
    """What came back of a line, or of a quantity of nothing, what was cut of its price."""

    id: UUID
    line_id: UUID
    quantity_milli: int
    amount_fen: int
    net_fen: int
    counts_on: date
    draws: Sequence[DrawFact]


class ReceivedFact(NamedTuple):
    """What of a buyer's transfer pays an order."""

    id: UUID
    order_id: UUID
    amount_fen: int


class PaymentFact(NamedTuple):
    """A payment to a household or a collective, perhaps for one contribution, or by purchase invoice."""

    id: UUID
    kind: str
    payee_id: UUID
    contribution_id: UUID | None
    amount_fen: int
    confirmed_at: datetime | None
    invoiced: bool

    def may_pay(self, mechanism: str | None) -> bool:
        """Tell whether its money may be for this: a purchase invoice is issued for what a farmer grew."""
        return not self.invoiced or mechanism in SELF_GROWN


class ReversedFact(NamedTuple):
    """A payment that its payee never had, and the day it was said to have been made on."""

    payment_id: UUID
    paid_on: date


class ContributionFact(NamedTuple):
    """What a household gave to a lot; what it consigned has basis points of what it brings in place of an amount.

    `carried_from` is the contribution of another lot of which it is a part.
    """

    id: UUID
    household_id: UUID
    mechanism: str
    amount_fen: int | None
    measure_milli: int
    proceeds_bp: int | None
    delivered_on: date
    carried_from: UUID | None


class LotFact(NamedTuple):
    """A lot: its quantity, what was moved into other lots, and what it was made of (milli)."""

    quantity_milli: int
    moved_milli: int
    made_of_milli: int


class EventKind(StrEnum):
    """What happens to the book of a supplier."""

    ACCEPTANCE = "acceptance"
    RECEIPT = "receipt"
    SETTLEMENT = "settlement"
    UNSETTLEMENT = "unsettlement"
    REFUND = "refund"
    RETURN = "return"
    PRICE_CUT = "price_cut"
    DISBURSEMENT = "disbursement"
    CONFIRMATION = "confirmation"
    PAYMENT_REVERSAL = "payment_reversal"
    DISTRIBUTION = "distribution"
    ANNULMENT = "annulment"
    SECOND_DISTRIBUTION = "second_distribution"
    SECOND_CONFIRMATION = "second_confirmation"


@dataclass(slots=True)
class Event:
    """A fact on a day, recorded at an instant; only one of what it may be about is filled.

    An annulment `annuls_list` or `annuls_contribution`.
    """

    kind: EventKind
    id: UUID
    order_id: UUID | None
    on: date
    now: datetime
    received: list[ReceivedFact] = field(default_factory=list)
    accepted: list[AcceptedFact] = field(default_factory=list)
    returned: list[ReturnedFact] = field(default_factory=list)
    payments: list[PaymentFact] = field(default_factory=list)
    reversed: ReversedFact | None = None
    distribution: DistributionFact | None = None
    annuls_list: UUID | None = None
    annuls_contribution: UUID | None = None
    approval_id: UUID | None = None
    second: SecondFact | None = None

    @property
    def made_id(self) -> UUID:
        """Return the identifier that was made when it happened: an annulment happens when it is approved."""
        return self.approval_id or self.id

    @property
    def trigger(self) -> str:
        """Return the name of the event in the sources of what it brings about."""
        return f"{self.kind}:{self.id}"

    def sources(self) -> list[str]:
        """Return the sources under which the event may post; what it matches adds one for each day."""
        if self.kind in {EventKind.RECEIPT, EventKind.SETTLEMENT}:
            return [f"recognition:{self.kind}:{fact.id}" for fact in self.received]
        if self.kind in {EventKind.UNSETTLEMENT, EventKind.REFUND}:
            words = ("unrecognition", "recognition")
            return [f"{word}:{self.kind}:{fact.id}" for word in words for fact in self.received]
        if self.kind not in {EventKind.ACCEPTANCE, EventKind.RETURN, EventKind.PRICE_CUT}:
            return [self.trigger]
        facts = [*(fact.id for fact in self.accepted), *(fact.id for fact in self.returned)]
        return [*(f"{self.kind}:{fact_id}" for fact_id in facts), f"recognition:{self.trigger}"]


class PlanFact(NamedTuple):
    """A plan version as stored."""

    number: int
    canonical: bytes
    sha256: str

    @property
    def hash(self) -> str:
        """Return the hash that the bytes have."""
        return sha256(self.canonical).hexdigest()

    @property
    def pools(self) -> Sequence[Mapping[str, Any]]:
        """Return the pools that the bytes promise."""
        pools: Sequence[Mapping[str, Any]] = json.loads(self.canonical)["pools"]
        return pools


@dataclass(slots=True)
class HouseholdFact:
    """A household on the register, its statuses in order of time."""

    registered_on: date
    departed_on: date | None
    statuses: list[tuple[date, str]] = field(default_factory=list)

    def on_register(self, day: date) -> bool:
        """Tell whether the register has the household on a day."""
        return self.registered_on <= day and (self.departed_on is None or day < self.departed_on)

    def assisted(self, day: date) -> bool:
        """Tell whether the register, as it is now, has it as assisted on a day."""
        held = [status for begins, status in self.statuses if begins <= day]
        return self.on_register(day) and bool(held) and held[-1] in ASSISTED

    def may_have_been(self, day: date) -> set[tuple[bool, bool]]:
        """Return `(on register, assisted)` as any earlier state of the register may have had them for a day.

        Statuses and departures are only ever added, in order of time, and may be recorded after the day they hold from.
        """
        if day < self.registered_on:
            return {(False, False)}
        held = [status for begins, status in self.statuses if begins <= day]
        states = {(True, status in ASSISTED) for status in held}
        return states if self.on_register(day) else states | {(False, False)}


@dataclass(slots=True)
class SupplierFacts:
    """Everything on record that a supplier's book follows from."""

    supplier_id: UUID
    lines: Mapping[UUID, LineFact]
    orders: Mapping[UUID, Sequence[UUID]]
    events: list[Event]
    contributions: Mapping[UUID, Sequence[ContributionFact]]
    lots: Mapping[UUID, LotFact]
    plans: Mapping[UUID, PlanFact]
    households: Mapping[UUID, HouseholdFact]
    taking_part: Mapping[tuple[str, UUID], frozenset[bool]]
