"""What goes in and out of the plans' and enrolments' endpoints."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from market.api import (
    BasisPoints,
    Count,
    Day,
    Fen,
    Flag,
    LongText,
    Named,
    PageQuery,
    PositiveFen,
    Schema,
    Sha256Hex,
    Wording,
)
from market.benefits.rules import (
    MECHANISMS,
    Basis,
    IncomeClass,
    Measure,
    Mechanism,
    Payee,
    PlanBody,
    PlanStatus,
    Pool,
    PriceTerms,
    Pricing,
)
from market.identity.schemas import Id, Instant
from market.quantities import MeasuredIn

MechanismCode = Annotated[Mechanism, Field(examples=["share_dividend"])]
PlanStatusCode = Annotated[PlanStatus, Field(examples=["approved"])]

MAX_HOUSEHOLDS = 500
"""Households in one request."""


def proved_by(mechanism: Callable[[Mapping[str, Any]], Mechanism | None]) -> BeforeValidator:
    """Refuse a blank evidence by saying what proves the mechanism, which follows from the fields before it."""

    def refuse(value: object, told: ValidationInfo) -> object:
        by = mechanism(told.data)
        if by is None or not isinstance(value, str) or value.strip():
            return value
        proof = MECHANISMS[by].proof
        facts = {"proof": proof.en, "proof_zh": proof.zh}
        raise PydanticCustomError("evidence_missing", "must name what proves it: {proof}", facts)

    return BeforeValidator(refuse)


class Proven(Schema):
    """What has an `evidence`: where that is left out, the refusal names it as where it is blank."""

    @model_validator(mode="before")
    @classmethod
    def _blank_if_left_out(cls, given: object) -> object:
        return {"evidence": "", **given} if isinstance(given, Mapping) else given


class ProofOut(Schema):
    """What proves a contribution or a distribution of a mechanism."""

    en: Annotated[str, Field(examples=["the lease contract"])]
    zh: Annotated[str, Field(examples=["土地流转合同"])]


class MechanismOut(Schema):
    """A row of the table of mechanisms."""

    code: MechanismCode
    name: Annotated[str, Field(examples=["入股分红"])]
    income_class: Annotated[IncomeClass, Field(examples=["property"])]
    basis: Annotated[Basis, Field(examples=["pool"])]
    payee: Annotated[Payee, Field(examples=["household"])]
    proof: ProofOut
    measures: Annotated[list[Measure], Field(examples=[[]])]
    pricings: Annotated[list[Pricing], Field(examples=[[]])]


class MechanismsOut(Schema):
    """The whole table."""

    items: list[MechanismOut]


class CreatePlan(Schema):
    """A new plan of the caller's organisation."""

    name: Annotated[Wording, Field(examples=["羊肚菌入股分红方案"])]


class PlanOut(Schema):
    """A plan without its versions."""

    id: Id
    supplier_id: Id
    name: Annotated[str, Field(examples=["羊肚菌入股分红方案"])]


class Share(Schema):
    """A payee and its weight within a pool; stored as a pair."""

    payee_id: Id
    weight: Count

    @model_validator(mode="before")
    @classmethod
    def _from_pair(cls, value: Any) -> Any:
        pair = isinstance(value, list) and len(value) == len(cls.model_fields)
        return dict(zip(cls.model_fields, value, strict=True)) if pair else value


class PoolTerms(Schema):
    """A part of each line's proceeds and the weights by which it is split."""

    mechanism: MechanismCode
    bp: BasisPoints
    assisted_only: Flag
    shares: Annotated[list[Share], Field(max_length=2000)]
    kept: Annotated[
        Flag,
        Field(examples=[False], description="held without payees until a period's distribution; false unless said"),
    ] = False
    reserve_bp: Annotated[
        BasisPoints | None,
        Field(
            examples=[None],
            description="for `patronage` alone: what part of a surplus is held back before the rest is returned by"
            " volume; nothing unless said; a distribution of the surplus takes it from here",
        ),
    ] = None


class PriceTermsIn(Schema):
    """How contributions by a mechanism are priced; what is not priced here is agreed with each household.

    `fixed`: agreed within `least_fen` and `most_fen` per `unit`. `market_plus`: the market's price and `bp` of it.
    `floor`: the market's price, at least `least_fen` per `unit`. `proceeds`: `bp` of what consigned produce brings.
    """

    mechanism: Annotated[Mechanism, Field(examples=["order_purchase"])]
    pricing: Annotated[Pricing, Field(examples=["market_plus"])]
    bp: Annotated[BasisPoints | None, Field(examples=[500])] = None
    unit: Annotated[MeasuredIn | None, Field(examples=[None])] = None
    least_fen: Annotated[PositiveFen | None, Field(examples=[None])] = None
    most_fen: Annotated[PositiveFen | None, Field(examples=[None])] = None


class DraftVersion(Schema):
    """The body of a plan's next version, and the day from which it is to hold."""

    lot_mechanisms: Annotated[list[MechanismCode], Field(max_length=20, examples=[["order_purchase", "labour"]])]
    terms: Annotated[list[PriceTermsIn], Field(default_factory=list, max_length=20)]
    pools: Annotated[list[PoolTerms], Field(max_length=20)]
    valid_from: Day

    def plan_body(self) -> PlanBody:
        """Return the body as the rules know it."""
        return PlanBody(
            lot_mechanisms=tuple(self.lot_mechanisms),
            pools=tuple(
                Pool(
                    mechanism=pool.mechanism,
                    bp=pool.bp,
                    shares=tuple((str(share.payee_id), share.weight) for share in pool.shares),
                    assisted_only=pool.assisted_only,
                    kept=pool.kept,
                    reserve_bp=pool.reserve_bp,
                )
                for pool in self.pools
            ),
            terms=tuple(PriceTerms(**dict(each)) for each in self.terms),
        )


