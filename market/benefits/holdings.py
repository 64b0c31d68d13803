"""What a version of a share register says, pure: its rows, its bytes, what makes it sound, and the weights it gives.

Sources: domain.md §5, Benefit mechanisms; §10, Leye's five modes and their bounds.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, TypeAlias, assert_never

from market.benefits.rules import RegisterKind
from market.errors import MarketError
from market.money import MAX_FEN, WHOLE_BP
from market.quantities import MILLI_MU


class Source(StrEnum):
    """Where share capital comes from; a formula may count one source apart."""

    OWN = "own"
    LAND = "land"
    GRANT = "grant"
    LOAN = "loan"


class Part(StrEnum):
    """What a household brings in beside or instead of its base share."""

    BASE = "base"
    OWN_FUNDS = "own_funds"
    TENDING = "tending"
    LAND = "land"


HELD_FOR: Mapping[Part, tuple[Source, str, str]] = {
    Part.BASE: (Source.GRANT, "grant shares", "配股"),
    Part.OWN_FUNDS: (Source.OWN, "money of its own", "自筹资金"),
    Part.LAND: (Source.LAND, "land", "土地入股"),
}
"""What capital a household holds for a part. Tending is work on the land, of which every mode states the area."""


@dataclass(frozen=True, slots=True)
class ShareMode:
    """A mode in which households hold shares: what they bring in, and their part of the profit."""

    code: str
    name: str
    parts: Sequence[Part]
    household_bp: int


@dataclass(frozen=True, slots=True)
class SchemeCapital:
    """What was put into the land of a place, in fen, and how much of it is public money, quantified to households.

    乐业: 150 of 300 million yuan over 20,000 mu are a base share of 7,500 yuan a mu, 50 % of 15,000. Source: domain.md
    §10, Leye.
    """

    public_fen: int
    whole_fen: int
    area_milli_mu: int

    def base_share_fen(self, area_milli_mu: int = MILLI_MU) -> int:
        """Return the public money on so much land, a mu unless told otherwise, in the whole fen."""
        return self.public_fen * area_milli_mu // self.area_milli_mu

    @property
    def base_bp(self) -> int:
        """Return what part of the capital is public, in the whole basis point."""
        return self.public_fen * WHOLE_BP // self.whole_fen


@dataclass(frozen=True, slots=True)
class ShareScheme:
    """The modes of a place, the bounds of a household's part, the years in which it pays, the capital where stated.

    The first year is the first of at most `years`: from 2020 for 15 years is 2020 to 2034.
    """

    first_year: int
    years: int
    lowest_bp: int
    highest_bp: int
    modes: Sequence[ShareMode]
    capital: SchemeCapital | None = None

    @property
    def last_year(self) -> int:
        """Return the last year that pays."""
        return self.first_year + self.years - 1


@dataclass(frozen=True, slots=True)
class Holding:
    """A household's share capital by source, in fen, its land in thousandths of a mu (0: none), its mode if any."""

    household: str
    own_fen: int = 0
    land_fen: int = 0
    grant_fen: int = 0
    loan_fen: int = 0
    area_milli_mu: int = 0
    mode: str = ""

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
    """What a version says, household by household; ids as text. Shares may be held in the modes of a scheme."""

    kind: RegisterKind
    rows: Sequence[Row]
    scheme: ShareScheme | None = None

    def canonical(self) -> bytes:
        """Return the one byte string that is hashed and pinned: sorted keys, rows by household, no spaces."""
        return json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def sha256(self) -> str:
        """Return the hash that distributions pin."""
        return sha256(self.canonical()).hexdigest()

    def as_json(self) -> dict[str, object]:
        """Return the body as JSON values, in canonical order: its rows under the name of its kind."""
        rows = [asdict(row) for row in sorted(self.rows, key=lambda row: row.household)]
        return {self.kind.value: rows} | ({"scheme": _scheme_json(self.scheme)} if self.scheme else {})


def _scheme_json(scheme: ShareScheme) -> dict[str, object]:
    modes = [asdict(mode) | {"parts": sorted(mode.parts)} for mode in sorted(scheme.modes, key=lambda mode: mode.code)]
    stored = asdict(scheme) | {"modes": modes}
    return {name: value for name, value in stored.items() if value is not None}


def register_body(stored: Mapping[str, Any]) -> RegisterBody:
    """Return the body from its stored JSON."""
    (kind,) = (kind for kind in RegisterKind if kind in stored)
    scheme = stored.get("scheme")
    rows = tuple(_ROW[kind](**row) for row in stored[kind])
    return RegisterBody(kind, rows, _scheme(scheme) if scheme else None)


def _scheme(stored: Mapping[str, Any]) -> ShareScheme:
    modes = tuple(_mode(mode) for mode in stored["modes"])
    capital = stored.get("capital")
    return ShareScheme(**{**stored, "modes": modes, "capital": SchemeCapital(**capital) if capital else None})


def _mode(stored: Mapping[str, Any]) -> ShareMode:
    parts = tuple(Part(part) for part in stored["parts"])
    return ShareMode(stored["code"], stored["name"], parts, stored["household_bp"])


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
            case _ as unreachable:
                assert_never(unreachable)
    return found


def check_register(body: RegisterBody) -> None:
    """Raise `RegisterBodyError` unless the body is sound: rows of its kind, one a household, each worth something.

    Raises `ModePartMissingError` for a household without what its mode takes.
    """
    _check_scheme(body)
    _check_parts(body)
    _check_capital(body)
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


