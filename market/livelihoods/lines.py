"""The lines of monitoring (监测线) of a year, and which of them hold for a village."""

from collections.abc import Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import orm

from market.livelihoods.models import MonitoringLine


class Line(NamedTuple):
    """What holds for a village in a year, of all that the regions around it ask; see `MonitoringLine`."""

    line_fen: int
    jump_bp: int
    jump_fen: int
    unchecked_fen: int
    unchecked_days: int


def lines_of(session: orm.Session, year: int) -> dict[str, MonitoringLine]:
    """Return the lines of a year, by region; the empty code is the whole country."""
    found = session.scalars(sa.select(MonitoringLine).where(MonitoringLine.year == year))
    return {line.region_code: line for line in found}


def strictest(lines: Mapping[str, MonitoringLine], village_code: str) -> Line | None:
    """Return what the regions around a village ask, the whole country's empty code among them; None if none does.

    A region may ask more than those it lies in, never less: nobody turns a province's warnings off for a county.
    """
    around = [line for region_code, line in lines.items() if village_code.startswith(region_code)]
    if not around:
        return None
    return Line(
        max(line.line_fen for line in around),
        min(line.jump_bp for line in around),
        min(line.jump_fen for line in around),
        min(line.unchecked_fen for line in around),
        min(line.unchecked_days for line in around),
    )
