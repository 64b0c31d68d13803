"""What goes in and out of the certification's endpoints."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, model_validator

from market.api import (
    Code,
    CountyCode,
    Day,
    Fen,
    Flag,
    LongText,
    PageQuery,
    PositiveCount,
    PositiveFen,
    Quantity,
    RegionCode,
    Schema,
    Sha256Hex,
    Text,
)
from market.certification.rules import (
    ApplicationStatus,
    CertificateEvent,
    CertificateStatus,
    Decision,
    EvidenceKind,
    ReviewStep,
)
from market.identity.schemas import Id, Instant
from market.quantities import MILLI_OF, Unit, text

UnitCode = Annotated[Unit, Field(examples=["box"])]
EvidenceKindCode = Annotated[EvidenceKind, Field(examples=["link"])]
DecisionCode = Annotated[Decision, Field(examples=["pass"])]
ApplicationStatusCode = Annotated[ApplicationStatus, Field(examples=["on_notice"])]
CertificateStatusCode = Annotated[CertificateStatus, Field(examples=["valid"])]
CategoryCode = Annotated[Code, Field(examples=["dried_fruit"])]

MAX_APPLICATIONS = 500
"""Applications in one batch."""


class UnitContent(Schema):
    """What one unit of sale holds, in a fixed unit."""

    quantity: Annotated[Quantity, Field(examples=["2.5"])]
    unit: Annotated[Unit, Field(examples=["kg"])]


class Apply(Schema):
    """A product that the caller's organisation asks to have certified; `content` is for boxes alone."""

    plan_id: Id
    product_name: Text
    specification: Annotated[Text, Field(examples=["特级 2.5kg/箱"])]
    category_code: CategoryCode
    origin_code: Annotated[RegionCode, Field(examples=["141122106"])]
    unit: UnitCode
    content: Annotated[UnitContent | None, Field(examples=[{"quantity": "2.5", "unit": "kg"}])] = None
    price_fen: PositiveFen
    declared_value_fen: Annotated[PositiveFen, Field(examples=[500_000_00])]
    people_driven: PositiveCount


class ProductOut(Schema):
    """What the catalogue of certified products says of a product."""

    supplier_id: Id
    product_name: Annotated[str, Field(examples=["骏枣"])]
    specification: Annotated[str, Field(examples=["特级 2.5kg/箱"])]
    category_code: Annotated[str, Field(examples=["fruit"])]
    origin_code: RegionCode
    unit: UnitCode
    content: UnitContent
    price_fen: Fen
    declared_value_fen: Fen
    people_driven: Annotated[int, Field(examples=[127])]

    @model_validator(mode="before")
    @classmethod
    def _content_from_row(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return value
        facts = {name: getattr(value, name) for name in cls.model_fields if name != "content"}
        content = {"quantity": text(value.unit_milli, MILLI_OF[value.base_unit]), "unit": value.base_unit}
        return {**facts, "content": content}


class ApplicationOut(ProductOut):
    """An application and where it stands."""

    id: Id
    plan_id: Id
    status: ApplicationStatusCode
    made_by: Id
    made_at: Instant
    notice_ends_on: Annotated[date | None, Field(examples=["2026-03-09"])]


class NoticeOut(ProductOut):
    """An application on public notice; objections are heard until the end of `notice_ends_on`."""

    id: Id
    notice_ends_on: Annotated[date, Field(examples=["2026-03-09"])]


class RecordEvidence(Schema):
    """The price of one unit of the same specification, variety and quality elsewhere."""

    kind: EvidenceKindCode
    reference: Annotated[LongText, Field(examples=["https://shop.example/junzao-2500g"])]
    price_fen: PositiveFen
    observed_on: Day


class EvidenceOut(Schema):
    """A price evidence; kept, not public."""

    id: Id
    application_id: Id
    kind: EvidenceKindCode
    reference: Annotated[str, Field(examples=["https://shop.example/junzao-2500g"])]
    price_fen: Fen
    observed_on: Annotated[date, Field(examples=["2026-03-01"])]
    recorded_by: Id


class ReviewApplication(Schema):
    """A decision on the step that the caller's role stands for."""

    decision: DecisionCode
    opinion: LongText
    attachment_sha256: Annotated[Sha256Hex | None, Field(examples=[None])] = None


class ReviewOut(Schema):
    """A decision, by whom, when and why."""

    step: Annotated[ReviewStep, Field(examples=["county"])]
    decision: DecisionCode
    opinion: Annotated[str, Field(examples=["同意"])]
    attachment_sha256: Annotated[str | None, Field(examples=[None])]
    organisation_id: Id
    reviewer_id: Id
    reviewed_at: Instant


class Object(Schema):
    """Why the product should not be certified."""

    reason: Annotated[LongText, Field(examples=["产地与申报不符"])]


class SettleObjection(Schema):
    """The answer to an objection."""

    upheld: Flag
    settlement: Annotated[LongText, Field(examples=["经核实,产地属实"])]


class ObjectionOut(Schema):
    """An objection and its answer, if it has one."""

    id: Id
    application_id: Id
    reason: Annotated[str, Field(examples=["产地与申报不符"])]
    raised_by: Id
    raised_at: Instant
    upheld: Annotated[bool | None, Field(examples=[None])]
    settlement: Annotated[str | None, Field(examples=[None])]
    settled_by: Annotated[Id | None, Field(examples=[None])]
    settled_at: Annotated[datetime | None, Field(examples=[None])]


class ApplicationDetailOut(Schema):
    """An application with all that was said of it, oldest first."""

    application: ApplicationOut
    reviews: list[ReviewOut]
    evidences: list[EvidenceOut]
    objections: list[ObjectionOut]


class ApplicationQuery(PageQuery):
    """Applications, narrowed by status and supplier."""

    status: Annotated[ApplicationStatus | None, Field(examples=[None])] = None
    supplier_id: Annotated[UUID | None, Field(examples=[None])] = None


class PublishBatch(Schema):
    """Cleared applications of one county, in the order of their certificates' numbers."""

    application_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_APPLICATIONS)]


