"""What a version of a share register says, pure: its rows, its bytes, what makes it sound, and the weights it gives.

Sources: domain.md §5, Benefit mechanisms; reference/domain-sources.md §2.7 and §5.7, sources of shares.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TypeAlias

from market.benefits.rules import RegisterKind
from market.errors import MarketError
from market.money import MAX_FEN, WHOLE_BP


class Source(StrEnum):
    """Where share capital comes from; a formula may count one source apart."""

    OWN = "own"
    LAND = "land"
    GRANT = "grant"
    LOAN = "loan"


@dataclass(frozen=True, slots=True)
class Holding:
    """A household's share capital by source, in fen, and its land in thousandths of a mu (0: none)."""

    household: str
    own_fen: int = 0
    land_fen: int = 0
    grant_fen: int = 0
    loan_fen: int = 0
    area_milli_mu: int = 0

    def capital_fen(self, sources: Collection[Source] = tuple(Source)) -> int:
        """Return the capital that comes from these sources."""
        by_source = {
            Source.OWN: self.own_fen,
            Source.LAND: self.land_fen,
            Source.GRANT: self.grant_fen,
            Source.LOAN: self.loan_fen,
        }
        return sum(by_source[source] for source in set(sources))


@dataclass(frozen=True, slots=True)
class Entitlement:
    """An entrusted capital with its yearly rate, of which the household and the collective each get their part."""

    household: str
    capital_fen: int
    rate_bp: int
    household_bp: int
    collective_bp: int
    collective: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A household of a village collective's own list."""

    household: str
    weight: int


Row: TypeAlias = Holding | Entitlement | Listed

_ROW: Mapping[RegisterKind, type[Row]] = {
    RegisterKind.SHARES: Holding,
    RegisterKind.ENTITLEMENTS: Entitlement,
    RegisterKind.LIST: Listed,
}


@dataclass(frozen=True, slots=True)
class RegisterBody:
    """What a version says, household by household; ids as text."""

    kind: RegisterKind
    rows: Sequence[Row]

    def canonical(self) -> bytes:
        """Return the one byte string that is hashed and pinned: sorted keys, rows by household, no spaces."""
        return json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def sha256(self) -> str:
        """Return the hash that distributions pin."""
        return sha256(self.canonical()).hexdigest()

    def as_json(self) -> dict[str, object]:
        """Return the body as JSON values, in canonical order: its rows under the name of its kind."""
        return {self.kind.value: [asdict(row) for row in sorted(self.rows, key=lambda row: row.household)]}


def register_body(stored: Mapping[str, Sequence[Mapping[str, object]]]) -> RegisterBody:
    """Return the body from its stored JSON."""
    ((kind, rows),) = stored.items()
    row = _ROW[RegisterKind(kind)]
    return RegisterBody(RegisterKind(kind), tuple(row(**found) for found in rows))  # type: ignore[arg-type] # as stored


def weights(body: RegisterBody, sources: Collection[Source] = tuple(Source)) -> list[tuple[str, int]]:
    """Return the weight of each household (id as text): its listed weight, or its capital in fen from these sources."""
    found = []
    for row in body.rows:
        match row:
            case Holding():
                found.append((row.household, row.capital_fen(sources)))
            case Entitlement():
                found.append((row.household, row.capital_fen))
            case Listed():
                found.append((row.household, row.weight))
    return found


def check_register(body: RegisterBody) -> None:
    """Raise `RegisterBodyError` unless the body is sound: rows of its kind, one a household, each worth something."""
    if not body.rows:
        raise RegisterBodyError(reason="it names nobody", reason_zh="名册为空", pointer=f"/{body.kind}")
    seen: set[str] = set()
    for index, row in enumerate(body.rows):
        pointer = f"/{body.kind}/{index}"
        if row.household in seen:
            raise RegisterBodyError(
                reason="a household has two rows", reason_zh="同一农户出现两次", pointer=f"{pointer}/household_code"
            )
        seen.add(row.household)
        _check_row(row, pointer)
    if sum(weight for _, weight in weights(body)) > MAX_FEN:
        raise RegisterBodyError(reason="its sum is too large", reason_zh="合计过大", pointer=f"/{body.kind}")


def _check_row(row: Row, pointer: str) -> None:
    match row:
        case Holding():
            _check_holding(row, pointer)
        case Entitlement():
            _check_entitlement(row, pointer)
        case Listed():
            if row.weight <= 0:
                raise RegisterBodyError(
                    reason="a weight is not positive", reason_zh="权重须大于零", pointer=f"{pointer}/weight"
                )


def _check_holding(row: Holding, pointer: str) -> None:
    amounts = {
        "own_fen": row.own_fen,
        "land_fen": row.land_fen,
        "grant_fen": row.grant_fen,
        "loan_fen": row.loan_fen,
        "area_milli_mu": row.area_milli_mu,
    }
    for name, amount in amounts.items():
        if amount < 0:
            raise RegisterBodyError(
                reason="an amount is negative", reason_zh="金额或面积不能为负", pointer=f"{pointer}/{name}"
            )
    if not row.capital_fen():
        raise RegisterBodyError(reason="a household holds no capital", reason_zh="农户没有股金", pointer=pointer)
    if row.land_fen and not row.area_milli_mu:
        raise RegisterBodyError(
            reason="land is valued without its area", reason_zh="土地入股须载明面积", pointer=f"{pointer}/area_milli_mu"
        )


def _check_entitlement(row: Entitlement, pointer: str) -> None:
    if row.capital_fen <= 0:
        raise RegisterBodyError(
            reason="no capital is entrusted", reason_zh="托管本金须大于零", pointer=f"{pointer}/capital_fen"
        )
    if not 0 < row.rate_bp <= WHOLE_BP:
        raise RegisterBodyError(
            reason="the rate is not between 0 and 100 % a year",
            reason_zh="年收益率须在 0 至 100 % 之间",
            pointer=f"{pointer}/rate_bp",
        )
    if min(row.household_bp, row.collective_bp) < 0 or row.household_bp + row.collective_bp != row.rate_bp:
        raise RegisterBodyError(
            reason="the parts of household and collective do not sum to the rate",
            reason_zh="农户与集体分成之和须等于收益率",
            pointer=f"{pointer}/household_bp",
        )


def households_of(body: RegisterBody) -> dict[str, str]:
    """Return the households (ids as text) → JSON pointer to where each is named."""
    return {row.household: f"/{body.kind}/{index}/household_code" for index, row in enumerate(body.rows)}


def collectives_of(body: RegisterBody) -> dict[str, str]:
    """Return the collectives (ids as text) → JSON pointer to where each is first named."""
    found: dict[str, str] = {}
    for index, row in enumerate(body.rows):
        if isinstance(row, Entitlement):
            found.setdefault(row.collective, f"/{body.kind}/{index}/collective_id")
    return found


class RegisterBodyError(MarketError):
    """The register cannot be carried out as written."""

    en = "The register is not sound: {reason}."
    zh = "名册不成立:{reason_zh}。"