def _check_scheme(body: RegisterBody) -> None:
    """Refuse modes without bounds, outside them, or unknown ones; shares alone have modes."""
    scheme = body.scheme
    known = {mode.code for mode in scheme.modes} if scheme else {""}
    for index, row in enumerate(body.rows):
        if isinstance(row, Holding) and row.mode not in known:
            raise RegisterBodyError(
                reason="a household holds in a mode that the scheme does not have",
                reason_zh="股份模式不在方案中",
                pointer=f"/{body.kind}/{index}/mode",
            )
    if scheme is None:
        return
    if body.kind is not RegisterKind.SHARES:
        raise RegisterBodyError(reason="shares alone have modes", reason_zh="只有股份登记有股份模式", pointer="/scheme")
    if scheme.years <= 0 or not 0 < scheme.lowest_bp <= scheme.highest_bp <= WHOLE_BP:
        raise RegisterBodyError(
            reason="its bounds or its years are none", reason_zh="比例上下限或年限有误", pointer="/scheme"
        )
    if len(known) < len(scheme.modes):
        raise RegisterBodyError(reason="a mode is stated twice", reason_zh="股份模式重复", pointer="/scheme/modes")
    for index, mode in enumerate(scheme.modes):
        pointer = f"/scheme/modes/{index}"
        if not mode.parts or len(set(mode.parts)) < len(mode.parts):
            raise RegisterBodyError(
                reason="a mode has no parts, or one twice", reason_zh="股份构成有误", pointer=f"{pointer}/parts"
            )
        if not scheme.lowest_bp <= mode.household_bp <= scheme.highest_bp:
            raise RegisterBodyError(
                reason="a mode pays households less or more than the scheme's bounds",
                reason_zh="农户收益比例超出方案规定的上下限",
                pointer=f"{pointer}/household_bp",
            )


def _check_parts(body: RegisterBody) -> None:
    """Refuse a household that holds in a mode without the capital of each of its parts."""
    parts = {mode.code: mode.parts for mode in body.scheme.modes} if body.scheme else {}
    holdings = [(index, row) for index, row in enumerate(body.rows) if isinstance(row, Holding)]
    for index, row in holdings:
        for part in parts.get(row.mode, ()):
            if part in HELD_FOR and not row.capital_fen({HELD_FOR[part][0]}):
                source, capital, capital_zh = HELD_FOR[part]
                pointer = f"/{body.kind}/{index}/{source}_fen"
                raise ModePartMissingError(mode=row.mode, capital=capital, capital_zh=capital_zh, pointer=pointer)


def _check_capital(body: RegisterBody) -> None:
    """Refuse capital without land, households' part below the public money's, and who lacks the base share."""
    scheme = body.scheme
    if scheme is None or scheme.capital is None:
        return
    capital = scheme.capital
    if capital.area_milli_mu <= 0 or not 0 < capital.public_fen <= capital.whole_fen:
        raise RegisterBodyError(
            reason="its public money is no part of its capital, or there is no land",
            reason_zh="财政资金须为总投入的一部分,且须载明面积",
            pointer="/scheme/capital",
        )
    if scheme.lowest_bp * capital.whole_fen < capital.public_fen * WHOLE_BP:
        raise RegisterBodyError(
            reason="households' part may be less than the public money's part of the capital",
            reason_zh="农户收益比例下限低于财政资金所占比例",
            pointer="/scheme/lowest_bp",
        )
    based = {mode.code for mode in scheme.modes if Part.BASE in mode.parts}
    for index, row in enumerate(body.rows):
        if isinstance(row, Holding) and row.mode in based and row.grant_fen < capital.base_share_fen(row.area_milli_mu):
            raise RegisterBodyError(
                reason="a household holds less of the grant than the base share of its land",
                reason_zh="农户配股少于其面积对应的基础股",
                pointer=f"/{body.kind}/{index}/grant_fen",
            )


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
        case _ as unreachable:
            assert_never(unreachable)


def _check_holding(row: Holding, pointer: str) -> None:
    amounts = {
        "own_fen": row.own_fen,
        "land_fen": row.land_fen,
        "grant_fen": row.grant_fen,
        "loan_fen": row.loan_fen,
        "area_mu": row.area_milli_mu,
    }
    for name, amount in amounts.items():
        if amount < 0:
            raise RegisterBodyError(
                reason="an amount is negative", reason_zh="金额或面积不能为负", pointer=f"{pointer}/{name}"
            )
    if not row.capital_fen():
        raise RegisterBodyError(reason="a household holds no capital", reason_zh="农户没有股金", pointer=pointer)
    if (row.land_fen or row.mode) and not row.area_milli_mu:
        raise RegisterBodyError(
            reason="land is valued, or its profit shared, without its area",
            reason_zh="土地入股或按亩分红须载明面积",
            pointer=f"{pointer}/area_mu",
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


class SchemeBeyondRuleError(MarketError):
    """A scheme states bounds and years within those that the rule of its place allows."""

    en = "The rule of {region} gives households {lowest} % to {highest} % in the years {first} to {last}."
    zh = "{region} 的规定:农户收益比例为 {lowest} % 至 {highest} %,分红年度为 {first} 至 {last} 年,股份方案不得超出。"


class ModePartMissingError(MarketError):
    """Who holds in a mode has put in what the mode takes: it is why the mode pays more."""

    en = "The mode {mode} takes {capital}; this household has put in none."
    zh = "股份模式「{mode}」须有{capital_zh},该农户没有。"


class RegisterBodyError(MarketError):
    """The register cannot be carried out as written."""

    en = "The register is not sound: {reason}."
    zh = "名册不成立:{reason_zh}。"
