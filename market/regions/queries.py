"""Regions as they were called on a day."""

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import within
from market.regions.models import Region
from market.regions.rules import DIGITS_OF, Level


def regions_on(on: date) -> sa.Select[Region]:
    """Return the regions that exist on a day, each with its name of that day."""
    return sa.select(Region).where(
        Region.valid_from <= on, sa.or_(Region.valid_until.is_(None), Region.valid_until > on)
    )


def find_regions(
    session: orm.Session, *, on: date, parent: str | None, level: Level | None, after: str | None, limit: int
) -> Sequence[Region]:
    """Return regions by code: those right under the parent, or those of a level anywhere under it."""
    found = regions_on(on).order_by(Region.code).limit(limit)
    if parent is not None:
        found = found.where(within(Region.code, parent), Region.code != parent)
        if level is None:
            under = [digits for digits in DIGITS_OF.values() if digits > len(parent)]
            found = found.where(sa.func.length(Region.code) == min(under, default=0))
    if level is not None:
        found = found.where(sa.func.length(Region.code) == DIGITS_OF[level])
    if after is not None:
        found = found.where(Region.code > after)
    return session.scalars(found).all()
