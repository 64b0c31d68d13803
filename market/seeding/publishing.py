"""What others printed, as events: an operator writes it down as it was printed."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from sqlalchemy import orm

from market.identity.rules import Permission
from market.published import service as published
from market.published.rules import PublishedKind
from market.seeding.known import Known
from market.seeding.reading import Row, Sample, day, fen, maybe_count
from market.seeding.timeline import Event, Turn


def events(sample: Sample, known: Known) -> Iterator[Event]:
    """Return the figures, in the order of the file."""
    for row in sample.published_figures:
        write = partial(_publish, known, row)
        yield Event(day(row["recorded_on"]), Turn.PUBLISHED, f"published figure {row['title']}", write)


def _publish(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    published.publish(
        session,
        known.actor(row["recorded_by"], Permission.MONITORING_WRITE),
        kind=PublishedKind(row["kind"]),
        title=row["title"],
        amount_fen=fen(row["amount_yuan"]) if row["amount_yuan"] else None,
        households=maybe_count(row["households"]),
        people=maybe_count(row["people"]),
        region_code=row["region_code"],
        scope=row["scope"],
        period_from=day(row["period_from"]),
        period_to=day(row["period_to"]),
        source=row["printed_in"],
        now=now,
    )
