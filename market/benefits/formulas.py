"""The formulas of a period's distribution, pure: figures of the period and a register in, who is due what out.

Every amount is whole fen. What a total is split into sums to it exactly (largest remainder, ties by hash); what each
household is promised by itself (a rate on its capital, a share of the profit of its land) is the whole fen of it.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from market import money
from market.benefits.holdings import Entitlement, Holding, RegisterBody, ShareScheme, Source, weights
from market.benefits.rules import MONTHS_OF_YEAR, PATRONAGE_FLOOR_BP, Payee
from market.errors import MarketError
from market.quantities import MILLI_MU


class Due(NamedTuple):
    """What a distribution gives to a household or a collective (id as text), in fen, and the weight that it follows."""

    payee: Payee
    payee_id: str
    weight: int
    fen: int


class Surplus(NamedTuple):
    """How a surplus is divided (fen): reserve + by volume + by capital = surplus."""

    reserve_fen: int
    by_volume_fen: int
    by_capital_fen: int


def divided(surplus_fen: int, reserve_bp: int, by_volume_bp: int) -> Surplus:
    """Divide a cooperative's surplus of a period.

    The reserve comes off first, in whole fen. Of the rest `by_volume_bp`, and the fraction of a fen, goes by the
    members' volumes; what remains goes by share capital, a dividend of its own.

    Source: 农民专业合作社法 (2017) art. 42 (reserve), 44 (return by volume, at least 60 %).

    Raises `PatronageFloorError` or `NoSurplusError`.
    """
    if surplus_fen <= 0 or not 0 <= reserve_bp < money.WHOLE_BP:
        raise NoSurplusError
    if not PATRONAGE_FLOOR_BP <= by_volume_bp <= money.WHOLE_BP:
        raise PatronageFloorError(
            floor=percent(PATRONAGE_FLOOR_BP), asked=percent(by_volume_bp), pointer="/formula/by_volume_bp"
        )
    reserve_fen = money.share_bp(surplus_fen, reserve_bp)
    distributable_fen = surplus_fen - reserve_fen
    by_capital_fen = money.share_bp(distributable_fen, money.WHOLE_BP - by_volume_bp)
    return Surplus(reserve_fen, distributable_fen - by_capital_fen, by_capital_fen)


def by_weight(total_fen: int, weighted: Sequence[tuple[str, int]], *, salt: str) -> list[Due]:
    """Split a total over households by weight, as a patronage is by volumes (any one unit).

    Raises `NoWeightError` when nobody has a weight.
    """
    keyed = [(f"{Payee.HOUSEHOLD}:{household}", weight) for household, weight in weighted]
    try:
        parts = money.allocate(total_fen, keyed, salt=salt)
    except money.AllocationError:
        raise NoWeightError from None
    return [Due(Payee.HOUSEHOLD, *each, part) for each, part in zip(weighted, parts, strict=True)]


def dividend(
    total_fen: int,
    register: RegisterBody,
    *,
    sources: Collection[Source] = tuple(Source),
    averages_grants: bool = False,
    salt: str,
) -> list[Due]:
    """Split a total over a register: by share capital from these sources, entrusted capital, or listed weights.

    Where it averages grants, the property that they made counts to every member alike, to the fen, whoever's name it
    stands in: so is what a surplus leaves to capital shared (农民专业合作社法 art. 44).

    Raises `NoWeightError` when nobody has a weight, as where no share comes from these sources.
    """
    if not averages_grants:
        return by_weight(total_fen, weights(register, sources), salt=salt)
    own = weights(register, set(sources) - {Source.GRANT})
    granted = sum(fen for _, fen in weights(register, set(sources) & {Source.GRANT}))
    quantified = by_weight(granted, [(household, 1) for household, _ in own], salt=f"{salt}|grants")
    capital = [(household, fen + each.fen) for (household, fen), each in zip(own, quantified, strict=True)]
    return by_weight(total_fen, capital, salt=salt)


def custody(entitlements: RegisterBody, *, months: int) -> list[Due]:
    """Return what entrusted capital has earned in some months, households and collectives each their part.

    Each part is the whole fen of capital x its yearly rate x twelfths of a year; a collective's parts are summed over
    the households. The agreement's sum is due whatever the produce brought, so it is not split but promised.
    """
    rows = [row for row in entitlements.rows if isinstance(row, Entitlement)]
    dues = [
        Due(Payee.HOUSEHOLD, row.household, row.capital_fen, _earned(row.capital_fen, row.household_bp, months))
        for row in rows
    ]
    sums: dict[str, tuple[int, int]] = {}
    for row in rows:
        capital_fen, fen = sums.get(row.collective, (0, 0))
        fen += _earned(row.capital_fen, row.collective_bp, months)
        sums[row.collective] = capital_fen + row.capital_fen, fen
    return [*dues, *(Due(Payee.COLLECTIVE, collective, *each) for collective, each in sorted(sums.items()))]


def _earned(capital_fen: int, rate_bp: int, months: int) -> int:
    return capital_fen * rate_bp * months // (money.WHOLE_BP * MONTHS_OF_YEAR)


def profit_share(profit_fen_per_mu: int, shares: RegisterBody, *, begins: int, ends: int) -> list[Due]:
    """Return each household's part of the profit of its land, by the mode in which it holds its shares.

    The register says with its scheme which modes there are, what part of the profit each pays, between which bounds,
    and in which years: 乐业 pays 50 % to 94.2 % from 2020, at most 15 years, so 2034 is the last. The profit was made
    from the year `begins` to the year `ends`, and both must pay. Source: domain.md §10, Leye.

    Raises `SchemeMissingError`, `SchemeYearError` or `NoSurplusError`.
    """
    scheme = shares.scheme
    if scheme is None:
        raise SchemeMissingError(pointer="/formula/register_version_id")
    for year, pointer in ((begins, "/period_from"), (ends, "/period_to")):
        if not scheme.first_year <= year <= scheme.last_year:
            raise SchemeYearError(year=year, first=scheme.first_year, last=scheme.last_year, pointer=pointer)
    if profit_fen_per_mu < 0:
        raise NoSurplusError
    return [
        Due(Payee.HOUSEHOLD, row.household, row.area_milli_mu, _of_land(profit_fen_per_mu, row.area_milli_mu, bp))
        for row, bp in _in_modes(shares, scheme)
    ]


def by_land(shares: RegisterBody) -> list[tuple[str, int]]:
    """Return the weight of each household (id as text) in the profit of land: its land x the basis points of its mode.

    Raises `SchemeMissingError`.
    """
    if shares.scheme is None:
        raise SchemeMissingError
    return [(row.household, row.area_milli_mu * bp) for row, bp in _in_modes(shares, shares.scheme)]


def _in_modes(shares: RegisterBody, scheme: ShareScheme) -> list[tuple[Holding, int]]:
    """Return each holding with the household's part of the profit in its mode (basis points)."""
    parts = {mode.code: mode.household_bp for mode in scheme.modes}
    return [(row, parts[row.mode]) for row in shares.rows if isinstance(row, Holding)]


