"""Checking items: a second person of the county looks through what a village recorded in a period, many at once."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import lock_by
from market.errors import MarketError
from market.households.rules import VillageOutsideRegionError
from market.identity.rules import Actor, Scope
from market.livelihoods import queries
from market.livelihoods.models import AccountItem, AccountItemCheck
from market.livelihoods.rules import Window
from market.money import yuan


class Checked(NamedTuple):
    """What was checked: how many items, and what they come to in fen, income and expense alike."""

    items: int
    amount_fen: int


class ItemsToCheckError(MarketError):
    """Who checks says what was looked at: what was recorded or reversed since is not checked unseen."""

    status = 409
    en = "Recorded by others and not checked yet are {items} items of {yuan} yuan together; look at them again."
    zh = "由他人登记、尚未核对的为 {items} 笔、合计 {yuan} 元,与所报不符,请重新查看。"


def check_items(
    session: orm.Session,
    actor: Actor,
    *,
    village_code: str,
    period: Window,
    seen: Checked,
    now: datetime,
) -> Checked:
    """Check a village's items of a period, as another person than who recorded them; one's own stay unchecked.

    Raises `VillageOutsideRegionError`, or `ItemsToCheckError` unless they are as many, and come to as much, as seen.
    """
    if actor.scope is not Scope.ALL and not village_code.startswith(actor.region_code):
        raise VillageOutsideRegionError(village=village_code, pointer="/village_code")
    lock_by(session, kind="account_item_checks", key=village_code)
    items = session.scalars(
        queries.of_region(queries.visible_account_items(actor), village_code, period)
        .where(*queries.in_force(), ~queries.is_checked(), AccountItem.recorded_by != actor.member_id)
        .order_by(AccountItem.id)
    ).all()
    found = Checked(len(items), sum(item.amount_fen for item in items))
    if found != seen:
        raise ItemsToCheckError(items=found.items, yuan=yuan(found.amount_fen), pointer="/items")
    signed = {"checked_by": actor.member_id, "checked_at": now}
    if items:
        rows = [{"item_id": item.id, "recorded_by": item.recorded_by} | signed for item in items]
        session.execute(sa.insert(AccountItemCheck), rows)
    return found
