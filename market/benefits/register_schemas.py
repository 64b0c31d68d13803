"""What goes in and out of the share registers' endpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from market.api import (
    BasisPoints,
    Code,
    Day,
    Fen,
    GivenFen,
    LongText,
    Named,
    PageQuery,
    PositiveCount,
    PositiveFen,
    Quantity,
    Schema,
    Sha256Hex,
    Wording,
)
from market.benefits.holdings import (
    Entitlement,
    Holding,
    Listed,
    Part,
    RegisterBody,
    Row,
    SchemeCapital,
    ShareMode,
    ShareScheme,
)
from market.benefits.models import SchemeRule
from market.benefits.rules import RegisterKind
from market.benefits.schemas import PlanStatusCode
from market.errors import InvalidInputError
from market.identity.schemas import Id, Instant
from market.quantities import MILLI_MU, QuantityError, parse, text

MAX_ROWS = 2000
"""Households in one version of a register."""

AreaInMu = Annotated[Quantity, Field(examples=["0.5"], description="decimal string in mu (亩)")]
HouseholdCode = Annotated[Named, Field(max_length=40, examples=["1411221062010001"])]
ModeCode = Annotated[Code, Field(examples=["base_own"])]
KindCode = Annotated[RegisterKind, Field(examples=["shares"])]
Rate = Annotated[BasisPoints, Field(examples=[660])]
SoleMode = Annotated[ModeCode | None, Field(examples=[None], description="a mode of the scheme, where there is one")]
Evidence = Annotated[LongText, Field(examples=["成员大会决议及入股凭证"])]
RegisterName = Annotated[Wording, Field(examples=["股份登记"])]


def _milli_mu(area_mu: str, pointer: str) -> int:
    try:
        return parse(area_mu, MILLI_MU)
    except QuantityError:
        raise InvalidInputError(
            "an area has at most three decimals", "面积至多三位小数", pointer=f"{pointer}/area_mu"
        ) from None


class HoldingIn(Schema):
    """A household's share capital by source, its land, and its mode where the register has a scheme."""

    household_code: HouseholdCode
    own_fen: GivenFen = 0
    land_fen: GivenFen = 0
    grant_fen: GivenFen = 0
    loan_fen: GivenFen = 0
    area_mu: AreaInMu = "0"
    mode: SoleMode = None

    def holding(self, household: str, pointer: str) -> Holding:
        """Return it as the rules know it; raises `InvalidInputError` for an area finer than a thousandth of a mu."""
        return Holding(
            household,
            own_fen=self.own_fen,
            land_fen=self.land_fen,
            grant_fen=self.grant_fen,
            loan_fen=self.loan_fen,
            area_milli_mu=_milli_mu(self.area_mu, pointer),
            mode=self.mode or "",
        )


class EntitlementIn(Schema):
    """Entrusted capital, its yearly rate, and the parts of household and collective, which sum to the rate."""

    household_code: HouseholdCode
    capital_fen: PositiveFen
    rate_bp: Rate
    household_bp: Rate
    collective_bp: Rate
    collective_id: Id

    def entitlement(self, household: str) -> Entitlement:
        """Return it as the rules know it."""
        return Entitlement(
            household,
            self.capital_fen,
            self.rate_bp,
            self.household_bp,
            self.collective_bp,
            str(self.collective_id),
        )


class ListedIn(Schema):
    """A household of a village collective's own list."""

    household_code: HouseholdCode
    weight: PositiveCount


class ModeTerms(Schema):
    """A mode in which shares are held, and the households' part of the profit."""

    code: ModeCode
    name: Annotated[Wording, Field(examples=["基础股+自筹资金"])]
    parts: Annotated[list[Part], Field(min_length=1, max_length=4, examples=[["base", "own_funds"]])]
    household_bp: Annotated[BasisPoints, Field(examples=[6667])]


