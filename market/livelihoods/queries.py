"""Which items and baselines an actor may see, and what items come to."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import within
from market.errors import InvalidInputError, NotFoundError
from market.households.models import Household
from market.households.queries import visible_households
from market.identity.models import Organisation
from market.identity.rules import SIDE_OF, Actor, Side
from market.livelihoods.models import AccountItem, AccountItemCheck, HouseholdBaseline, MonitoringLine
from market.livelihoods.rules import BaselineStatus, CheckState, Figure, ItemKind, Supplier, Window


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


def is_checked(by: date = date.max) -> sa.ColumnElement[bool]:
    """Tell which items a second person has checked, on a day or before."""
    check = orm.aliased(AccountItemCheck)  # a statement may show the checks as well
    checked_on = sa.cast(sa.func.timezone("Asia/Shanghai", check.checked_at), sa.Date)
    return sa.exists().where(check.item_id == AccountItem.id, checked_on <= by)


def of_region(items: sa.Select[AccountItem], region_code: str, period: Window) -> sa.Select[AccountItem]:
    """Return those of the items that are of the households of a village, or of a region above it, and of a period."""
    households = sa.select(Household.id).where(within(Household.village_code, region_code))
    return items.where(
        AccountItem.household_id.in_(households), AccountItem.occurred_on.between(period.begin, period.end)
    )


def in_state(items: sa.Select[AccountItem], state: CheckState) -> sa.Select[AccountItem]:
    """Return those of the items that are checked; or that are yet to be, which what is taken back never is."""
    return items.where(is_checked()) if state is CheckState.CHECKED else items.where(~is_checked(), *in_force())


class Shown(NamedTuple):
    """An item, and that it was checked."""

    item: AccountItem
    check: AccountItemCheck | None


def shown(session: orm.Session, items: sa.Select[AccountItem]) -> list[Shown]:
    """Return items in the order asked, each with its check."""
    checked: sa.Select[Any] = items.add_columns(AccountItemCheck).outerjoin(
        AccountItemCheck, AccountItemCheck.item_id == AccountItem.id
    )
    return [Shown(*row) for row in session.execute(checked)]


def suppliers(session: orm.Session) -> list[Supplier]:
    """Return all suppliers in the market, closed ones too."""
    kinds = [kind for kind, side in SIDE_OF.items() if side is Side.SUPPLIER]
    found = sa.select(Organisation.name, Organisation.credit_code, Organisation.kind)
    return [Supplier(*row) for row in session.execute(found.where(Organisation.kind.in_(kinds)))]


class ItemSum(NamedTuple):
    """What a household's items of a kind come to in a window, in fen, and what of that a second person has checked."""

    household_id: UUID
    kind: ItemKind
    fen: int
    checked_fen: int


def item_sums(
    connection: sa.Connection,
    household_ids: Collection[UUID],
    *,
    begin: date,
    end: date,
    recorded_by: datetime | None = None,
    checked_by: date = date.max,
) -> list[ItemSum]:
    """Return what items come to by household and kind, reversals taken off; known by an instant, or by now.

    Checks of a later day than `checked_by` are left out.
    """
    sign = sa.case((AccountItem.reverses.is_(None), 1), else_=-1)
    total = sa.cast(sa.func.sum(sign * AccountItem.amount_fen), sa.BigInteger)
    # A reversal counts as checked with what it takes back, so that both together come to nothing.
    checked_on = sa.cast(sa.func.timezone("Asia/Shanghai", AccountItemCheck.checked_at), sa.Date)
    item_id = sa.func.coalesce(AccountItem.reverses, AccountItem.id)
    about = sa.and_(AccountItemCheck.item_id == item_id, checked_on <= checked_by)
    if recorded_by is not None:
        about = sa.and_(about, AccountItemCheck.checked_at <= recorded_by)
    of_checked = sa.func.sum(sign * AccountItem.amount_fen).filter(AccountItemCheck.item_id.is_not(None))
    checked = sa.cast(sa.func.coalesce(of_checked, 0), sa.BigInteger)
    ids = sa.bindparam("ids", list(household_ids), type_=sa.ARRAY(sa.Uuid))
    found = (
        sa.select(AccountItem.household_id, AccountItem.kind, total, checked)
        .outerjoin(AccountItemCheck, about)
        .where(AccountItem.household_id == sa.any_(ids), AccountItem.occurred_on.between(begin, end))
        .group_by(AccountItem.household_id, AccountItem.kind)
        .having(total != 0)
        .order_by(AccountItem.household_id, AccountItem.kind)
    )
    if recorded_by is not None:
        found = found.where(AccountItem.recorded_at <= recorded_by)
    return [ItemSum(*row) for row in connection.execute(found)]


