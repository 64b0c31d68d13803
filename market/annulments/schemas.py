"""What goes in and out over HTTP: annulments, and what they take off and put back."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from market.annulments.rules import AnnulmentStatus
from market.api import Fen, LongText, PageQuery, Schema
from market.attribution.rules import Kind, Step
from market.benefits.rules import Mechanism

Id = Annotated[UUID, Field(examples=["0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a"])]
Instant = Annotated[datetime, Field(examples=["2027-02-15T04:00:00Z"])]
Reason = Annotated[str, Field(examples=["名单误用了上一年度的股权名册"])]
Evidence = Annotated[str, Field(examples=["审计报告 2027-003 号"])]
StepName = Annotated[Step, Field(examples=["recognised"])]
MechanismCode = Annotated[Mechanism | None, Field(examples=["share_dividend"])]


class ProposeAnnulment(Schema):
    """What never was, a distribution or a contribution, why, and what shows it: a report, a resolution, its number."""

    distribution_id: Annotated[UUID | None, Field(examples=["0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a"])] = None
    contribution_id: Annotated[UUID | None, Field(examples=[None])] = None
    reason: Annotated[LongText, Field(examples=["名单误用了上一年度的股权名册"])]
    evidence: Annotated[LongText, Field(examples=["审计报告 2027-003 号"])]


class DecideAnnulment(Schema):
    """The county's word on an annulment."""

    opinion: Annotated[LongText, Field(examples=["经核查情况属实,同意撤销"])]


class FallenOut(Schema):
    """What falls of one payee's shares, or of a pool, at one step."""

    kind: Annotated[Kind, Field(examples=["household"])]
    owner_id: Id
    mechanism: MechanismCode
    step: StepName
    amount_fen: Fen


class BackOut(Schema):
    """Where it goes: a pool of the supplier, or what it retains."""

    kind: Annotated[Kind, Field(examples=["pool"])]
    mechanism: MechanismCode
    step: StepName
    amount_fen: Fen


class ProposedAnnulmentOut(Schema):
    """What an annulment takes off as the book stands now; without an id it is what a dry run would propose.

    It counts from `counts_on` at the earliest and is known under `known_on`, the day of what it undoes.
    """

    id: Id | None
    supplier_id: Id
    amount_fen: Annotated[Fen, Field(description="all that falls; as much goes back, except of top-ups")]
    advance_fen: Annotated[Fen, Field(description="what payees have received of it: it stays theirs, paid ahead")]
    counts_on: Annotated[date, Field(examples=["2027-02-15"])]
    known_on: Annotated[date, Field(examples=["2027-01-15"])]
    fallen: list[FallenOut]
    back: list[BackOut]


class AnnulmentOut(Schema):
    """An annulment as listed."""

    id: Id
    distribution_id: Id | None
    contribution_id: Annotated[Id | None, Field(examples=[None])]
    supplier_id: Id
    reason: Reason
    evidence: Evidence
    status: Annotated[AnnulmentStatus, Field(examples=["approved"])]
    made_at: Instant
    decided_at: Instant | None
    opinion: Annotated[str | None, Field(examples=["经核查情况属实,同意撤销"])]


class AnnulmentQuery(PageQuery):
    """Which annulments to list."""

    status: Annotated[AnnulmentStatus | None, Field(examples=["proposed"])] = None