class PoolOut(Schema):
    """A pool of a version, its shares by payee."""

    mechanism: MechanismCode
    bp: BasisPoints
    assisted_only: Flag
    shares: list[Share]
    kept: Annotated[Flag, Field(examples=[False])]
    reserve_bp: Annotated[BasisPoints | None, Field(examples=[None])]

    @model_validator(mode="before")
    @classmethod
    def _as_stored(cls, value: Any) -> Any:
        return {"kept": False, "reserve_bp": None, **value}


class PriceTermsOut(Schema):
    """How contributions by a mechanism are priced; null is what the terms leave open."""

    mechanism: Annotated[Mechanism, Field(examples=["order_purchase"])]
    pricing: Annotated[Pricing, Field(examples=["market_plus"])]
    bp: Annotated[BasisPoints | None, Field(examples=[500])]
    unit: Annotated[MeasuredIn | None, Field(examples=[None])]
    least_fen: Annotated[PositiveFen | None, Field(examples=[None])]
    most_fen: Annotated[PositiveFen | None, Field(examples=[None])]

    @model_validator(mode="before")
    @classmethod
    def _left_open(cls, value: Any) -> Any:
        return {**dict.fromkeys(("bp", "unit", "least_fen", "most_fen")), **value}


class PlanBodyOut(Schema):
    """The body of a version in canonical order."""

    lot_mechanisms: Annotated[list[MechanismCode], Field(examples=[["labour", "order_purchase"]])]
    terms: list[PriceTermsOut]
    pools: list[PoolOut]

    @model_validator(mode="before")
    @classmethod
    def _unpriced(cls, value: Any) -> Any:
        return {"terms": [], **value}


class SimulatedOut(Schema):
    """What somebody was told of a version before it was decided: who would have gained and lost by it.

    Of `lines` accepted order lines in a time, both days included, and their net amount. `without_sales` says that there
    were none, so that nobody could gain or lose; `of_other_plans` that they were all of the supplier's other plans, as
    nothing had been sold under this one.
    """

    id: Id
    version_status: PlanStatusCode
    made_by: Id
    made_at: Instant
    since: Annotated[date, Field(examples=["2025-03-03"])]
    until: Annotated[date, Field(examples=["2026-03-02"])]
    lines: Count
    of_other_plans: Flag
    without_sales: Flag
    net_fen: Fen
    households_gaining: Count
    gained_fen: Fen
    households_losing: Count
    lost_fen: Fen
    households_unchanged: Count


class PlanVersionOut(Schema):
    """A version, its hash, who made and decided it, and its latest simulation."""

    id: Id
    plan_id: Id
    number: Annotated[int, Field(examples=[1])]
    status: PlanStatusCode
    body: PlanBodyOut
    sha256: Sha256Hex
    valid_from: Annotated[date, Field(examples=["2026-01-01"])]
    made_by: Id
    made_at: Instant
    decided_by: Annotated[Id | None, Field(examples=[None])]
    decided_at: Annotated[datetime | None, Field(examples=[None])]
    opinion: Annotated[str | None, Field(examples=["同意"])]
    simulation: SimulatedOut | None


class PlanDetailOut(PlanOut):
    """A plan with every version, oldest first."""

    versions: Sequence[PlanVersionOut]


class DecideVersion(Schema):
    """The county's opinion on a submitted version."""

    opinion: LongText


class PlanQuery(PageQuery):
    """Plans, narrowed to one supplier."""

    supplier_id: Annotated[UUID | None, Field(examples=[None])] = None


class Enrol(Schema):
    """Households that take part with the caller's organisation, by code."""

    household_codes: Annotated[
        list[Annotated[Named, Field(max_length=40)]],
        Field(min_length=1, max_length=MAX_HOUSEHOLDS, examples=[["1411221062010001"]]),
    ]
    enrolled_on: Annotated[
        Day | None, Field(examples=["2026-03-02"], description="since when they take part; today unless said")
    ] = None


class ConfirmEnrolments(Schema):
    """Households of the village that take part with a supplier."""

    supplier_id: Id
    household_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_HOUSEHOLDS)]


class EnrolmentOut(Schema):
    """A household's part with a supplier; it counts once confirmed."""

    supplier_id: Id
    household_id: Id
    enrolled_on: Annotated[date, Field(examples=["2026-03-02"])]
    enrolled_by: Id
    confirmed_by: Annotated[Id | None, Field(examples=[None])]
    confirmed_at: Annotated[datetime | None, Field(examples=[None])]


class EnrolmentsOut(Schema):
    """The enrolments that a request named, by household."""

    items: list[EnrolmentOut]


class EnrolmentQuery(PageQuery):
    """Enrolments, narrowed by supplier, household, and whether they are confirmed."""

    supplier_id: Annotated[UUID | None, Field(examples=[None])] = None
    household_id: Annotated[UUID | None, Field(examples=[None])] = None
    confirmed: Annotated[bool | None, Field(examples=[None])] = None