class CapitalTerms(Schema):
    """What was put into the land of a place, and how much of it is public money."""

    public_fen: Annotated[PositiveFen, Field(examples=[15_000_000_000])]
    whole_fen: Annotated[PositiveFen, Field(examples=[30_000_000_000])]
    area_mu: Annotated[AreaInMu, Field(examples=["20000"])]

    def capital(self) -> SchemeCapital:
        """Return it as the rules know it; raises `InvalidInputError` for an area finer than a thousandth of a mu."""
        return SchemeCapital(self.public_fen, self.whole_fen, _milli_mu(self.area_mu, "/scheme/capital"))


class SchemeTerms(Schema):
    """The share modes of a place, the bounds of the households' part, and the years that pay."""

    first_year: Annotated[int, Field(strict=True, ge=1990, le=2200, examples=[2020])]
    years: Annotated[int, Field(strict=True, ge=1, le=100, examples=[15])]
    lowest_bp: Annotated[BasisPoints, Field(examples=[5000])]
    highest_bp: Annotated[BasisPoints, Field(examples=[9420])]
    modes: Annotated[list[ModeTerms], Field(min_length=1, max_length=20)]


class SchemeIn(SchemeTerms):
    """A scheme, with the capital from which the base share of a mu follows, where it is to be shown."""

    capital: CapitalTerms | None = None

    def scheme(self) -> ShareScheme:
        """Return it as the rules know it."""
        modes = tuple(ShareMode(mode.code, mode.name, tuple(mode.parts), mode.household_bp) for mode in self.modes)
        capital = self.capital.capital() if self.capital else None
        return ShareScheme(self.first_year, self.years, self.lowest_bp, self.highest_bp, modes, capital)


class CapitalOut(CapitalTerms):
    """The capital of a scheme, the base share of a mu, and its part of the capital of a mu."""

    base_share_fen_per_mu: Annotated[Fen, Field(examples=[750_000])]
    base_bp: Annotated[BasisPoints, Field(examples=[5_000])]


class SchemeOut(SchemeTerms):
    """A scheme with its base share where the capital is stated."""

    capital: CapitalOut | None


class RuleOut(Schema):
    """What the place of a register's keeper allows a scheme: the bounds of households' part, and the years."""

    region_code: Annotated[str, Field(examples=["451028"])]
    lowest_bp: Annotated[BasisPoints, Field(examples=[5000])]
    highest_bp: Annotated[BasisPoints, Field(examples=[9420])]
    first_year: Annotated[int, Field(examples=[2020])]
    years: Annotated[int, Field(examples=[15])]
    source: Annotated[str, Field(examples=["乐业县“三变”改革材料"])]


class OpenRegister(Schema):
    """A new register of the caller's organisation."""

    kind: KindCode
    name: RegisterName


class DraftRegister(Schema):
    """The rows of a register's next version, of its kind alone, its first day, and what the rows were written from."""

    valid_from: Day
    evidence: Evidence
    shares: Annotated[Sequence[HoldingIn], Field(max_length=MAX_ROWS)] = ()
    entitlements: Annotated[Sequence[EntitlementIn], Field(max_length=MAX_ROWS)] = ()
    list: Annotated[Sequence[ListedIn], Field(max_length=MAX_ROWS)] = ()
    scheme: SchemeIn | None = None

    def codes(self) -> dict[str, str]:
        """Return the codes of the households that the rows name → JSON pointer to where."""
        found: dict[str, str] = {}
        for kind in RegisterKind:
            for index, row in enumerate(getattr(self, kind)):
                found.setdefault(row.household_code, f"/{kind}/{index}/household_code")
        return found

    def register_body(self, kind: RegisterKind, ids: Mapping[str, str]) -> RegisterBody:
        """Return the body as the rules know it, by id; raises `InvalidInputError` for rows of another kind."""
        for other in RegisterKind:
            if other is not kind and getattr(self, other):
                raise InvalidInputError("these rows are of another kind", "行的类型与名册不符", pointer=f"/{other}")
        rows: Mapping[RegisterKind, Sequence[Row]] = {
            RegisterKind.SHARES: [
                row.holding(ids[row.household_code], f"/shares/{index}") for index, row in enumerate(self.shares)
            ],
            RegisterKind.ENTITLEMENTS: [row.entitlement(ids[row.household_code]) for row in self.entitlements],
            RegisterKind.LIST: [Listed(ids[row.household_code], row.weight) for row in self.list],
        }
        return RegisterBody(kind, rows[kind], self.scheme.scheme() if self.scheme else None)


