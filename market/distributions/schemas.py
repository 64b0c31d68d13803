"""What goes in and out over HTTP: distributions, second distributions, pools, what a collective holds."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from market.api import (
    BasisPoints,
    Day,
    Fen,
    Flag,
    LongText,
    PageQuery,
    PositiveFen,
    Schema,
    Sha256Hex,
    SignedFen,
    Text,
)
from market.benefits.rules import PATRONAGE_FLOOR_BP, Mechanism
from market.benefits.schemas import Proven, proved_by
from market.distributions.rules import GIVES, Counted, DistributionStatus, Excluded, Item

Id = Annotated[UUID, Field(examples=["0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a"])]
Name = Annotated[str, Field(examples=["富山农民专业合作社"])]
MechanismCode = Annotated[Mechanism, Field(examples=["patronage"])]
Instant = Annotated[datetime, Field(examples=["2027-01-15T04:00:00Z"])]
OnDay = Annotated[date, Field(examples=["2026-12-31"])]
SourceName = Annotated[Literal["own", "land", "grant", "loan"], Field(examples=["own"])]


class PatronageIn(Schema):
    """Return by volume: the surplus less the reserve that the plans in force state, and of that at least 60 %."""

    formula: Annotated[Literal["patronage"], Field(examples=["patronage"])]
    surplus_fen: PositiveFen
    by_volume_bp: Annotated[
        BasisPoints, Field(examples=[7_000], description=f"1/100 of 1 %; at least {PATRONAGE_FLOOR_BP}, by law")
    ]
    counted: Annotated[Counted, Field(examples=["volume"])] = Counted.VOLUME


class DividendIn(Schema):
    """An amount by the capital in a share register, from these sources; all unless said.

    Where a remainder is shared and grants count to every member alike, no source can be left out.
    """

    formula: Annotated[Literal["dividend"], Field(examples=["dividend"])]
    register_version_id: Id
    amount_fen: PositiveFen
    sources: Annotated[list[SourceName], Field(min_length=1, max_length=4, examples=[["own", "land"]])] = Field(
        default=["own", "land", "grant", "loan"]
    )
    remainder_of: Annotated[
        UUID | None,
        Field(
            examples=[None],
            description="the approved return by volume of the same period whose remainder this is: by law it goes by"
            " capital, and grants count to every member alike",
        ),
    ] = None
    averages_grants: Annotated[
        Flag | None,
        Field(
            examples=[True], description="grants count to every member alike; unless said where a remainder is shared"
        ),
    ] = None


class CustodyIn(Schema):
    """What entrusted capital has earned in some months of the year, by the register of entitlements."""

    formula: Annotated[Literal["custody"], Field(examples=["custody"])]
    register_version_id: Id
    months: Annotated[int, Field(strict=True, ge=1, le=12, examples=[12])] = 12


class ProfitIn(Schema):
    """The profit of a mu of land in the period, by the land and the share modes of the register then in force."""

    formula: Annotated[Literal["profit"], Field(examples=["profit"])]
    register_version_id: Id
    profit_fen_per_mu: Annotated[PositiveFen, Field(examples=[1_000_000])]


FormulaIn = Annotated[PatronageIn | DividendIn | CustodyIn | ProfitIn, Field(discriminator="formula")]


def _given_by(told: Mapping[str, Any]) -> Mechanism | None:
    return GIVES[told["formula"].formula] if "formula" in told else None


class ProposeDistribution(Proven):
    """A period, the formula of its list, and what its figures were taken from."""

    period_from: Day
    period_to: Day
    formula: FormulaIn
    evidence: Annotated[LongText, Field(examples=["成员大会决议及年度盈余核算表"]), proved_by(_given_by)]


class DecideDistribution(Schema):
    """The county's word on a distribution, a supplier's or a collective's."""

    opinion: Annotated[LongText, Field(examples=["名单与交售台账一致,同意分配"])]


class ItemOut(Schema):
    """A row of a list; who is excluded is given nothing of the amount, and why is said."""

    payee_kind: Annotated[Literal["household", "collective"], Field(examples=["household"])]
    payee_id: Id
    weight: Annotated[
        Fen, Field(description="thousandths of a unit delivered or of a mu, fen of capital, or listed weight")
    ]
    amount_fen: Fen
    assisted: Annotated[bool | None, Field(examples=[True])]
    excluded: Annotated[Excluded | None, Field(examples=[None])]


def items_out(items: Iterable[Item]) -> list[ItemOut]:
    """Say whom a list names."""
    return [
        ItemOut(
            payee_kind="household" if item.kind == "household" else "collective",
            payee_id=item.payee_id,
            weight=item.weight,
            amount_fen=item.fen,
            assisted=item.assisted,
            excluded=item.excluded,
        )
        for item in items
    ]


