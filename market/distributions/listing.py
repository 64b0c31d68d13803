"""Listing: from a register version or the volumes of a period to who is given how much, by a named formula."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.rules import Kind
from market.benefits import formulas, registers
from market.benefits import service as benefits
from market.benefits.formulas import Due, Surplus
from market.benefits.holdings import RegisterBody, Source, register_body
from market.benefits.models import Register, RegisterVersion
from market.benefits.rules import Mechanism, PlanStatus, RegisterKind
from market.distributions.models import Distribution
from market.distributions.queries import Volumes, sharing_the_remainder, volumes
from market.distributions.rules import (
    GIVES,
    ConsignedHasNoValueError,
    Counted,
    DistributionStatus,
    Excluded,
    Item,
    MixedUnitsError,
    MonthsBeyondPeriodError,
    NobodyListedError,
    NoRemainderError,
    Period,
    RegisterNotInForceError,
    RemainderAmountError,
    RemainderSharedError,
    basis,
    salt,
)
from market.errors import InvalidInputError, NotFoundError
from market.households import queries as households
from market.money import yuan


@dataclass(frozen=True, slots=True)
class Patronage:
    """Return by volume: of the surplus less its reserve, a part by what each household delivered in the period."""

    surplus_fen: int
    by_volume_bp: int
    counted: Counted


@dataclass(frozen=True, slots=True)
class Dividend:
    """An amount by the capital that a share register shows, from some of its sources.

    It may be what a return by volume of the same period leaves of the surplus: all of it (农民专业合作社法 art. 44).
    """

    register_version_id: UUID
    amount_fen: int
    sources: Collection[Source]
    averages_grants: bool = False
    remainder_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class Custody:
    """What entrusted capital has earned in some months, by the rates of the entitlements."""

    register_version_id: UUID
    months: int


@dataclass(frozen=True, slots=True)
class Profit:
    """What a mu of land has brought in the period, to each household by its land and the mode of its shares."""

    register_version_id: UUID
    profit_fen_per_mu: int


Formula = Patronage | Dividend | Custody | Profit

_READS: Mapping[type[Formula], RegisterKind] = {
    Dividend: RegisterKind.SHARES,
    Custody: RegisterKind.ENTITLEMENTS,
    Profit: RegisterKind.SHARES,
}


@dataclass(frozen=True, slots=True)
class Listing:
    """A list with all that it follows from; the formula's inputs as they are stored."""

    mechanism: Mechanism
    inputs: Mapping[str, Any]
    items: Sequence[Item]
    version: RegisterVersion | None = None
    lot_ids: Sequence[UUID] | None = None
    remainder_fen: int | None = None
    remainder_of: UUID | None = None

    def basis(self, supplier_id: UUID) -> str:
        """Return what the list shares out once for a day: the register's, whatever its version, or the supplier's."""
        return basis(self.inputs["formula"], self.version.register_id if self.version else supplier_id)

    @property
    def amount_fen(self) -> int:
        """Return what the list comes to, with what is for people who may not be paid."""
        return sum(item.fen for item in self.items)

    @property
    def kept_fen(self) -> int:
        """Return what of it is for people who may not be paid."""
        return sum(item.fen for item in self.items if item.excluded)


def listing(session: orm.Session, supplier_id: UUID, formula: Formula, period: Period) -> Listing:
    """Compute a supplier's list for a period, eight statements at most.

    By which version of a register, by which reserve, and who may be paid, is judged on the period's last day. Raises
    `NotFoundError` (the register version), `RegisterNotInForceError`, `MonthsBeyondPeriodError`, `NobodyListedError`,
    `MixedUnitsError`, `ConsignedHasNoValueError`, `NoRemainderError`, `RemainderSharedError`, `RemainderAmountError`,
    `InvalidInputError`, or what the formula does.
    """
    version, lot_ids, remainder_fen, inputs = None, None, None, _inputs(formula)
    remainder_of = formula.remainder_of if isinstance(formula, Dividend) else None
    mechanism = GIVES[inputs["formula"]]
    name = salt(supplier_id, mechanism, period)
    if isinstance(formula, Patronage):
        counted = volumes(session, supplier_id, period)
        reserve_bp = benefits.reserve_bp_on(session, supplier_id, period.ends_on)
        surplus = formulas.divided(formula.surplus_fen, reserve_bp, formula.by_volume_bp)
        dues, lot_ids = _patronage(counted, formula, surplus, name), counted.lot_ids
        remainder_fen = surplus.by_capital_fen
        inputs["reserve_bp"] = reserve_bp
    else:
        kind, pointer = _READS[type(formula)], "/formula/register_version_id"
        version = approved_version(session, formula.register_version_id, supplier_id, kind, pointer=pointer)
        if isinstance(formula, Dividend):
            _check_remainder(session, supplier_id, formula, period)
        dues = _by_register(register_body(version.body), formula, period, name)
        check_in_force(session, version, period.ends_on, pointer=pointer)
    items = judge(session, dues, supplier_id=supplier_id, on=period.ends_on)
    return Listing(mechanism, inputs, items, version, lot_ids, remainder_fen, remainder_of)


