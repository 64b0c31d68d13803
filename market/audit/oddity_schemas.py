"""What is odd about what is on record of lots, contributions, plans and payments, and about proofs, as JSON."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from market.api import Day, PageQuery, Schema
from market.audit.rules import ProofRule, RecordRule
from market.audit.schemas import Id, OptionalId


class OddQuery(PageQuery):
    """Of which period (the last 365 days if absent), of which supplier."""

    begin: Annotated[Day | None, Field(alias="from", examples=["2026-01-01"])] = None
    end: Annotated[Day | None, Field(alias="to", examples=["2026-12-31"])] = None
    supplier_id: OptionalId = None


class RecordQuery(OddQuery):
    """What was recorded in which period, by which supplier, by which rule."""

    rule: Annotated[RecordRule | None, Field(examples=["yield_beyond_land"])] = None


class ProofQuery(OddQuery):
    """Payments of which period, of which supplier, by which rule."""

    rule: Annotated[ProofRule | None, Field(examples=["looks_like_another"])] = None


class OddRecordOut(Schema):
    """What is odd about a record; a hint to look at, no verdict."""

    rule: Annotated[RecordRule, Field(examples=["yield_beyond_land"])]
    en: Annotated[str, Field(examples=["a lot holds more than its land can have borne"])]
    zh: Annotated[str, Field(examples=["批次数量超过其种植面积的可能产量"])]
    id: Annotated[
        Id,
        Field(
            description="of the lot, contribution, plan version, disbursement, receipt, product, certificate or order"
            " line"
        ),
    ]
    supplier_id: Id
    household_id: OptionalId
    effective_on: Annotated[date, Field(examples=["2026-03-02"], description="the day that it is said to be of")]
    recorded_on: Annotated[date, Field(examples=["2026-03-02"], description="when it was written down, or decided")]
    figures: Annotated[dict[str, int], Field(examples=[{"kg_per_mu": 10_000_000, "most_kg_per_mu": 10_000}])]


class OddProofOut(Schema):
    """What is odd about the proof of a disbursement or a confirmation; a hint to look at, no verdict."""

    rule: Annotated[ProofRule, Field(examples=["looks_like_another"])]
    en: Annotated[str, Field(examples=["a picture looks like one that proves something else"])]
    zh: Annotated[str, Field(examples=["凭证照片与用于另一笔业务的照片高度相似"])]
    disbursement_id: OptionalId
    confirmation_id: OptionalId
    supplier_id: Id
    paid_on: Annotated[date, Field(examples=["2026-03-02"], description="of a confirmation, the first it concerns")]
    evidence_id: OptionalId
    captured_on: Annotated[
        date | None, Field(examples=["2026-03-01"], description="noted by the camera, or else stated")
    ]
    days: Annotated[int | None, Field(examples=[-1], description="from the payment to the capture")]
    other_evidence_id: Annotated[
        UUID | None, Field(examples=[None], description="the look-alike, if one may know of it")
    ]
    other_organisation_id: Annotated[UUID | None, Field(examples=[None], description="who else put the file forward")]
