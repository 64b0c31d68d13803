"""What is odd about what proves payments, as JSON."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from market.api import Day as QueryDay
from market.api import PageQuery, Schema
from market.audit.rules import ProofRule
from market.audit.schemas import Id, OptionalId


class ProofQuery(PageQuery):
    """Payments of which period (the last 365 days if absent), of which supplier, by which rule."""

    begin: Annotated[QueryDay | None, Field(alias="from", examples=["2026-01-01"])] = None
    end: Annotated[QueryDay | None, Field(alias="to", examples=["2026-12-31"])] = None
    supplier_id: OptionalId = None
    rule: Annotated[ProofRule | None, Field(examples=["looks_like_another"])] = None


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