class BatchOut(Schema):
    """A numbered batch of a county."""

    id: Id
    county_code: RegionCode
    number: Annotated[int, Field(examples=[3])]
    published_on: Annotated[date, Field(examples=["2026-03-10"])]
    published_by: Id


class CertificateOut(Schema):
    """A certificate, its product and its batch; both days of its validity are included."""

    id: Id
    number: Annotated[str, Field(examples=["JC-141122-2026-03-0007"])]
    status: CertificateStatusCode
    valid_from: Annotated[date, Field(examples=["2026-03-10"])]
    valid_to: Annotated[date, Field(examples=["2027-03-09"])]
    supplier_id: Id
    application_id: Id
    product: Annotated[ProductOut, Field(validation_alias="application")]
    batch: BatchOut


class PublishedBatchOut(Schema):
    """A new batch and its certificates."""

    batch: BatchOut
    certificates: list[CertificateOut]


class ChangeCertificate(Schema):
    """Why the certificate is suspended, reinstated or revoked."""

    reason: Annotated[LongText, Field(examples=["抽检农残超标"])]


class CertificateChangeOut(Schema):
    """What happened to a certificate, by whom and why."""

    event: Annotated[CertificateEvent, Field(examples=["suspend"])]
    reason: Annotated[str, Field(examples=["抽检农残超标"])]
    changed_by: Id
    changed_at: Instant


class AlertOut(Schema):
    """A certificate lapses within `days` days, or has lapsed (0)."""

    certificate_id: Id
    days: Annotated[int, Field(examples=[30])]
    raised_at: Instant


class CertificateDetailOut(Schema):
    """A certificate with its changes and alerts, oldest first."""

    certificate: CertificateOut
    changes: list[CertificateChangeOut]
    alerts: list[AlertOut]


class CertificateQuery(PageQuery):
    """Certificates, narrowed by status, supplier, county, and by lapsing from today within so many days."""

    status: Annotated[CertificateStatus | None, Field(examples=[None])] = None
    supplier_id: Annotated[UUID | None, Field(examples=[None])] = None
    county: Annotated[CountyCode | None, Field(examples=[None])] = None
    lapsing_within_days: Annotated[int | None, Field(ge=0, le=3650, examples=[None])] = None


class BatchQuery(PageQuery):
    """Batches, narrowed to a county."""

    county: Annotated[CountyCode | None, Field(examples=[None])] = None
