"""What households earn and spend outside the market: recorded with its source, and reversed when it was wrong."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import new_id
from market.errors import NotFoundError, check_not_ahead
from market.households import proxies
from market.households.models import Household
from market.households.rules import Deed, HouseholdDepartedError
from market.households.service import household_to_change
from market.identifiers import reference_key
from market.identity.rules import Actor
from market.livelihoods import queries
from market.livelihoods.models import AccountItem, MonitoringLine
from market.livelihoods.rules import (
    ItemKind,
    ItemRecordedError,
    ItemReversedError,
    LineSetError,
    check_not_too_old,
    check_source,
)
from market.money import yuan
from market.regions.service import check_known

_ENTERED, _TAKEN_BACK = "代办员代填,凭证见该笔收支", "代办员冲销,理由见冲销记录"
"""What shows the act: the item has its evidence and the reversal its reason, and neither is repeated here."""


ItemKey = tuple[ItemKind, date, str]
"""By what items of a household are told apart: a paper shows a household one amount of a kind and day."""


class Item(NamedTuple):
    """What moved of a household's money on a day, who says so and by what."""

    kind: ItemKind
    amount_fen: int
    occurred_on: date
    source: str
    evidence: str

    @property
    def key(self) -> ItemKey:
        """Return by what it is told from other items, however its evidence was typed."""
        return self.kind, self.occurred_on, reference_key(self.evidence)


def record(
    session: orm.Session, actor: Actor, *, household_id: UUID, item: Item, today: date, now: datetime
) -> AccountItem:
    """Put an item on a household's account.

    Raises `NotFoundError`, `FutureDateError`, `HouseholdDepartedError` for a day after it left, `ItemTooOldError`,
    `SupplierAsSourceError` or `ItemRecordedError`.
    """
    household = household_to_change(session, actor, household_id=household_id)
    check_item(household, item, today=today)
    check_source(item.kind, item.source, queries.suppliers(session))
    check_new(item, standing(session, [household_id]).get(household_id, {}), pointer="/evidence")
    return add(session, actor, [(household_id, item)], now=now)[0]


def check_item(household: Household, item: Item, *, today: date) -> None:
    """Raise `FutureDateError`, `HouseholdDepartedError` or `ItemTooOldError` for a day that no figure of it counts."""
    check_not_ahead(item.occurred_on, today=today, pointer="/occurred_on")
    if household.departed_on is not None and item.occurred_on >= household.departed_on:
        raise HouseholdDepartedError(departed_on=household.departed_on, pointer="/occurred_on")
    check_not_too_old(item.occurred_on, registered_on=household.registered_on)


def check_new(item: Item, recorded: Mapping[ItemKey, int], *, pointer: str) -> None:
    """Raise `ItemRecordedError` for an item whose evidence showed the household an amount of this kind and day."""
    if (fen := recorded.get(item.key)) is not None:
        raise ItemRecordedError(item_kind=item.kind, day=item.occurred_on, yuan=yuan(fen), pointer=pointer)


def standing(session: orm.Session, household_ids: Collection[UUID]) -> dict[UUID, dict[ItemKey, int]]:
    """Return what is on record of these households and not reversed, in fen."""
    found: dict[UUID, dict[ItemKey, int]] = {}
    for row in session.scalars(
        sa.select(AccountItem).where(AccountItem.household_id.in_(household_ids), *queries.in_force())
    ):
        item = Item(row.kind, row.amount_fen, row.occurred_on, row.source, row.evidence)
        found.setdefault(row.household_id, {})[item.key] = item.amount_fen
    return found


def add(session: orm.Session, actor: Actor, items: Sequence[tuple[UUID, Item]], *, now: datetime) -> list[AccountItem]:
    """Write items that were checked, of households that are locked; a village clerk enters what these declare."""
    rows = [
        AccountItem(
            id=new_id(),
            household_id=household_id,
            reverses=None,
            reason=None,
            recorded_by=actor.member_id,
            recorded_at=now,
            **item._asdict(),
        )
        for household_id, item in items
    ]
    session.add_all(rows)
    session.flush()
    about = [(row.household_id, row.id) for row in rows]
    proxies.record(session, actor, deed=Deed.ITEM_RECORDED, about=about, evidence=_ENTERED, now=now)
    return rows


def reverse(session: orm.Session, actor: Actor, *, item_id: UUID, reason: str, now: datetime) -> AccountItem:
    """Take an item back by a row that names it; both stay. Raises `NotFoundError` or `ItemReversedError`."""
    item = session.scalar(queries.visible_account_items(actor).where(AccountItem.id == item_id))
    if item is None:
        raise NotFoundError(what="account_item")
    household_to_change(session, actor, household_id=item.household_id)
    reversing = sa.select(AccountItem.id).where(AccountItem.reverses == item.id)
    if item.reverses is not None or session.scalar(reversing) is not None:
        raise ItemReversedError
    row = AccountItem(
        id=new_id(),
        household_id=item.household_id,
        kind=item.kind,
        amount_fen=item.amount_fen,
        occurred_on=item.occurred_on,
        source=item.source,
        evidence=item.evidence,
        reverses=item.id,
        reason=reason,
        recorded_by=actor.member_id,
        recorded_at=now,
    )
    session.add(row)
    session.flush()
    about = [(row.household_id, row.id)]
    proxies.record(session, actor, deed=Deed.ITEM_REVERSED, about=about, evidence=_TAKEN_BACK, now=now)
    return row


def set_line(
    session: orm.Session,
    *,
    region_code: str,
    year: int,
    line_fen: int,
    jump_bp: int,
    jump_fen: int,
    unchecked_fen: int,
    unchecked_days: int,
    source: str,
) -> MonitoringLine:
    """Set the line of a region and year, for good; the empty code is the whole country.

    Raises `UnknownRegionError` or `LineSetError`.
    """
    if region_code:
        check_known(session, region_code, date(year, 12, 31), pointer="/region_code")
    if session.get(MonitoringLine, (region_code, year)) is not None:
        raise LineSetError(year=year, pointer="/year")
    line = MonitoringLine(
        region_code=region_code,
        year=year,
        line_fen=line_fen,
        jump_bp=jump_bp,
        jump_fen=jump_fen,
        unchecked_fen=unchecked_fen,
        unchecked_days=unchecked_days,
        source=source,
    )
    session.add(line)
    session.flush()
    return line