class RegisterQuery(PageQuery):
    """Registers, narrowed by kind."""

    kind: Annotated[RegisterKind | None, Field(examples=[None])] = None


class RegisterOut(Schema):
    """A register without its versions."""

    id: Id
    organisation_id: Id
    kind: KindCode
    name: RegisterName


class RegisterVersionOut(Schema):
    """A version without its rows: its hash, and who made and decided it."""

    id: Id
    register_id: Id
    number: Annotated[int, Field(examples=[1])]
    status: PlanStatusCode
    sha256: Sha256Hex
    valid_from: Annotated[date, Field(examples=["2026-01-01"])]
    evidence: Annotated[str, Field(examples=["成员大会决议及入股凭证"])]
    made_by: Id
    made_at: Instant
    decided_by: Annotated[Id | None, Field(examples=[None])]
    decided_at: Annotated[datetime | None, Field(examples=[None])]
    opinion: Annotated[str | None, Field(examples=["同意"])]


class RegisterDetailOut(RegisterOut):
    """A register with every version, oldest first."""

    versions: Sequence[RegisterVersionOut]


class HoldingOut(Schema):
    """A household's shares."""

    household_id: Id
    household_code: HouseholdCode
    own_fen: Fen
    land_fen: Fen
    grant_fen: Fen
    loan_fen: Fen
    area_mu: AreaInMu
    mode: SoleMode


class EntitlementOut(Schema):
    """A household's entrusted capital."""

    household_id: Id
    household_code: HouseholdCode
    capital_fen: Fen
    rate_bp: Rate
    household_bp: Rate
    collective_bp: Rate
    collective_id: Id


class ListedOut(Schema):
    """A household of a collective's list."""

    household_id: Id
    household_code: HouseholdCode
    weight: PositiveCount


class BoundedOut(RegisterVersionOut):
    """A version with its scheme of share modes and the rule of its place, for whoever decides it."""

    scheme: SchemeOut | None
    rule: RuleOut | None


def bounded_out(version: RegisterVersionOut, body: RegisterBody, rule: SchemeRule | None) -> BoundedOut:
    """Show a version with what it bounds and what bounds it."""
    scheme = _scheme_out(body.scheme) if body.scheme else None
    shown = RuleOut.model_validate(rule) if rule else None
    return BoundedOut.model_validate({**version.model_dump(), "scheme": scheme, "rule": shown})


class RegisterRowsOut(BoundedOut):
    """A version with its rows: those of its register's kind, the others empty."""

    shares: Sequence[HoldingOut]
    entitlements: Sequence[EntitlementOut]
    list: Sequence[ListedOut]


def rows_out(version: BoundedOut, body: RegisterBody, codes: Mapping[str, str]) -> RegisterRowsOut:
    """Show a version with what its body says, households with the codes on their papers."""
    out: dict[str, Any] = {kind.value: [] for kind in RegisterKind}
    for row in body.rows:
        shown = asdict(row)
        shown |= {"household_id": shown.pop("household"), "household_code": codes[row.household]}
        if isinstance(row, Holding):
            shown |= {"area_mu": text(shown.pop("area_milli_mu"), MILLI_MU), "mode": row.mode or None}
        if isinstance(row, Entitlement):
            shown["collective_id"] = shown.pop("collective")
        out[body.kind].append(shown)
    return RegisterRowsOut.model_validate({**version.model_dump(), **out})


def _scheme_out(scheme: ShareScheme) -> dict[str, Any]:
    shown = asdict(scheme)
    if capital := scheme.capital:
        shown["capital"] |= {
            "area_mu": text(shown["capital"].pop("area_milli_mu"), MILLI_MU),
            "base_share_fen_per_mu": capital.base_share_fen(),
            "base_bp": capital.base_bp,
        }
    return shown
