"""Which items and baselines an actor may see, and what items come to."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.errors import InvalidInputError, NotFoundError
from market.households.models import Household
from market.households.queries import visible_households
from market.identity.rules import Actor
from market.livelihoods.models import AccountItem, HouseholdBaseline, MonitoringLine
from market.livelihoods.rules import BaselineStatus, ItemKind


def visible_account_items(actor: Actor) -> sa.Select[AccountItem]:
    """Return the items on the accounts of the households within the actor's scope, those reversed too."""
    households = visible_households(actor).with_only_columns(Household.id)
    return sa.select(AccountItem).where(AccountItem.household_id.in_(households))


def visible_household_baselines(actor: Actor) -> sa.Select[HouseholdBaseline]:
    """Return the baselines of the households within the actor's scope."""
    households = visible_households(actor).with_only_columns(Household.id)
    return sa.select(HouseholdBaseline).where(HouseholdBaseline.household_id.in_(households))


def check_visible(session: orm.Session, actor: Actor, household_id: UUID) -> None:
    """Raise `NotFoundError` unless the actor may know of the household."""
    seen = visible_households(actor).with_only_columns(Household.id).where(Household.id == household_id)
    if session.scalar(seen) is None:
        raise NotFoundError(what="household")


def in_force() -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """Return what of the items is neither reversed nor a reversal."""
    reversing = orm.aliased(AccountItem)
    return AccountItem.reverses.is_(None), ~sa.exists().where(reversing.reverses == AccountItem.id)


class ItemSum(NamedTuple):
    """What a household's items of a kind come to in a window, in fen."""

    household_id: UUID
    kind: ItemKind
    fen: int


def item_sums(
    connection: sa.Connection,
    household_ids: Collection[UUID],
    *,
    begin: date,
    end: date,
    recorded_by: datetime | None = None,
) -> list[ItemSum]:
    """Return what items come to by household and kind, reversals taken off; known by an instant, or by now."""
    sign = sa.case((AccountItem.reverses.is_(None), 1), else_=-1)
    total = sa.cast(sa.func.sum(sign * AccountItem.amount_fen), sa.BigInteger)
    ids = sa.bindparam("ids", list(household_ids), type_=sa.ARRAY(sa.Uuid))
    found = (
        sa.select(AccountItem.household_id, AccountItem.kind, total)
        .where(AccountItem.household_id == sa.any_(ids), AccountItem.occurred_on.between(begin, end))
        .group_by(AccountItem.household_id, AccountItem.kind)
        .having(total != 0)
        .order_by(AccountItem.household_id, AccountItem.kind)
    )
    if recorded_by is not None:
        found = found.where(AccountItem.recorded_at <= recorded_by)
    return [ItemSum(*row) for row in connection.execute(found)]


def items_recorded_after(
    connection: sa.Connection, household_id: UUID, *, begin: date, end: date, instant: datetime
) -> Sequence[sa.Row[Any]]:
    """Return the items of a window that were recorded after an instant, in that order."""
    return connection.execute(
        sa.select(AccountItem)
        .where(
            AccountItem.household_id == household_id,
            AccountItem.occurred_on.between(begin, end),
            AccountItem.recorded_at > instant,
        )
        .order_by(AccountItem.id)
    ).all()


def confirmed_baselines(connection: sa.Connection, household_id: UUID) -> Sequence[sa.Row[Any]]:
    """Return a household's confirmed baselines, the latest period first."""
    columns = HouseholdBaseline.__table__.c
    found = sa.select(*columns).where(columns.household_id == household_id, columns.status == BaselineStatus.CONFIRMED)
    return connection.execute(found.order_by(columns.period_to.desc(), columns.id.desc())).all()


def monitoring_lines() -> sa.Select[MonitoringLine]:
    """Return the lines, the latest year first; they are public."""
    return sa.select(MonitoringLine).order_by(MonitoringLine.year.desc(), MonitoringLine.region_code)


def line_after(year: str, region_code: str) -> sa.ColumnElement[bool]:
    """Tell which lines come after one; raises `InvalidInputError` for a cursor that names none."""
    if not (year.isdecimal() and len(year) == 4):
        raise InvalidInputError("the cursor is not one of ours", "游标无效", pointer="/query/cursor")
    same = sa.and_(MonitoringLine.year == int(year), MonitoringLine.region_code > region_code)
    return sa.or_(MonitoringLine.year < int(year), same)