def _of_land(profit_fen_per_mu: int, area_milli_mu: int, bp: int) -> int:
    return profit_fen_per_mu * area_milli_mu * bp // (MILLI_MU * money.WHOLE_BP)


def percent(bp: int) -> str:
    """Return basis points as per cent to read: 5900 → `59`, 9430 → `94.3`."""
    return f"{bp // 100}.{bp % 100:02d}".rstrip("0").rstrip(".")


class PatronageFloorError(MarketError):
    """The law sets how much of a surplus members get back by what they delivered."""

    en = "At least {floor} % of the distributable surplus goes by volume, not {asked} %."
    zh = "可分配盈余按交易量返还的比例不得低于 {floor} %(现为 {asked} %)。"


class NoSurplusError(MarketError):
    """There is nothing to distribute: no surplus, or the reserve takes all of it."""

    en = "There is no surplus left to distribute."
    zh = "没有可分配盈余。"


class NoWeightError(MarketError):
    """An amount can only be split over somebody."""

    en = "Nobody has a weight by which to split the amount."
    zh = "没有可用于分配的权重。"


class SchemeMissingError(MarketError):
    """A share of the profit of land follows from the modes that the register states."""

    en = "The register states no scheme of share modes."
    zh = "名册未载明股份模式。"


class SchemeYearError(MarketError):
    """A scheme of share modes pays in its own years only."""

    en = "The scheme pays for {first} to {last}, not for {year}."
    zh = "该股份方案的分红年度为 {first} 至 {last} 年,不含 {year} 年。"
