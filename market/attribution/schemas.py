"""What goes in and out over HTTP: reach, disbursements, confirmations."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from market.api import (
    Count,
    Day,
    Fen,
    Flag,
    LongText,
    PageQuery,
    PositiveCount,
    PositiveFen,
    RegionCode,
    Schema,
    Sha256Hex,
    SignedFen,
    Text,
    form,
)
from market.attribution.rules import PAYEES, Kind, Means, Settlement, Share
from market.benefits.rules import MECHANISMS, IncomeClass, Mechanism

Id = Annotated[UUID, Field(examples=["0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a"])]

Median = Annotated[
    Fen,
    Field(description="lower median of what each of those counted is brought: beside a count, it shows crumbs"),
]


class MechanismReachOut(Schema):
    """What one mechanism brings."""

    mechanism: Annotated[Mechanism, Field(examples=["order_purchase"])]
    name: Annotated[str, Field(examples=["订单收购"])]
    income_class: Annotated[IncomeClass, Field(examples=["operating"])]
    payees: Count
    median_fen: Median
    fen: Fen
    assisted_fen: Fen


class ReachOut(Schema):
    """Whom it reaches. Accrued amounts: not yet paid by the buyer, not yet paid to the household.

    Only who is brought more than 0 fen is counted.
    """

    households: Count
    assisted_households: Count
    household_median_fen: Median
    collectives: Count
    mechanisms: list[MechanismReachOut]
    retained_fen: Fen
    pool_fen: Fen
    suspense_fen: Fen
    top_up_fen: Fen


def reach_out(shares: Iterable[tuple[Share, int]], top_ups: Iterable[tuple[Share, int]] = ()) -> ReachOut:
    """Sum shares of any number of lines; a household counts once, with all it is brought, and only above 0 fen.

    Top-ups stand apart: they are not income that the lines bring.
    """
    listed = list(shares)
    by_mechanism: dict[Mechanism, list[tuple[Share, int]]] = defaultdict(list)
    for share, fen in listed:
        if share.mechanism and share.kind in PAYEES:
            by_mechanism[Mechanism(share.mechanism)].append((share, fen))
    households = _by_payee((share, fen) for share, fen in listed if share.kind is Kind.HOUSEHOLD)
    return ReachOut(
        households=len(households),
        assisted_households=len(_by_payee((share, fen) for share, fen in listed if share.assisted)),
        household_median_fen=_median(households),
        collectives=len(_by_payee((share, fen) for share, fen in listed if share.kind is Kind.COLLECTIVE)),
        mechanisms=[_mechanism_out(mechanism, own) for mechanism, own in sorted(by_mechanism.items())],
        retained_fen=sum(fen for share, fen in listed if share.kind is Kind.RETAINED),
        pool_fen=sum(fen for share, fen in listed if share.kind is Kind.POOL),
        suspense_fen=sum(fen for share, fen in listed if share.kind is Kind.SUSPENSE),
        top_up_fen=sum(fen for _, fen in top_ups),
    )


def _by_payee(shares: Iterable[tuple[Share, int]]) -> list[int]:
    """Return what each payee is brought in all, the least first; who is brought nothing is left out."""
    sums: dict[UUID, int] = defaultdict(int)
    for share, fen in shares:
        sums[share.owner_id] += fen
    return sorted(fen for fen in sums.values() if fen > 0)


def _median(amounts: Sequence[int]) -> int:
    """Return the lower median of rising amounts: half of them, or more, are at most this."""
    return amounts[(len(amounts) - 1) // 2] if amounts else 0


def _mechanism_out(mechanism: Mechanism, shares: Sequence[tuple[Share, int]]) -> MechanismReachOut:
    payees = _by_payee(shares)
    return MechanismReachOut(
        mechanism=mechanism,
        name=MECHANISMS[mechanism].name,
        income_class=MECHANISMS[mechanism].income_class,
        payees=len(payees),
        median_fen=_median(payees),
        fen=sum(fen for _, fen in shares),
        assisted_fen=sum(fen for share, fen in shares if share.assisted),
    )


InvoiceNumber = Annotated[
    str,
    form(
        r"^[0-9]{20}$",
        "the number of an e-invoice (type 16): 20 digits",
        "数电发票(农产品收购)号码,20 位数字",
        example="24142000000012345678",
    ),
]


class PaymentIn(Schema):
    """One payment: to whom, how much, and the bank line or purchase invoice that proves it."""

    payee_kind: Annotated[Literal["household", "collective"], Field(examples=["household"])] = "household"
    payee_id: Id
    amount_fen: PositiveFen
    reference: Annotated[Text, Field(examples=["B20260302-000017"])]
    contribution_id: Id | None = None
    invoice_number: InvoiceNumber | None = None


EvidenceIds = Annotated[
    list[Id], Field(max_length=20, description="files uploaded before, each of which proves one thing alone")
]


class Disburse(Schema):
    """Payments that a supplier made on one day."""

    paid_on: Day
    method: Annotated[
        Literal["bank_transfer", "purchase_invoice", "cash"],
        Field(
            examples=["bank_transfer"],
            description="by purchase invoice, the reference is its number; cash is recorded as a list that a second"
            " person countersigns, and refused here",
        ),
    ]
    evidence: Annotated[LongText, Field(examples=["银行代发回单 20260302-01"])]
    evidence_ids: EvidenceIds = Field(default_factory=list)
    payments: Annotated[list[PaymentIn], Field(min_length=1, max_length=1000)]


class PaymentOut(Schema):
    """What a payment settled: shares that orders brought, top-ups, and the rest as an advance."""

    id: Id | None
    payee_kind: Annotated[Literal["household", "collective"], Field(examples=["household"])]
    payee_id: Id
    amount_fen: Fen
    reference: Text
    settled_fen: Fen
    top_up_fen: Fen
    advance_fen: Fen
    on_open_lists_fen: Annotated[
        Fen, Field(examples=[0], description="what the supplier's open lists hold for this payee besides")
    ]


class DisbursementOut(Schema):
    """A batch of payments; without an id it is what a dry run would do."""

    id: Id | None
    paid_on: Day
    amount_fen: Fen
    payments: list[PaymentOut]


def payment_out(payment_id: UUID | None, settlement: Settlement, on_open_lists: Mapping[UUID, int]) -> PaymentOut:
    """Say what a payment did, and what lists that are still open hold for its payee (fen)."""
    payment = settlement.payment
    return PaymentOut(
        id=payment_id,
        payee_kind="household" if payment.kind is Kind.HOUSEHOLD else "collective",
        payee_id=payment.payee_id,
        amount_fen=payment.amount_fen,
        reference=payment.reference,
        settled_fen=settlement.settled_fen,
        top_up_fen=settlement.top_up_fen,
        advance_fen=settlement.advance_fen,
        on_open_lists_fen=on_open_lists.get(payment.payee_id, 0),
    )


class PaymentQuery(PageQuery):
    """Which payments to list."""

    payee_id: Id | None = None
    confirmed: Annotated[bool | None, Field(examples=[False])] = None


class ConfirmationOut(Schema):
    """How a payee's word came that it has the money.

    `village_clerk`: the clerk says so for the household. `household_code`: somebody typed the code on the household's
    paper. Who printed that paper has seen the code; it is told to county and audit, and is null for the supplier.
    """

    means: Annotated[Means, Field(examples=["household_code"])]
    confirmed_at: Annotated[datetime, Field(examples=["2026-03-05T08:00:00Z"])]
    made_by: Annotated[UUID | None, Field(examples=[None], description="the village clerk")]
    code_issued_by: Id | None
    code_issued_at: Annotated[datetime | None, Field(examples=["2026-03-04T08:00:00Z"])]
    evidence_ids: list[Id]


class PaymentListed(Schema):
    """A payment as listed."""

    id: Id
    disbursement_id: Id
    supplier_id: Id
    household_id: Id | None
    collective_id: Id | None
    contribution_id: Id | None
    amount_fen: Fen
    reference: Text
    invoice_number: InvoiceNumber | None
    paid_on: Annotated[date, Field(examples=["2026-03-02"])]
    recorded_at: Annotated[datetime, Field(examples=["2026-03-02T04:00:00Z"])]
    confirmed_at: Annotated[datetime | None, Field(examples=["2026-03-05T08:00:00Z"])]
    reversed_at: Annotated[datetime | None, Field(examples=[None], description="its payee never had it")]
    confirmation: ConfirmationOut | None


class ReceivedOut(Schema):
    """A payment to the household, or below zero the reversal of one (`reverses_id`), on the day it is booked.

    `means` says by whose word the household has the money, null while nobody has said so.
    """

    id: Id
    supplier_id: Id
    supplier_name: Annotated[str, Field(examples=["交城县富山种植专业合作社"])]
    paid_on: Annotated[date, Field(examples=["2026-03-02"])]
    booked_on: Annotated[
        date, Field(examples=["2026-03-02"], description="the first open day, if its month was closed")
    ]
    recorded_at: Annotated[datetime, Field(examples=["2026-03-02T04:00:00Z"])]
    method: Annotated[str, Field(examples=["bank_transfer"])]
    amount_fen: SignedFen
    reference: Annotated[str, Field(examples=["B20260302-000017"])]
    means: Annotated[Means | None, Field(examples=["village_clerk"])]
    confirmed_at: Annotated[datetime | None, Field(examples=["2026-03-05T08:00:00Z"])]
    reverses_id: Annotated[UUID | None, Field(examples=[None], description="the payment that never was had")]


class PayableOut(Schema):
    """What a supplier owes a household or a collective: shares that paid orders brought, top-ups, and since when."""

    supplier_id: Id
    supplier_name: Annotated[str, Field(examples=["交城县富山种植专业合作社"])]
    payee_kind: Annotated[Literal["household", "collective"], Field(examples=["household"])]
    payee_id: Id
    payee_name: Annotated[
        str, Field(examples=["1411221062010007"], description="a household's code, a collective's name")
    ]
    recognised_fen: Fen
    top_up_fen: Fen
    since: Annotated[date, Field(examples=["2026-03-02"], description="the day on which the oldest part fell due")]
    age_days: Annotated[int, Field(examples=[12], description="of the oldest part, today")]
    within_days: Annotated[PositiveCount, Field(description="within which the payee's region wants it paid")]
    overdue_fen: Annotated[Fen, Field(description="what of both has been owed for longer")]


class PayableQuery(PageQuery):
    """Which payables to list."""

    supplier_id: Id | None = None
    payee_id: Id | None = None
    overdue: Annotated[bool, Field(examples=[False])] = False


class SetTerms(Schema):
    """Within how many days of recognition the payees of a region are paid, from a day on."""

    region_code: RegionCode
    valid_from: Day
    within_days: Annotated[int, Field(strict=True, gt=0, le=366, examples=[30])]


class TermsOut(Schema):
    """Terms on record."""

    region_code: RegionCode
    valid_from: Annotated[date, Field(examples=["2026-04-01"])]
    within_days: PositiveCount


class Confirm(Schema):
    """Payments whose payees have the money, by the word of their village clerk."""

    payment_ids: Annotated[list[Id], Field(min_length=1, max_length=1000)]
    note: Annotated[LongText | None, Field(examples=["入户核对银行短信"])] = None
    evidence_ids: EvidenceIds = Field(default_factory=list)


class Confirmed(Schema):
    """How many payments were confirmed."""

    payments: Count
    amount_fen: Fen


class CaptureQuery(Schema):
    """What the uploader says of a file."""

    taken_on: Day | None = None


class Uploaded(Schema):
    """What an upload is, for its Idempotency-Key: the hash of its bytes, and what is said of it."""

    sha256: Sha256Hex
    taken_on: Day | None


class EvidenceUseOut(Schema):
    """What a file proves, with the names that the reader may know."""

    disbursement_id: Id | None
    confirmation_id: Id | None
    organisation: Annotated[str | None, Field(examples=["交城县富山种植专业合作社"])]
    used_at: Annotated[datetime, Field(examples=["2026-03-02T04:00:00Z"])]


class EvidenceOut(Schema):
    """A file. A photograph may show persons: its bytes are read apart, and each reading is recorded."""

    id: Id
    sha256: Sha256Hex
    media_type: Annotated[str, Field(examples=["image/jpeg"])]
    size: Count
    stated_on: Annotated[date | None, Field(examples=["2026-03-01"], description="captured on, says the uploader")]
    taken_at: Annotated[
        datetime | None, Field(examples=["2026-03-01T02:15:00Z"], description="captured at, noted the camera")
    ]
    uploaded_by: Id
    uploaded_at: Annotated[datetime, Field(examples=["2026-03-02T04:00:00Z"])]
    duplicate: Annotated[Flag, Field(description="these bytes were uploaded here before: this is that file")]
    use: EvidenceUseOut | None
    look_alikes: Annotated[list[Id], Field(description="other files here that look the same, though the bytes differ")]


class AddEvidence(Schema):
    """Files that prove a disbursement, found after it was recorded."""

    evidence_ids: Annotated[EvidenceIds, Field(min_length=1)]


class DisbursementRead(Schema):
    """A disbursement as recorded, with the files that prove it."""

    id: Id
    supplier_id: Id
    paid_on: Annotated[date, Field(examples=["2026-03-02"])]
    method: Annotated[str, Field(examples=["bank_transfer"])]
    evidence: LongText
    evidence_ids: list[Id]
    made_by: Id
    made_at: Annotated[datetime, Field(examples=["2026-03-02T04:00:00Z"])]
    countersigned_by: Id | None
    payments: Annotated[list[PaymentListed], Field(description="those that the reader may know of")]


class CodeOut(Schema):
    """The code by which a household confirms one payment; shown once, to be printed for the household alone."""

    payment_id: Id
    code: Annotated[str | None, Field(examples=["K7M2-Q9XD"])]


class ConfirmByCode(Schema):
    """What a household has on paper: its payment, and its code."""

    payment_id: Id
    code: Annotated[Text, Field(max_length=20, examples=["K7M2-Q9XD"])]
