"""What goes in and out over HTTP: lists of payments to be made, the bank's results, cash countersigned."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from market.api import Count, Day, Fen, LongText, PageQuery, Schema, Sha256Hex, Text
from market.attribution.paying import FailureReason
from market.attribution.schemas import EvidenceIds, Id, InvoiceNumber, PaymentIn

ListStatus = Annotated[Literal["open", "settled", "withdrawn"], Field(examples=["open"])]


class Prepare(Schema):
    """Payments to be made: by the bank, which says when, or in cash, handed over on a day."""

    method: Annotated[Literal["bank_transfer", "cash"], Field(examples=["bank_transfer"])]
    paid_on: Annotated[Day | None, Field(examples=[None], description="of cash, and of cash alone")] = None
    evidence: Annotated[LongText, Field(examples=["代发清单 20260302-01"])]
    payments: Annotated[list[PaymentIn], Field(min_length=1, max_length=1000)]


class ListLineOut(Schema):
    """One payment of a list, and what became of it."""

    id: Id
    position: Count
    household_id: Id | None
    collective_id: Id | None
    contribution_id: Id | None
    amount_fen: Fen
    reference: Text
    invoice_number: InvoiceNumber | None
    status: Annotated[Literal["open", "paid", "failed", "withdrawn"], Field(examples=["open"])]
    payment_id: Id | None
    reason: Annotated[
        FailureReason | None, Field(examples=["name_mismatch"], description="in the bank's file in words")
    ]


class ClaimOut(Schema):
    """What a list still asks to be paid to a payee, beside what is owed to it now and what other open lists hold."""

    payee_kind: Annotated[Literal["household", "collective"], Field(examples=["household"])]
    payee_id: Id
    listed_fen: Annotated[Fen, Field(description="by the open lines of this list")]
    owed_fen: Annotated[Fen, Field(description="recognised or to be topped up, and not yet paid")]
    on_other_lists_fen: Annotated[Fen, Field(description="by open lines of the supplier's other lists")]
    beyond_fen: Annotated[
        Fen,
        Field(
            examples=[0],
            description="what of this list would be an advance if all that is listed were paid: above 0, two lists may"
            " ask for one debt (大于 0 时,可能有两份清单重复列支同一笔应付款)",
        ),
    ]


class PayListListed(Schema):
    """A list of payments, as listed."""

    id: Id
    supplier_id: Id
    method: Annotated[Literal["bank_transfer", "cash"], Field(examples=["bank_transfer"])]
    status: ListStatus
    paid_on: Annotated[date | None, Field(examples=[None])]
    evidence: LongText
    made_by: Id
    made_at: Annotated[datetime, Field(examples=["2026-03-02T04:00:00Z"])]


class PayListOut(PayListListed):
    """A list of payments with its lines."""

    amount_fen: Fen
    lines: list[ListLineOut]
    claims: Annotated[list[ClaimOut], Field(description="of each payee of open lines, as things stand now")]


class PayListQuery(PageQuery):
    """Which lists to show."""

    status: ListStatus | None = None


class BankResultOut(Schema):
    """What the bank's file brought. Failed payments stay owed, and are paid again under a new reference."""

    pay_list_id: Id
    file_sha256: Sha256Hex
    paid: Count
    paid_fen: Fen
    failed: Count
    failed_fen: Fen
    said_before: Count
    unanswered: Count
    disbursement_ids: list[Id]
    duplicate: Annotated[bool, Field(examples=[False], description="this file was taken over before: nothing is new")]


class ResultQuery(Schema):
    """Whether to say only what would happen."""

    dry_run: Annotated[bool, Field(examples=[True])] = False


class ResultFile(Schema):
    """What a file is, for its Idempotency-Key."""

    sha256: Sha256Hex


class Countersign(Schema):
    """The word of a second person that the cash was handed over, and the files that show it."""

    evidence_ids: EvidenceIds = Field(default_factory=list)