def _check_remainder(session: orm.Session, supplier_id: UUID, formula: Dividend, period: Period) -> None:
    """Raise unless a dividend that is to share what a return by volume leaves shares that, whole and once.

    Grants that count to every member alike do so beside all other capital: with a source left out they could be too.
    """
    if formula.remainder_of is None:
        return
    if formula.averages_grants and set(formula.sources) != set(Source):
        reason = "where a remainder is shared and grants are averaged, all sources of capital count"
        reason_zh = "按比例分配剩余盈余且财政补助平均量化时,须计入全部出资来源"
        raise InvalidInputError(reason, reason_zh, pointer="/formula/sources")
    pointer = "/formula/remainder_of"
    own = sa.select(Distribution).where(
        Distribution.id == formula.remainder_of, Distribution.supplier_id == supplier_id
    )
    shared = session.scalar(own)
    if shared is None:
        raise NotFoundError(what="distribution", pointer=pointer)
    of_period = (shared.period_from, shared.period_to) == (period.begins_on, period.ends_on)
    if shared.remainder_fen is None or shared.status is not DistributionStatus.APPROVED or not of_period:
        raise NoRemainderError(begins_on=period.begins_on, ends_on=period.ends_on, pointer=pointer)
    if other := sharing_the_remainder(session, shared.id):
        raise RemainderSharedError(distribution=other, pointer=pointer)
    if formula.amount_fen != shared.remainder_fen:
        remainder, asked = yuan(shared.remainder_fen), yuan(formula.amount_fen)
        raise RemainderAmountError(remainder=remainder, asked=asked, pointer="/formula/amount_fen")


def _inputs(formula: Formula) -> dict[str, Any]:
    match formula:
        case Patronage():
            return {
                "formula": "patronage",
                "surplus_fen": formula.surplus_fen,
                "by_volume_bp": formula.by_volume_bp,
                "counted": formula.counted.value,
            }
        case Dividend():
            return {
                "formula": "dividend",
                "amount_fen": formula.amount_fen,
                "sources": sorted(formula.sources),
                "averages_grants": formula.averages_grants,
            }
        case Custody():
            return {"formula": "custody", "months": formula.months}
        case Profit():
            return {"formula": "profit", "profit_fen_per_mu": formula.profit_fen_per_mu}


def approved_version(
    session: orm.Session, version_id: UUID, organisation_id: UUID, kind: RegisterKind, *, pointer: str
) -> RegisterVersion:
    """Return an approved version of a register of this kind that the organisation keeps; raises `NotFoundError`."""
    found = session.scalar(
        sa.select(RegisterVersion)
        .join(Register, Register.id == RegisterVersion.register_id)
        .where(
            RegisterVersion.id == version_id,
            RegisterVersion.status == PlanStatus.APPROVED,
            Register.organisation_id == organisation_id,
            Register.kind == kind,
        )
    )
    if found is None:
        raise NotFoundError(what="register_version", pointer=pointer)
    return found


def check_in_force(session: orm.Session, version: RegisterVersion, on: date, *, pointer: str | None = None) -> None:
    """Raise `RegisterNotInForceError` unless the version holds on a day: it says who then had what."""
    if registers.version_on(session, version.register_id, on) is not version:
        raise RegisterNotInForceError(number=version.number, on=on, pointer=pointer)


def _patronage(counted: Volumes, formula: Patronage, surplus: Surplus, name: str) -> list[Due]:
    if not counted.by_household:
        raise NobodyListedError(reason="nothing was delivered in the period", reason_zh="本期没有交售记录")
    return formulas.by_weight(surplus.by_volume_fen, delivered(counted, formula.counted), salt=name)


def delivered(counted: Volumes, by: Counted) -> list[tuple[str, int]]:
    """Return how much each household delivered, by volume or by value."""
    if by is Counted.VALUE:
        worth = [(str(each.household_id), each.fen) for each in counted.by_household if each.fen is not None]
        if consigned := len(counted.by_household) - len(worth):
            raise ConsignedHasNoValueError(count=consigned, pointer="/formula/counted")
        return worth
    if len(counted.units) > 1:
        raise MixedUnitsError(unit=tuple(sorted(counted.units)), pointer="/formula/counted")
    return [(str(each.household_id), each.milli) for each in counted.by_household]


def _by_register(body: RegisterBody, formula: Dividend | Custody | Profit, period: Period, name: str) -> list[Due]:
    match formula:
        case Dividend():
            return formulas.dividend(
                formula.amount_fen, body, sources=formula.sources, averages_grants=formula.averages_grants, salt=name
            )
        case Custody():
            if formula.months > period.months:
                raise MonthsBeyondPeriodError(whole=period.months, asked=formula.months, pointer="/formula/months")
            return formulas.custody(body, months=formula.months)
        case Profit():
            return formulas.profit_share(
                formula.profit_fen_per_mu, body, begins=period.begins_on.year, ends=period.ends_on.year
            )


def judge(session: orm.Session, dues: Sequence[Due], *, supplier_id: UUID | None, on: date) -> list[Item]:
    """Say of each household how it stood on a day and, if it may not be paid, why; without a supplier by the register.

    With a supplier it must be enrolled there, as nobody else can be paid by it.
    """
    items = [Item(Kind(due.payee), UUID(due.payee_id), due.weight, due.fen) for due in dues]
    ids = [item.payee_id for item in items if item.kind is Kind.HOUSEHOLD]
    eligibility = households.eligibility_on(session, ids, on)
    enrolled = benefits.enrolled(session, supplier_id, ids) if supplier_id else None
    judged: list[Item] = []
    for item in items:
        if item.kind is Kind.COLLECTIVE:
            judged.append(item)
            continue
        found = eligibility.get(item.payee_id)
        excluded = None
        if found is None or not found.on_register:
            excluded = Excluded.OFF_REGISTER
        elif enrolled is not None and item.payee_id not in enrolled:
            excluded = Excluded.NOT_ENROLLED
        judged.append(item._replace(assisted=found.assisted if found and not excluded else None, excluded=excluded))
    return judged
