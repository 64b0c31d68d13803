"""Naming regions, and asking whether one exists on a day."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy import orm

from market import identifiers
from market.db import lock_by, within
from market.errors import InvalidInputError
from market.identity.models import Organisation
from market.regions.models import Region
from market.regions.queries import regions_on
from market.regions.rules import UnknownRegionError, check_succession


def add_region(session: orm.Session, *, code: str, name: str, valid_from: date) -> Region:
    """Give a code a name from a day on; a name that it bears until then ends on the day before.

    Raises `InvalidInputError` (code) or `RegionOverlapError`.
    """
    if not identifiers.is_region_code(code):
        raise InvalidInputError("not a region code", "行政区划代码无效", pointer="/code")
    lock_by(session, kind="region", key=code)
    latest = session.scalar(
        sa.select(Region).where(Region.code == code).order_by(Region.valid_from.desc()).limit(1).with_for_update()
    )
    if latest is not None:
        check_succession(code, valid_from, latest_from=latest.valid_from, latest_until=latest.valid_until)
        latest.valid_until = latest.valid_until or valid_from
    region = Region(code=code, name=name, valid_from=valid_from, valid_until=None)
    session.add(region)
    session.flush()
    return region


def require_region(session: orm.Session, code: str, on: date, *, pointer: str = "/region_code") -> Region:
    """Return the region with this code on a day; raises `UnknownRegionError`, pointing at the input that named it."""
    region = session.scalar(regions_on(on).where(Region.code == code))
    if region is None:
        raise UnknownRegionError(code=code, on=on, pointer=pointer)
    return region


def check_known(session: orm.Session | sa.Connection, code: str, on: date, *, pointer: str) -> None:
    """Raise `UnknownRegionError` for a filter by a code under which there is neither a region nor an organisation."""
    named = regions_on(on).with_only_columns(sa.literal(value=True)).where(within(Region.code, code))
    settled = sa.select(Organisation.id).where(within(Organisation.region_code, code))
    if not session.scalar(sa.select(named.exists() | settled.exists())):
        raise UnknownRegionError(code=code, on=on, pointer=pointer)