RemainderFen = Annotated[
    Fen | None, Field(examples=[10_800_000], description="what a return by volume leaves to be shared by capital")
]


class ProposedOut(Schema):
    """A list and how it is funded; without an id it is what a dry run would propose."""

    id: Id | None
    mechanism: MechanismCode
    period_from: OnDay
    period_to: OnDay
    amount_fen: Fen
    kept_fen: Annotated[Fen, Field(description="of the amount, for people who may not be paid: it goes to the pool")]
    pool_fen: Annotated[Fen, Field(description="what stands recognised in the pool")]
    retained_fen: Annotated[Fen, Field(description="what stands recognised as retained in the period")]
    from_pool_fen: Fen
    from_retained_fen: Fen
    remainder_fen: RemainderFen
    items: list[ItemOut]


class DistributionOut(Schema):
    """A distribution; what funded it is known once it is approved."""

    id: Id
    supplier_id: Id
    mechanism: MechanismCode
    period_from: OnDay
    period_to: OnDay
    inputs: Annotated[dict[str, Any], Field(examples=[{"formula": "custody", "months": 12}])]
    register_version_id: Id | None
    register_sha256: Sha256Hex | None
    list_sha256: Sha256Hex
    evidence: Annotated[str, Field(examples=["成员大会决议及年度盈余核算表"])]
    amount_fen: Fen
    kept_fen: Fen
    remainder_fen: RemainderFen
    remainder_of: Annotated[Id | None, Field(examples=[None], description="the return by volume whose remainder it is")]
    status: Annotated[DistributionStatus, Field(examples=["approved"])]
    from_pool_fen: Fen | None
    from_retained_fen: Fen | None
    made_at: Instant
    decided_at: Instant | None
    opinion: Annotated[str | None, Field(examples=["同意"])]


class ListedOut(DistributionOut):
    """A distribution with its list, and the supplier's others of its mechanism that share out a day of its period."""

    items: list[ItemOut]
    overlapping: list[DistributionOut]


class DistributionQuery(PageQuery):
    """Which distributions to list."""

    status: Annotated[DistributionStatus | None, Field(examples=["proposed"])] = None


class PoolOut(Schema):
    """A supplier's pool: brought by lines less returns = distributed out of it + accrued + recognised.

    What a return took off shares that had been distributed is neither brought nor distributed any more.
    """

    supplier_id: Id
    mechanism: MechanismCode
    brought_fen: Fen
    distributed_fen: SignedFen
    accrued_fen: Fen
    recognised_fen: Fen


class GiveOn(Proven):
    """What a village collective gave its households of one supplier's money, by its list in force on that day."""

    supplier_id: Id
    register_version_id: Id
    amount_fen: PositiveFen
    given_on: Day
    evidence: Annotated[
        LongText,
        Field(examples=["村民代表会议决议及领款签字表"]),
        proved_by(lambda _: Mechanism.COLLECTIVE_DIVIDEND),
    ]
    reference: Annotated[Text, Field(examples=["二次分配 2026-01"])]


class GivenOut(Schema):
    """A second distribution with its list; without an id it is what a dry run would give."""

    id: Id | None
    amount_fen: Fen
    kept_fen: Annotated[Fen, Field(description="of the amount, for people who may not be paid: still held")]
    held_before_fen: Fen
    items: list[ItemOut]


class SecondOut(Schema):
    """A second distribution as listed."""

    id: Id
    collective_id: Id
    supplier_id: Id
    given_on: OnDay
    amount_fen: Fen
    kept_fen: Fen
    register_version_id: Id
    register_sha256: Sha256Hex
    list_sha256: Sha256Hex
    evidence: Annotated[str, Field(examples=["村民代表会议决议及领款签字表"])]
    reference: Annotated[str, Field(examples=["二次分配 2026-01"])]
    status: Annotated[DistributionStatus, Field(examples=["approved"])]
    made_at: Instant
    decided_at: Instant | None
    opinion: Annotated[str | None, Field(examples=["同意"])]
    confirmed_at: Instant | None


class CollectiveMoneyOut(Schema):
    """What a supplier paid a collective: received = given on + held + paid ahead."""

    supplier_id: Id
    supplier_name: Name
    received_fen: Fen
    given_on_fen: Fen
    held_fen: Fen
    advance_fen: Fen


class CollectiveAccountOut(Schema):
    """A collective's money, supplier by supplier."""

    items: list[CollectiveMoneyOut]
