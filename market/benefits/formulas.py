"""The formulas of a period's distribution, pure: figures of the period and a register in, who is due what out.

Every amount is whole fen. What a total is split into sums to it exactly (largest remainder, ties by hash); what each
household is promised by itself (a rate on its capital, a share of the profit of its land) is the whole fen of it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import NamedTuple

from market import money
from market.benefits.holdings import MILLI_MU, Entitlement, Holding, RegisterBody, Source, weights
from market.benefits.rules import Payee
from market.errors import MarketError

PATRONAGE_FLOOR_BP = 6_000
"""What at least of the distributable surplus goes by volume (农民专业合作社法 art. 44, of 2017)."""

DAYS_OF_YEAR = 365
"""A rate is for a year of 365 days; a whole year bears the whole rate, a leap year too."""


class Due(NamedTuple):
    """What a distribution gives to a household or a collective (id as text), in fen."""

    payee: Payee
    payee_id: str
    fen: int


@dataclass(frozen=True, slots=True)
class Patronage:
    """How a surplus is divided (fen): reserve + by volume + by capital = surplus; the dues sum to the last two."""

    reserve_fen: int
    by_volume_fen: int
    by_capital_fen: int
    dues: Sequence[Due]

    @property
    def distributable_fen(self) -> int:
        """Return what is left of the surplus after the reserve."""
        return self.by_volume_fen + self.by_capital_fen


def patronage(
    surplus_fen: int,
    reserve_bp: int,
    by_volume_bp: int,
    volumes: Sequence[tuple[str, int]],
    members: RegisterBody,
    *,
    salt: str,
) -> Patronage:
    """Divide a cooperative's surplus of a period over its members.

    The reserve comes off first, in whole fen. Of the rest `by_volume_bp`, and the fraction of a fen, goes by the
    members' volumes (any one unit); what remains goes by share capital, for which the property that grants made
    counts to every member alike, whoever's name it stands in.

    Source: 农民专业合作社法 (2017) art. 42 (reserve), 44 (return by volume, at least 60 %; the rest by contribution,
    and by property from grants and gifts averaged over the members).

    Raises `PatronageFloorError`, `NoSurplusError`, `NotMemberError`, or `NoWeightError` when the volumes are all zero.
    """
    if surplus_fen <= 0 or not 0 <= reserve_bp < money.WHOLE_BP:
        raise NoSurplusError
    if not PATRONAGE_FLOOR_BP <= by_volume_bp <= money.WHOLE_BP:
        raise PatronageFloorError(floor=_percent(PATRONAGE_FLOOR_BP), asked=_percent(by_volume_bp))
    capital = _with_averaged_grants(members)
    strangers = {household for household, _ in volumes} - {household for household, _ in capital}
    if strangers:
        raise NotMemberError(household=min(strangers))
    reserve_fen = money.share_bp(surplus_fen, reserve_bp)
    distributable_fen = surplus_fen - reserve_fen
    by_capital_fen = money.share_bp(distributable_fen, money.WHOLE_BP - by_volume_bp)
    by_volume_fen = distributable_fen - by_capital_fen
    by_volume = _split(by_volume_fen, volumes, f"{salt}|volume")
    by_capital = _split(by_capital_fen, capital, f"{salt}|capital")
    return Patronage(reserve_fen, by_volume_fen, by_capital_fen, _summed([*by_volume, *by_capital]))


def _with_averaged_grants(members: RegisterBody) -> list[tuple[str, int]]:
    """Return capital with grant property averaged, all times the number of members, so that weights stay whole."""
    own = weights(members, set(Source) - {Source.GRANT})
    granted_fen = sum(fen for _, fen in weights(members, {Source.GRANT}))
    return [(household, fen * len(own) + granted_fen) for household, fen in own]


def dividend(
    total_fen: int, register: RegisterBody, *, sources: Collection[Source] = tuple(Source), salt: str
) -> list[Due]:
    """Split a total over a register: by share capital from these sources, entrusted capital, or listed weights.

    Raises `NoWeightError` when nobody has a weight, as where no share comes from these sources.
    """
    return _summed(_split(total_fen, weights(register, sources), salt))


def custody(entitlements: RegisterBody, *, years: int = 0, days: int = 0) -> list[Due]:
    """Return what entrusted capital has earned in whole years and days, households and collectives each their part.

    Each part is the whole fen of capital x its yearly rate x time; a collective's parts are summed over the
    households. The agreement's sum is due whatever the produce brought, so it is not split but promised.

    Raises `PeriodError` for no time, or a negative one.
    """
    if years < 0 or days < 0 or not years + days:
        raise PeriodError
    length = years * DAYS_OF_YEAR + days
    dues: list[Due] = []
    for row in entitlements.rows:
        if isinstance(row, Entitlement):
            dues.append(Due(Payee.HOUSEHOLD, row.household, _earned(row.capital_fen, row.household_bp, length)))
            dues.append(Due(Payee.COLLECTIVE, row.collective, _earned(row.capital_fen, row.collective_bp, length)))
    return _summed(dues)


def _earned(capital_fen: int, rate_bp: int, days: int) -> int:
    return capital_fen * rate_bp * days // (money.WHOLE_BP * DAYS_OF_YEAR)


def profit_share(profit_fen_per_mu: int, year: int, shares: RegisterBody) -> list[Due]:
    """Return each household's part of a year's profit of its land, by the mode in which it holds its shares.

    The register says with its scheme which modes there are, what part of the profit each pays, between which bounds,
    and in which years: 乐业 pays 50 % to 94.2 % from 2020, at most 15 years, so 2034 is the last. Source:
    domain.md §10, Leye.

    Raises `SchemeMissingError`, `SchemeYearError` or `NoSurplusError`.
    """
    scheme = shares.scheme
    if scheme is None:
        raise SchemeMissingError
    if not scheme.first_year <= year <= scheme.last_year:
        raise SchemeYearError(year=year, first=scheme.first_year, last=scheme.last_year)
    if profit_fen_per_mu < 0:
        raise NoSurplusError
    parts = {mode.code: mode.household_bp for mode in scheme.modes}
    return _summed(
        Due(Payee.HOUSEHOLD, row.household, _of_land(profit_fen_per_mu, row.area_milli_mu, parts[row.mode]))
        for row in shares.rows
        if isinstance(row, Holding)
    )


def _of_land(profit_fen_per_mu: int, area_milli_mu: int, bp: int) -> int:
    return profit_fen_per_mu * area_milli_mu * bp // (MILLI_MU * money.WHOLE_BP)


class BaseShare(NamedTuple):
    """Public money quantified to the land: fen per mu, and what part that is of the whole capital of a mu."""

    fen_per_mu: int
    bp: int


def base_share(public_fen: int, whole_fen: int, area_milli_mu: int) -> BaseShare:
    """Return the base share of a mu, in the whole fen, and the least part of the profit that it stands for.

    Source: domain.md §10, Leye: 150 of 300 million yuan over 20,000 mu. Raises `NoWeightError` without
    land or capital.
    """
    if area_milli_mu <= 0 or not 0 < public_fen <= whole_fen:
        raise NoWeightError
    return BaseShare(public_fen * MILLI_MU // area_milli_mu, public_fen * money.WHOLE_BP // whole_fen)


def yuan_per_unit(fen: int, quantity_milli: int, unit_milli: int) -> str:
    """Return an amount per unit in yuan, exactly: as a decimal where there is one, else as a fraction.

    25,200,000 fen over 8,000,000 jin → `0.0315`. Raises `NoWeightError` for no quantity.
    """
    if quantity_milli <= 0:
        raise NoWeightError
    above, below = fen * unit_milli, quantity_milli * 100
    shared = gcd(above, below)
    above, below = above // shared, below // shared
    places, scale = 0, below
    for factor in (2, 5):
        power = 0
        while scale % factor == 0:
            scale //= factor
            power += 1
        places = max(places, power)
    if scale != 1:
        return f"{above}/{below}"
    whole, rest = divmod(above * 10**places // below, 10**places)
    return f"{whole}.{rest:0{places}d}" if places else str(whole)


def _split(total_fen: int, weighted: Sequence[tuple[str, int]], salt: str) -> list[Due]:
    if not total_fen:
        return []
    try:
        parts = money.allocate(total_fen, weighted, salt=salt)
    except money.AllocationError:
        raise NoWeightError from None
    return [Due(Payee.HOUSEHOLD, key, part) for (key, _), part in zip(weighted, parts, strict=True)]


def _summed(dues: Iterable[Due]) -> list[Due]:
    """Return one due a payee, by kind and id, those of nothing left out."""
    sums: dict[tuple[Payee, str], int] = defaultdict(int)
    for due in dues:
        sums[due.payee, due.payee_id] += due.fen
    return [Due(*key, fen) for key, fen in sorted(sums.items()) if fen]


def _percent(bp: int) -> str:
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


class NotMemberError(MarketError):
    """Volumes are returned to members; business with others is booked apart."""

    en = "Household {household} has a volume and is not on the members' register."
    zh = "农户 {household} 有交易量但不在成员名册中。"


class NoWeightError(MarketError):
    """An amount can only be split over somebody."""

    en = "Nobody has a weight by which to split the amount."
    zh = "没有可用于分配的权重。"


class PeriodError(MarketError):
    """A return is earned over time."""

    en = "The period has no length."
    zh = "期间长度须大于零。"


class SchemeMissingError(MarketError):
    """A share of the profit of land follows from the modes that the register states."""

    en = "The register states no scheme of share modes."
    zh = "名册未载明股份模式。"


class SchemeYearError(MarketError):
    """A scheme of share modes pays in its own years only."""

    en = "The scheme pays for {first} to {last}, not for {year}."
    zh = "该股份方案的分红年度为 {first} 至 {last} 年,不含 {year} 年。"