class Unchecked(NamedTuple):
    """What of a household's counted income of a window was recorded on a day and is checked by nobody, in fen."""

    household_id: UUID
    recorded_on: date
    fen: int


def unchecked_sums(
    connection: sa.Connection, household_ids: Collection[UUID], kinds: Collection[ItemKind], window: Window, *, on: date
) -> list[Unchecked]:
    """Return what is in force of these kinds and unchecked as of a day, by household and day of recording."""
    recorded_on = sa.cast(sa.func.timezone("Asia/Shanghai", AccountItem.recorded_at), sa.Date)
    ids = sa.bindparam("ids", list(household_ids), type_=sa.ARRAY(sa.Uuid))
    found = (
        sa.select(AccountItem.household_id, recorded_on, sa.cast(sa.func.sum(AccountItem.amount_fen), sa.BigInteger))
        .where(
            AccountItem.household_id == sa.any_(ids),
            AccountItem.kind.in_(kinds),
            AccountItem.occurred_on.between(window.begin, window.end),
            ~is_checked(on),
            *in_force(),
        )
        .group_by(AccountItem.household_id, recorded_on)
    )
    return [Unchecked(*row) for row in connection.execute(found)]


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
    """Return a household's confirmed baselines, the latest period first, those replaced since too."""
    columns = HouseholdBaseline.__table__.c
    found = sa.select(*columns).where(columns.household_id == household_id, columns.status == BaselineStatus.CONFIRMED)
    return connection.execute(found.order_by(columns.period_to.desc(), columns.id.desc())).all()


def baselines_in_force(
    session: orm.Session, household_id: UUID, figure: Figure, period: Window
) -> Sequence[HouseholdBaseline]:
    """Return the confirmed baselines of a figure that nothing replaced, of periods with a day in this one."""
    later = orm.aliased(HouseholdBaseline)
    replaced = sa.exists().where(later.replaces == HouseholdBaseline.id, later.status == BaselineStatus.CONFIRMED)
    return session.scalars(
        sa.select(HouseholdBaseline)
        .where(
            HouseholdBaseline.household_id == household_id,
            HouseholdBaseline.figure == figure,
            HouseholdBaseline.status == BaselineStatus.CONFIRMED,
            HouseholdBaseline.period_from <= period.end,
            HouseholdBaseline.period_to >= period.begin,
            ~replaced,
        )
        .order_by(HouseholdBaseline.period_from)
    ).all()


def monitoring_lines() -> sa.Select[MonitoringLine]:
    """Return the lines, the latest year first; they are public."""
    return sa.select(MonitoringLine).order_by(MonitoringLine.year.desc(), MonitoringLine.region_code)


def line_after(year: str, region_code: str) -> sa.ColumnElement[bool]:
    """Tell which lines come after one; raises `InvalidInputError` for a cursor that names none."""
    if not (year.isdecimal() and len(year) == 4):
        raise InvalidInputError("the cursor is not one of ours", "游标无效", pointer="/query/cursor")
    same = sa.and_(MonitoringLine.year == int(year), MonitoringLine.region_code > region_code)
    return sa.or_(MonitoringLine.year < int(year), same)
